// SPDX-License-Identifier: Apache-2.0
#include "sipparse/routing_view.h"

#include "sipparse/grammar/by_grammar.h"
#include "sipparse/plain_fields.h"
#include "sipparse/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <string>

namespace linehunt::sip::routing_view_test {
namespace {

using namespace std::string_literals;

const std::string mandatory = "Via: SIP/2.0/UDP a.example:5061;branch=z9hG4bK1;rport\r\n"
                              "From: \"A\" <sip:a@a.example>;tag=f1\r\n"
                              "To: <sip:b@b.example>\r\n"
                              "Call-ID: 17@a.example\r\n"
                              "CSeq: 4711 INVITE\r\n";

struct reading {
  message_view message;
  routing_view view;
  routing_result result;
};

// The caller keeps the text.
void read(const std::string& text, reading& r) {
  (void)scan(text, r.message);
  r.result = make_routing_view(r.message, r.view);
}

TEST(RoutingView, AllFields) {
  reading r;
  const auto text = "INVITE sip:x SIP/2.0\r\n" + mandatory +
                    "Max-Forwards: 70\r\nRoute: <sip:p1;lr>,<sip:p2>\r\nRoute: <sip:p3>\r\n"
                    "Content-Length: 3\r\n\r\nabcdef";
  read(text, r);
  ASSERT_TRUE(r.result);
  EXPECT_EQ(r.view.top_via.sent_by_host, "a.example");
  EXPECT_EQ(r.view.top_via.sent_by_port, 5061);
  EXPECT_EQ(r.view.top_via.branch, "z9hG4bK1");
  EXPECT_TRUE(r.view.top_via.has_rport);
  EXPECT_EQ(r.view.from_tag, "f1");
  EXPECT_EQ(r.view.to_tag, "");
  EXPECT_EQ(r.view.call_id, "17@a.example");
  EXPECT_EQ(r.view.cseq.number, 4711u);
  EXPECT_EQ(r.view.cseq.method, method::invite);
  EXPECT_EQ(r.view.max_forwards, 70);
  EXPECT_EQ(r.view.top_route_uri, "sip:p1;lr");
  EXPECT_TRUE(r.view.has_content_length);
  EXPECT_EQ(r.view.body, "abc"); // RFC 3261 18.3: what follows is ignored
}

TEST(RoutingView, WhatMayBeMissing) {
  reading r;
  const auto text = "INVITE sip:x SIP/2.0\r\n" + mandatory + "\r\nbody";
  read(text, r);
  ASSERT_TRUE(r.result);
  EXPECT_EQ(r.view.max_forwards, no_max_forwards);
  EXPECT_EQ(r.view.top_route_uri, "");
  EXPECT_FALSE(r.view.has_content_length);
  EXPECT_EQ(r.view.body, "body");
}

std::string without(const std::string& name) {
  const auto begin = mandatory.find(name);
  return mandatory.substr(0, begin) + mandatory.substr(mandatory.find("\r\n", begin) + 2);
}

TEST(RoutingView, Errors) {
  const struct {
    std::string headers;
    routing_error error;
    std::string at; // what stands where the error is
  } cases[] = {
      {without("Via"), routing_error::via, "\r\n"},
      {without("From"), routing_error::from, "\r\n"},
      {without("To"), routing_error::to, "\r\n"},
      {without("Call-ID"), routing_error::call_id, "\r\n"},
      {without("CSeq"), routing_error::cseq, "\r\n"},
      {without("Via") + "Via: SIP/2.0/UDP a;;\r\n", routing_error::via, ";;"},
      {without("To") + "To: \"B <sip:b>\r\n", routing_error::to, "\"B"},
      {without("From") + "From: *\r\n", routing_error::from, "*"},
      {without("From") + "From: <sip:a>;tag=1, <sip:c>;tag=2\r\n", routing_error::from,
       ", <sip:c>"},
      {without("To") + "To: <sip:b>,,,\r\n", routing_error::to, ",,,"},
      {without("Call-ID") + "Call-ID: a b\r\n", routing_error::call_id, "a b"},
      {without("CSeq") + "CSeq: 4294967296 INVITE\r\n", routing_error::cseq, "42949"},
      {without("CSeq") + "CSeq: 1 BYE\r\n", routing_error::cseq_mismatch, "1 BYE"},
      {mandatory + "Max-Forwards: -1\r\n", routing_error::max_forwards, "-1"},
      {mandatory + "Route: sip p\r\n", routing_error::route, "sip p"},
      {mandatory + "Content-Length: -5\r\n", routing_error::content_length, "-5"},
      {mandatory + "Content-Length: 5\r\n", routing_error::body_short, "5\r\n"},
      {mandatory + "l: 4\r\nContent-Length: 3\r\n", routing_error::repeated, "Content-Length: 3"},
      {mandatory + "From: <sip:z>\r\n", routing_error::repeated, "From: <sip:z>"},
      {mandatory + "t: <sip:z>\r\n", routing_error::repeated, "t: <sip:z>"},
      {mandatory + "i: 1\r\n", routing_error::repeated, "i: 1"},
      {mandatory + "CSeq: 4711 INVITE\r\n", routing_error::repeated, "CSeq: 4711 INVITE\r\n\r"},
      {mandatory + "Max-Forwards: 1\r\nMax-Forwards: 1\r\n", routing_error::repeated,
       "Max-Forwards"},
  };
  for (const auto& c : cases) {
    reading r;
    const auto text = "INVITE sip:x SIP/2.0\r\n" + c.headers + "\r\nbody";
    read(text, r);
    EXPECT_EQ(r.result.error, c.error) << c.headers;
    EXPECT_EQ(text.substr(r.result.at, c.at.size()), c.at) << c.headers;
    // What can be read is there, for the reply.
    if (c.error != routing_error::via) {
      EXPECT_EQ(r.view.top_via.branch, "z9hG4bK1") << c.headers;
    }
    if (c.error != routing_error::call_id) {
      EXPECT_EQ(r.view.call_id, "17@a.example") << c.headers;
    }
  }
}

TEST(RoutingView, ContentLengthsThatAgree) {
  reading r;
  const auto text =
      "INVITE sip:x SIP/2.0\r\n" + mandatory + "l: 4\r\nContent-Length: 04\r\n\r\nbody";
  read(text, r);
  EXPECT_TRUE(r.result);
  EXPECT_EQ(r.view.content_length, 4u);
}

TEST(RoutingView, AResponseHasTheMethodOfItsRequest) {
  reading r;
  const auto text = "SIP/2.0 200 OK\r\n" + mandatory + "\r\n";
  read(text, r);
  EXPECT_TRUE(r.result);
  EXPECT_EQ(r.view.cseq.method, method::invite);
}

TEST(RoutingView, UnknownMethodsAreCompared) { // RFC 4475 3.1.2.17
  for (const bool same : {true, false}) {
    reading r;
    const auto text = "FOO sip:x SIP/2.0\r\n" + without("CSeq") +
                      (same ? "CSeq: 1 FOO\r\n\r\n" : "CSeq: 1 BAR\r\n\r\n");
    read(text, r);
    EXPECT_EQ(r.result.error, same ? routing_error::none : routing_error::cseq_mismatch);
  }
}

TEST(RoutingView, AnSdpMayLackTwoBytesALine) { // RFC 5118 4.6
  const auto error_of = [](const std::string& sdp, std::size_t lacking) {
    reading r;
    const auto text = "INVITE sip:x SIP/2.0\r\n" + mandatory +
                      "Content-Length: " + std::to_string(sdp.size() + lacking) + "\r\n\r\n" + sdp;
    read(text, r);
    if (r.result) {
      EXPECT_EQ(r.view.body, sdp);
    }
    return r.result.error;
  };
  std::string sdp = "v=0\r\n";
  for (std::size_t lines = 1; lines <= 9; ++lines) {
    EXPECT_EQ(error_of(sdp, 2 * lines), routing_error::none) << lines;
    EXPECT_EQ(error_of(sdp, 2 * lines + 1), routing_error::body_short) << lines;
    sdp += "a=x\r\n";
  }
  EXPECT_EQ(error_of("v=0\r\na=x", 1), routing_error::body_short) << "ends within a line";
  EXPECT_EQ(error_of("a=x\r\n", 1), routing_error::body_short) << "no SDP";
}

// The short ways of plain_fields.h either say what the grammar says, or nothing. Values are made
// of pieces that mean something to one or the other, the bytes behind them are hostile.
class PlainFields : public ::testing::Test {
 protected:
  std::string value(std::initializer_list<std::string_view> pieces) {
    std::string text;
    for (auto n = random_() % 9; n > 0; --n)
      text += std::data(pieces)[random_() % pieces.size()];
    return text;
  }
  // The value with something behind it, as in a message; `t.limit` is its end.
  plain::text within(const std::string& value) {
    static const std::string behind[] = {"", "\r\n", ";tag=9\r\n\r\n",
                                         "=1;branch=2;rport=3;received=4",
                                         "0123456789:>\"@aaaaaaaaaaaaaaaaaaaaa"};
    message_ = value + behind[random_() % 5];
    return {message_.data(), message_.data() + value.size(), message_.data() + message_.size()};
  }
  std::mt19937 random_{3};
  std::string message_;
  int taken_ = 0; // short ways that were taken; a test in which there were none tests nothing
};

TEST_F(PlainFields, Via) {
  for (int i = 0; i < 200000; ++i) {
    std::string v = random_() % 8 ? "SIP/2.0/UDP " : "";
    v += random_() % 8 ? "a.example" : "";
    v += value({"SIP/2.0/TLS ",
                "[2001:db8::1]",
                ":5060",
                ":65536",
                ":",
                ";branch=z9hG4bK",
                ";branch",
                ";rport",
                ";rport=5060",
                ";RPORT=70000",
                ";received=1.2.3.4",
                ";received=[::1]",
                ";received=",
                ";maddr=x",
                ";x",
                "=",
                ",",
                " ",
                "\"",
                ";ttl=1",
                ";Branch=b",
                ";oc",
                ";OC=5",
                ";oc-algo=\"loss\"",
                ";oc-algo=\"lo",
                ";oc-seq=1.2",
                ";o",
                "c",
                "-",
                "0"});
    const auto t = within(v);
    via_field field;
    if (!plain::via(t, field)) continue;
    ++taken_;
    const auto expected = grammar::via_by_grammar({t.first, v.size()});
    ASSERT_TRUE(expected) << v;
    ASSERT_EQ(field.transport, expected->transport) << v;
    ASSERT_EQ(field.sent_by_host, expected->sent_by_host) << v;
    ASSERT_EQ(field.sent_by_port, expected->sent_by_port) << v;
    ASSERT_EQ(field.branch, expected->branch) << v;
    ASSERT_EQ(field.received, expected->received) << v;
    ASSERT_EQ(field.maddr, expected->maddr) << v;
    ASSERT_EQ(field.has_rport, expected->has_rport) << v;
    ASSERT_EQ(field.has_oc, expected->has_oc) << v;
    ASSERT_EQ(field.rport, expected->rport) << v;
    ASSERT_EQ(field.rport_text, expected->rport_text) << v;
    ASSERT_EQ(field.element, expected->element) << v;
    ASSERT_EQ(expected->rest, "") << v;
    // With nothing behind it.
    ASSERT_EQ(parse_via(v)->branch, expected->branch) << v;
    ASSERT_EQ(parse_via(v)->rport_text, expected->rport_text) << v;
  }
  EXPECT_GT(taken_, 1000);
}

TEST_F(PlainFields, Address) {
  for (int i = 0; i < 200000; ++i) {
    const auto v = value({"\"A\"",
                          "\"",
                          "\\",
                          " ",
                          "<",
                          "<sip:",
                          "sip:",
                          "sips:",
                          "tel:",
                          "SIP:a",
                          "a@b",
                          "a",
                          ">",
                          ">;tag=1",
                          ";tag=",
                          ";TAG=z",
                          ";x=y",
                          ";",
                          ",",
                          "\xc3",
                          "*",
                          "\t",
                          "<sip:a@b>;tag=12",
                          "\"A\" <sip:a@b>",
                          "?x"});
    const auto t = within(v);
    std::string_view uri, tag;
    const auto expected = grammar::address_by_grammar({t.first, v.size()});
    if (plain::address(t, uri, tag)) {
      ++taken_;
      ASSERT_TRUE(expected) << v;
      ASSERT_EQ(uri, expected->uri) << v;
      ASSERT_EQ(tag, expected->tag) << v;
      ASSERT_EQ(expected->rest, "") << v;
    }
    // The whole field, whichever way it went.
    const auto whole = parse_address({t.first, v.size()});
    ASSERT_EQ(whole.ok, expected.ok) << v;
    ASSERT_EQ(whole.at, expected.at) << v;
    ASSERT_EQ(whole->display_name, expected->display_name) << v;
    ASSERT_EQ(whole->uri, expected->uri) << v;
    ASSERT_EQ(whole->parameters, expected->parameters) << v;
    ASSERT_EQ(whole->tag, expected->tag) << v;
    ASSERT_EQ(whole->element, expected->element) << v;
    ASSERT_EQ(whole->rest, expected->rest) << v;
    ASSERT_EQ(whole->angle_brackets, expected->angle_brackets) << v;
    ASSERT_EQ(whole->star, expected->star) << v;
    if (plain::route(t, uri)) {
      ASSERT_TRUE(expected) << v;
      ASSERT_EQ(uri, expected->uri) << v;
    }
  }
  EXPECT_GT(taken_, 1000);
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view{"-.!%*_+`'~()<>:\\\"/[]?{}"}.find(c) != std::string_view::npos;
  });
}

