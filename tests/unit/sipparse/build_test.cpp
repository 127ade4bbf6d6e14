// SPDX-License-Identifier: Apache-2.0
#include "sipparse/build.h"

#include "sipparse/routing_view.h"
#include "sipparse/scan.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace linehunt::sip::build_test {
namespace {

constexpr std::string_view invite =
    "INVITE sip:100@edge.example SIP/2.0\r\n"
    "v: SIP/2.0/UDP 10.0.0.1:5070 ;rport ;branch=z9hG4bK1\r\n"
    "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK0, SIP/2.0/TCP 10.0.0.3\r\n"
    "Max-Forwards: 70\r\n"
    "Timestamp: 54.21\r\n"
    "Route: <sip:10.0.0.8;lr>,<sip:10.0.0.9;lr>\r\n"
    "From:\r\n \"A\" <sip:a@a.example>;tag=ft\r\n"
    "Route: <sip:10.0.0.10>\r\n"
    "t: <sip:100@edge.example>\r\n"
    "Call-ID: build@10.0.0.1\r\n"
    "CSeq: 77 INVITE\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

message_view scanned(std::string_view text) {
  message_view view;
  EXPECT_EQ(scan(text, view).error, scan_error::none) << text;
  return view;
}

// The same, whether the Via has been read before or not.
std::string reply(std::string_view request, const reply_parts& parts) {
  const message_view view = scanned(request);
  std::string out(4096, '?');
  out.resize(build_reply(view, parts, out));
  routing_view fields;
  (void)make_routing_view(view, fields);
  reply_parts with_via = parts;
  with_via.top_via = &fields.top_via;
  std::string again(4096, '?');
  again.resize(build_reply(view, with_via, again));
  EXPECT_EQ(again, out);
  return out;
}

std::string with_via(std::string_view via) {
  return "BYE sip:b@b.example SIP/2.0\r\nVia: " + std::string{via} +
         "\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: c\r\n"
         "CSeq: 1 BYE\r\n\r\n";
}

std::string top_via_of(const std::string& message) {
  return std::string{scanned(message).value_of(header_id::via)};
}

TEST(BuildReply, CopiesWhatRfc3261Wants) {
  EXPECT_EQ(reply(invite, {.status = 486,
                           .reason = "Busy Here",
                           .to_tag = "tt",
                           .received = "192.0.2.9",
                           .rport = 4000,
                           .extra_headers = "Server: x\r\n"}),
            "SIP/2.0 486 Busy Here\r\n"
            "v: SIP/2.0/UDP 10.0.0.1:5070 ;rport=4000 ;branch=z9hG4bK1;received=192.0.2.9\r\n"
            "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK0, SIP/2.0/TCP 10.0.0.3\r\n"
            "From:\r\n \"A\" <sip:a@a.example>;tag=ft\r\n"
            "t: <sip:100@edge.example>;tag=tt\r\n"
            "Call-ID: build@10.0.0.1\r\n"
            "CSeq: 77 INVITE\r\n"
            "Server: x\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(BuildReply, TryingHasTheTimestampAndNoTag) { // RFC 3261 8.2.6.1, 8.2.6.2
  const auto trying = reply(invite, {.status = 100, .reason = "Trying", .to_tag = "tt"});
  EXPECT_NE(trying.find("\r\nTimestamp: 54.21\r\n"), std::string::npos);
  EXPECT_EQ(trying.find("tt"), std::string::npos);
  EXPECT_NE(trying.find("v: SIP/2.0/UDP 10.0.0.1:5070 ;rport ;branch=z9hG4bK1\r\n"),
            std::string::npos)
      << "without `received` the Via stays as it came";
}

TEST(BuildReply, AFoldedTimestampGoesBackWhole) {
  const auto trying = reply("INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"
                            "TIMESTAMP : 54\r\n .21\r\nContent-Length: 0\r\n\r\n",
                            {.status = 100, .reason = "Trying"});
  EXPECT_NE(trying.find("\r\nTIMESTAMP : 54\r\n .21\r\nContent-Length: 0\r\n\r\n"),
            std::string::npos)
      << trying;
}

TEST(BuildReply, KeepsATagThatIsThere) {
  const auto out =
      reply(with_via("SIP/2.0/UDP h"), {.status = 481, .reason = "x", .to_tag = "new"});
  EXPECT_NE(out.find("To: <sip:b@b.example>;tag=2\r\n"), std::string::npos);
}

TEST(BuildReply, FillsReceivedAndRport) { // RFC 3261 18.2.1, RFC 3581 4
  const auto via = [](std::string_view from) {
    return top_via_of(reply(
        with_via(from), {.status = 200, .reason = "OK", .received = "192.0.2.9", .rport = 4000}));
  };
  EXPECT_EQ(via("SIP/2.0/UDP h"), "SIP/2.0/UDP h;received=192.0.2.9");
  EXPECT_EQ(via("SIP/2.0/UDP h;branch=b, SIP/2.0/UDP g;rport"),
            "SIP/2.0/UDP h;branch=b;received=192.0.2.9, SIP/2.0/UDP g;rport");
  EXPECT_EQ(via("SIP/2.0/UDP h;rport=1;branch=b"),
            "SIP/2.0/UDP h;rport=4000;branch=b;received=192.0.2.9");
  EXPECT_EQ(via("SIP/2.0/UDP h;rport ;received=6.6.6.6"),
            "SIP/2.0/UDP h;rport=4000 ;received=192.0.2.9")
      << "what the sender says of itself is replaced";
  EXPECT_EQ(via("SIP/2.0/UDP h;received=[2001:db8::6];x;rport"),
            "SIP/2.0/UDP h;received=192.0.2.9;x;rport=4000");
}

TEST(BuildReply, LacksOrOverflows) {
  const std::string no_via = "BYE sip:b@b.example SIP/2.0\r\nCall-ID: c\r\n\r\n";
  EXPECT_EQ(reply(no_via, {.status = 400, .reason = "x"}), "");
  std::array<char, 64> small;
  EXPECT_EQ(build_reply(scanned(invite), {.status = 400, .reason = "x"}, small), 0u);
  // What else is missing is left out (RFC 4475 3.3.1).
  const std::string bare = "BYE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n";
  EXPECT_EQ(reply(bare, {.status = 400, .reason = "x", .to_tag = "t"}),
            "SIP/2.0 400 x\r\nVia: SIP/2.0/UDP h\r\nContent-Length: 0\r\n\r\n");
}

TEST(BuildReply, RepeatedHeadersAreCopiedOnce) { // RFC 4475 3.3.8
  const auto out = reply("BYE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCall-ID: one\r\n"
                         "i: two\r\nTo: <sip:x@x>\r\nt: <sip:y@y>\r\n\r\n",
                         {.status = 400, .reason = "x"});
  EXPECT_NE(out.find("one"), std::string::npos);
  EXPECT_EQ(out.find("two"), std::string::npos);
  EXPECT_EQ(out.find("sip:y"), std::string::npos);
}

TEST(BuildAck, OfAFailure) { // RFC 3261 17.1.1.3
  std::string out(2048, '?');
  out.resize(build_ack(scanned(invite), "<sip:100@edge.example>;tag=uas", out));
  EXPECT_EQ(out, "ACK sip:100@edge.example SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP 10.0.0.1:5070 ;rport ;branch=z9hG4bK1\r\n"
                 "Max-Forwards: 70\r\n"
                 "Route: <sip:10.0.0.8;lr>,<sip:10.0.0.9;lr>\r\n"
                 "Route: <sip:10.0.0.10>\r\n"
                 "From: \"A\" <sip:a@a.example>;tag=ft\r\n"
                 "To: <sip:100@edge.example>;tag=uas\r\n"
                 "Call-ID: build@10.0.0.1\r\n"
                 "CSeq: 77 ACK\r\n"
                 "Content-Length: 0\r\n\r\n");
}

TEST(BuildCancel, OfAnInvite) { // RFC 3261 9.1
  std::string out(2048, '?');
  out.resize(build_cancel(scanned(invite), "Reason: SIP;cause=200\r\n", out));
  const auto view = scanned(out);
  EXPECT_EQ(view.method, method::cancel);
  EXPECT_EQ(view.value_of(header_id::cseq), "77 CANCEL");
  EXPECT_EQ(view.value_of(header_id::to), "<sip:100@edge.example>");
  EXPECT_EQ(view.value_of(header_id::reason), "SIP;cause=200");
  EXPECT_EQ(view.count_of(header_id::via), 1);
  EXPECT_EQ(view.count_of(header_id::route), 2);

  std::array<char, 128> small;
  EXPECT_EQ(build_cancel(scanned(invite), {}, small), 0u);
  EXPECT_EQ(build_cancel(scanned(reply(invite, {.status = 200, .reason = "OK"})), {}, out), 0u)
      << "a response has no Request-URI to send it to";
}

TEST(BuildRequest, OfOurOwn) {
  request_parts parts{.method = "OPTIONS",
                      .request_uri = "sip:192.0.2.4:5060",
                      .via_sent_by = "[2001:db8::1]:5060",
                      .branch = "z9hG4bKprobe",
                      .from = "<sip:prober@localhost>;tag=p",
                      .to = "<sip:192.0.2.4:5060>",
                      .call_id = "probe-1",
                      .cseq = 1,
                      .route = "<sip:r1;lr>, <sip:r2;lr>",
                      .extra_headers = "Accept: application/sdp\r\n"};
  std::string out(2048, '?');
  out.resize(build_request(parts, out));
  const auto view = scanned(out);
  routing_view routed;
  ASSERT_TRUE(make_routing_view(view, routed));
  EXPECT_EQ(view.method, method::options);
  EXPECT_EQ(routed.top_via.sent_by_host, "2001:db8::1");
  EXPECT_EQ(routed.top_via.branch, "z9hG4bKprobe");
  EXPECT_EQ(routed.from_tag, "p");
  EXPECT_EQ(routed.cseq.number, 1u);
  EXPECT_EQ(routed.max_forwards, 70);
  EXPECT_EQ(routed.top_route_uri, "sip:r1;lr");
  EXPECT_NE(out.find("\r\nAccept: application/sdp\r\n"), std::string::npos);

  parts.branch = {};
  EXPECT_EQ(build_request(parts, out), 0u);
}

TEST(ReasonPhrase, KnownAndUnknown) {
  EXPECT_EQ(reason_phrase(100), "Trying");
  EXPECT_EQ(reason_phrase(483), "Too Many Hops");
  EXPECT_EQ(reason_phrase(607), "Unwanted");
  EXPECT_EQ(reason_phrase(499), "Unknown");
  EXPECT_EQ(reason_phrase(0), "Unknown");
  EXPECT_EQ(reason_phrase(65535), "Unknown");
}

TEST(Writer, WritesNumbersOfEveryLength) {
  const auto written = [](std::uint64_t number) {
    std::string text(32, '?');
    writer out{text};
    out << number;
    text.resize(out.size());
    return text;
  };
  for (std::uint64_t n = 0; n < 100'000; ++n)
    ASSERT_EQ(written(n), std::to_string(n));
  for (std::uint64_t n = 1'000'000; n < 10'000'000'000'000'000'000u; n *= 10) {
    EXPECT_EQ(written(n), std::to_string(n));
    EXPECT_EQ(written(n - 1), std::to_string(n - 1));
  }
  EXPECT_EQ(written(18'446'744'073'709'551'615u), "18446744073709551615");
}

TEST(Writer, WritesNothingMoreOnceSomethingDidNotFit) {
  std::array<char, 6> buffer;
  writer out{buffer};
  out << "abc" << std::uint64_t{12};
  EXPECT_EQ(out.size(), 5u);
  out << "too long"
      << "x";
  EXPECT_EQ(out.size(), 0u);
}

} // namespace
} // namespace linehunt::sip::build_test
