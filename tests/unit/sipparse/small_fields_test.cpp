// SPDX-License-Identifier: Apache-2.0
// CSeq, numbers, Retry-After, Call-ID, Session-Expires, Replaces, token lists, parameters.
#include "sipparse/fields.h"

#include "sipparse/routing_view.h"
#include "sipparse/scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace linehunt::sip::small_fields_test {
namespace {

TEST(Cseq, NumberAndMethod) {
  const auto cseq = parse_cseq("0009\r\n  INVITE"); // RFC 4475 3.1.1.1
  ASSERT_TRUE(cseq);
  EXPECT_EQ(cseq->number, 9u);
  EXPECT_EQ(cseq->method, method::invite);
  EXPECT_EQ(parse_cseq("2147483647 X-y")->number, 2147483647u);
  EXPECT_FALSE(parse_cseq("2147483648 X-y")); // RFC 3261 8.1.1.5
  EXPECT_EQ(parse_cseq("1 X-y")->method_text, "X-y");
  EXPECT_EQ(parse_cseq("1 X-y")->method, method::unknown);
}

TEST(Cseq, Refused) { // RFC 4475 3.1.2.4, 3.1.2.5
  for (const auto* text : {"", "1", "1 ", "INVITE", "1INVITE", "-1 BYE", "4294967296 BYE",
                           "36893488147419103232 BYE", "1 BYE x", "1 B@E"})
    EXPECT_FALSE(parse_cseq(text)) << text;
}

TEST(Number, UpToItsMost) {
  EXPECT_EQ(*parse_number("0068", 255), 68u);
  EXPECT_EQ(*parse_number("255", 255), 255u);
  EXPECT_EQ(*parse_number("4294967295", 0xffffffff), 4294967295u);
  EXPECT_EQ(*parse_number("00000000000000000000000000007", 7), 7u);
  for (const auto* text : {"", "256", "-1", "+1", "1 2", "1x", " 1", "0x1", "1.0",
                           "99999999999999999999999999999999999999"})
    EXPECT_FALSE(parse_number(text, 255)) << text;
}

TEST(RetryAfter, CommentAndParameters) { // RFC 3261 20.33
  EXPECT_EQ(*parse_retry_after("18000;duration=3600"), 18000u);
  EXPECT_EQ(*parse_retry_after("120 (I'm in a \\) (nested) meeting) ; x"), 120u);
  for (const auto* text : {"", "x", "12 (open", "12 (a\\)", "12 x", "12;"})
    EXPECT_FALSE(parse_retry_after(text)) << text;
  EXPECT_FALSE(parse_retry_after("1 " + std::string(60000, '('))); // deep, and no stack for it
}

bool is_call_id(const std::string& value) {
  const std::string text = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
                           "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCSeq: 1 OPTIONS\r\n"
                           "Call-ID: " +
                           value + "\r\n\r\n";
  message_view view;
  routing_view routed;
  EXPECT_TRUE(scan(text, view)) << value;
  const auto result = make_routing_view(view, routed);
  EXPECT_EQ(result.error, result ? routing_error::none : routing_error::call_id) << value;
  return static_cast<bool>(result);
}

TEST(CallId, Grammar) { // RFC 3261 25.1
  for (const auto* text : {"a", "a@b", "f81d4fae-7dec@foo.bar.com", "(<>:\\\"/[]?{}!)@1"})
    EXPECT_TRUE(is_call_id(text)) << text;
  for (const auto* text :
       {"", "@", "a@", "@b", "a@b@c", "a b", "a;b", "a,b", "a\r\n b", "\xc3\xb6"})
    EXPECT_FALSE(is_call_id(text)) << text;
}

TEST(SessionExpires, Parameters) { // RFC 4028 4
  EXPECT_EQ(*parse_session_expires("1800"), 1800u);
  EXPECT_EQ(*parse_session_expires("90 ; x=\"a;b\" ;Refresher = UAS"), 90u);
  EXPECT_EQ(*parse_session_expires("90;refresher=me;x"), 90u); // a generic-param
  for (const auto* text : {"", "x", "90;", "90;refresher=", "90 (a)", "4294967296"})
    EXPECT_FALSE(parse_session_expires(text)) << text;
}

TEST(Replaces, CallIdAndTags) { // RFC 3891 6.1
  const auto plain = parse_replaces("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->call_id, "98732@sip.example.com");
  EXPECT_EQ(plain->to_tag, "ff87ff");
  EXPECT_EQ(plain->from_tag, "r33th4x0r");
  const auto other = parse_replaces("a ; x=\"to-tag=1\";TO-TAG = 7\r\n ;early-only;From-Tag=as/5");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->call_id, "a");
  EXPECT_EQ(other->to_tag, "7");
  EXPECT_EQ(other->from_tag, "as/5");
}

TEST(Replaces, Refused) { // each tag exactly once
  for (const auto* text :
       {"", "a", "a;to-tag=1", "a;from-tag=1", "a;to-tag=1;from-tag=", "a;to-tag;from-tag=1",
        "a;to-tag=1;from-tag=2;to-tag=1", "a;to-tag=1;from-tag=2;", ";to-tag=1;from-tag=2",
        "a b;to-tag=1;from-tag=2", "a;to-tag=1;from-tag=2, b;to-tag=3;from-tag=4"})
    EXPECT_FALSE(parse_replaces(text)) << text;
}

TEST(TokenList, Walk) {
  std::string_view rest = "100rel ,timer,\r\n\treplaces ";
  std::vector<std::string_view> tokens;
  while (const auto token = next_token(rest))
    tokens.push_back(*token);
  EXPECT_EQ(tokens, (std::vector<std::string_view>{"100rel", "timer", "replaces"}));
  EXPECT_EQ(rest, "");
  rest = "a,@";
  EXPECT_EQ(next_token(rest), "a");
  EXPECT_EQ(next_token(rest), std::nullopt);
  EXPECT_EQ(rest, "@");
}

TEST(Parameter, LookUp) {
  const std::string_view text = ";a=1; lr ;q=\"x;b=2\";B = 3";
  EXPECT_EQ(find_parameter(text, "a"), "1");
  EXPECT_EQ(find_parameter(text, "LR"), "");
  EXPECT_EQ(find_parameter(text, "q"), "\"x;b=2\"");
  EXPECT_EQ(find_parameter(text, "b"), "3");
  EXPECT_EQ(find_parameter(text, "c"), std::nullopt);
  EXPECT_EQ(find_parameter("", "c"), std::nullopt);
  EXPECT_EQ(find_parameter(";", "c"), std::nullopt);
}

} // namespace
} // namespace linehunt::sip::small_fields_test