TEST_F(PlainFields, CseqNumberAndCallId) {
  for (int i = 0; i < 100000; ++i) {
    const auto v =
        value({"1", "0", "42949672", "95", "96", " ", " INVITE", "BYE", "@", "\t", ":", "a"});
    const auto t = within(v);
    const std::string_view text{t.first, v.size()};
    cseq_field cseq;
    if (plain::cseq(t, cseq)) {
      ++taken_;
      const auto expected = parse_cseq(text);
      ASSERT_TRUE(expected) << v;
      ASSERT_EQ(cseq.number, expected->number) << v;
      ASSERT_EQ(cseq.method, expected->method) << v;
      ASSERT_EQ(cseq.method_text, expected->method_text) << v;
    }
    std::uint32_t number = 0;
    if (plain::number(t, number)) {
      const auto expected = parse_number(text, 0xffffffffU);
      ASSERT_TRUE(expected) << v;
      ASSERT_EQ(number, *expected) << v;
    }
    const std::size_t at = text.find('@'); // RFC 3261 25.1: word [ "@" word ]
    const bool is_call_id =
        is_word(text.substr(0, at)) && (at == text.npos || is_word(text.substr(at + 1)));
    ASSERT_EQ(plain::call_id(t), is_call_id) << v;
  }
  EXPECT_GT(taken_, 1000);
}

} // namespace
} // namespace linehunt::sip::routing_view_test
