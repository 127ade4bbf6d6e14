// SPDX-License-Identifier: Apache-2.0
// What the corpus suite does not say already: the order of the checks, reasons, and who is
// answered.
#include "sipparse/validate.h"

#include <gtest/gtest.h>

#include <string>

namespace linehunt::sip::validate_test {
namespace {

validation validated(std::string_view text) {
  static message_view view;
  const auto scanned = scan(text, view);
  routing_view routed;
  const auto routing = make_routing_view(view, routed);
  return validate(view, scanned, routed, routing);
}

std::string request(std::string_view start_line, std::string_view extra = {},
                    std::string_view cseq_method = "OPTIONS") {
  return std::string{start_line} +
         "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n"
         "To: <sip:b@b.example>\r\nCall-ID: c\r\nCSeq: 1 " +
         std::string{cseq_method} + "\r\n" + std::string{extra} + "\r\n";
}

TEST(Validate, FaultsInTheOrderOfRfc3261) { // 16.3: syntax, scheme, Max-Forwards, Proxy-Require
  const auto all = validated(request(
      "OPTIONS mailto:b SIP/2.0", "Max-Forwards: 0\r\nProxy-Require: x\r\nContent-Length: a\r\n"));
  EXPECT_EQ(all.status, 400);
  EXPECT_EQ(all.reason, "Bad Request - Content-Length");
  EXPECT_EQ(validated(request("OPTIONS mailto:b SIP/2.0", "Max-Forwards: 0\r\n")).status, 416);
  EXPECT_EQ(
      validated(request("OPTIONS sip:b SIP/2.0", "Max-Forwards: 0\r\nProxy-Require: x\r\n")).status,
      483);
  const auto last = validated(request("OPTIONS sip:b SIP/2.0", "Proxy-Require: x, y\r\n"));
  EXPECT_EQ(last.status, 420);
  EXPECT_EQ(last.what, disposition::reply);
}

TEST(Validate, VersionComesFirst) {
  const auto v = validated(request("OPTIONS sip:b SIP/9.1", "Content-Length: a\r\n"));
  EXPECT_EQ(v.status, 505);
  EXPECT_EQ(v.what, disposition::reply);
}

TEST(Validate, NeverAnswersAnAck) { // RFC 3261 17.1.1.3
  for (const auto start : {"ACK mailto:b SIP/2.0", "ACK sip:b SIP/9.1", "ACK sip:b?x SIP/2.0",
                           "ACK  sip:b SIP/2.0", "ACK sip:b; lr SIP/2.0"}) {
    EXPECT_EQ(validated(request(start, {}, "ACK")).what, disposition::drop) << start;
  }
  EXPECT_EQ(validated(request("ACK sip:b SIP/2.0", {}, "INVITE")).what, disposition::drop);
  EXPECT_EQ(validated(request("ACK sip:b SIP/2.0", "Max-Forwards: 0\r\n", "ACK")).what,
            disposition::drop);
  EXPECT_EQ(validated(request("ACK sip:b SIP/2.0", "Proxy-Require: x\r\n", "ACK")).what,
            disposition::accept);
}

TEST(Validate, NeverAnswersAResponse) {
  EXPECT_EQ(validated(request("SIP/2.0 200 OK")).what, disposition::accept);
  EXPECT_EQ(validated(request("SIP/2.0 200 OK", "Content-Length: 5\r\n")).what, disposition::drop);
  EXPECT_EQ(validated(request("SIP/2.0 200 OK", "CSeq: 2 BYE\r\n")).what, disposition::drop);
  EXPECT_EQ(validated(request("SIP/3.0 200 OK")).what, disposition::drop);
  EXPECT_EQ(validated(request("SIP/2.0 700 OK")).what, disposition::drop);
}

TEST(Validate, ResponseWithMoreHeaderLinesThanTheIndexHolds) {
  const auto with_lines = [](std::size_t lines) {
    std::string more;
    for (std::size_t i = 5; i < lines; ++i) // request() has five
      more += "X: y\r\n";
    return validated(request("SIP/2.0 200 OK", more)).what;
  };
  EXPECT_EQ(with_lines(max_indexed_headers), disposition::accept);
  EXPECT_EQ(with_lines(max_indexed_headers + 1), disposition::drop);
}

TEST(Validate, BroadcastTargetOfAResponse) { // RFC 4475 3.3.10, RFC 3261 18.2.2
  const auto with_second_via = [](std::string_view via) {
    return validated(request("SIP/2.0 200 OK", "Via: " + std::string{via} + "\r\n")).what;
  };
  EXPECT_EQ(with_second_via("SIP/2.0/UDP 255.255.255.255"), disposition::drop);
  EXPECT_EQ(with_second_via("SIP/2.0/UDP h;received=255.255.255.255"), disposition::drop);
  EXPECT_EQ(with_second_via("SIP/2.0/UDP 255.255.255.255;maddr=192.0.2.1"), disposition::drop)
      << "maddr is not where it goes";
  EXPECT_EQ(with_second_via("SIP/2.0/UDP h;maddr=255.255.255.255"), disposition::accept);
  EXPECT_EQ(with_second_via("SIP/2.0/UDP 255.255.255.255;received=192.0.2.1"), disposition::accept);
  EXPECT_EQ(with_second_via("SIP/2.0/UDP 192.0.2.255"), disposition::accept);
  EXPECT_EQ(with_second_via("nonsense"), disposition::accept)
      << "the broken Via belongs to the hop behind us";
}

TEST(Validate, CancelIsForThisHop) {
  const auto v = validated(
      request("CANCEL sip:b SIP/2.0", "Max-Forwards: 0\r\nProxy-Require: x\r\n", "CANCEL"));
  EXPECT_EQ(v.what, disposition::accept);
}

TEST(Validate, WithoutAViaThereIsNobodyToAnswer) {
  const auto v = validated("OPTIONS sip:b SIP/2.0\r\nCall-ID: c\r\n\r\n");
  EXPECT_EQ(v.what, disposition::drop);
  EXPECT_EQ(v.status, 400);
  EXPECT_EQ(v.reason, "Bad Request - Via");
}

TEST(Validate, NotSip) {
  for (const auto text : {"", "\r\n\r\n", "hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    EXPECT_EQ(validated(text).what, disposition::drop) << text;
  }
  EXPECT_EQ(validated(std::string(max_message_bytes + 1, 'x')).what, disposition::drop);
}

} // namespace
} // namespace linehunt::sip::validate_test
