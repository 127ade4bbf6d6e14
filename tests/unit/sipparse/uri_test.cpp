// SPDX-License-Identifier: Apache-2.0
#include "sipparse/uri.h"

#include "sipparse/grammar/by_grammar.h"
#include "sipparse/plain_uri.h"

#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>

namespace linehunt::sip::uri_test {
namespace {

using namespace std::string_view_literals;

TEST(Uri, TakesApartWhatRfc3261Names) {
  const auto u = parse_uri("sips:alice:secret@atlanta.example:5061;transport=tcp;lr?subject=x&a=b");
  ASSERT_TRUE(u) << u.at;
  EXPECT_EQ(u->scheme, uri_scheme::sips);
  EXPECT_EQ(u->scheme_text, "sips");
  EXPECT_EQ(u->user, "alice");
  EXPECT_EQ(u->password, "secret");
  EXPECT_EQ(u->host, "atlanta.example");
  EXPECT_FALSE(u->host_is_ipv6);
  EXPECT_EQ(u->port, 5061);
  EXPECT_EQ(u->parameters, ";transport=tcp;lr");
  EXPECT_EQ(u->headers, "subject=x&a=b");
}

TEST(Uri, WithoutUserTheColonBelongsToThePort) {
  const auto u = parse_uri("SIP:192.0.2.1:5070");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->scheme, uri_scheme::sip);
  EXPECT_EQ(u->user, "");
  EXPECT_EQ(u->password, "");
  EXPECT_EQ(u->host, "192.0.2.1");
  EXPECT_EQ(u->port, 5070);
}

TEST(Uri, UserPartHoldsSemicolonsQuestionMarksAndEscapes) { // RFC 4475 3.1.1.2, 3.1.1.3, 3.1.1.9
  const auto semicolon = parse_uri("sip:user;par=u%40example.net@example.com");
  ASSERT_TRUE(semicolon);
  EXPECT_EQ(semicolon->user, "user;par=u%40example.net");
  EXPECT_EQ(semicolon->host, "example.com");
  EXPECT_EQ(semicolon->parameters, "");

  const auto crazy = parse_uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,"
                               "weird!*pas$wo~d_too.(doesn't-it)@example.com");
  ASSERT_TRUE(crazy);
  EXPECT_EQ(crazy->user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(crazy->password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");

  const auto null = parse_uri("sip:null-%00-null@example.com");
  ASSERT_TRUE(null);
  EXPECT_EQ(null->user, "null-%00-null");

  EXPECT_TRUE(parse_uri("sip:*31#0301234@example.com"));
}

TEST(Uri, Ipv6References) { // RFC 5118 4.1 to 4.4, 4.9, 4.10
  const auto plain = parse_uri("sip:[2001:db8::10]");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "2001:db8::10");
  EXPECT_TRUE(plain->host_is_ipv6);
  EXPECT_EQ(plain->port, 0);

  const auto with_port = parse_uri("sip:u@[2001:db8::10]:5070;lr");
  ASSERT_TRUE(with_port);
  EXPECT_EQ(with_port->port, 5070);
  EXPECT_EQ(with_port->parameters, ";lr");

  EXPECT_EQ(parse_uri("sip:[2001:db8::10:5070]")->host, "2001:db8::10:5070");
  EXPECT_EQ(parse_uri("sip:user@[2001:db8:::192.0.2.1]")->host, "2001:db8:::192.0.2.1");
  EXPECT_FALSE(parse_uri("sip:2001:db8::10"));
  EXPECT_FALSE(parse_uri("sip:[2001:db8::10"));
  EXPECT_FALSE(parse_uri("sip:[]"));
}

TEST(Uri, TelAndOtherSchemes) {
  const auto tel = parse_uri("tel:+1-201-555-0123;phone-context=example.com");
  ASSERT_TRUE(tel);
  EXPECT_EQ(tel->scheme, uri_scheme::tel);
  EXPECT_EQ(tel->user, "+1-201-555-0123");
  EXPECT_EQ(tel->parameters, ";phone-context=example.com");

  const auto other = parse_uri("soap.beep://192.0.2.103:3002");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->scheme, uri_scheme::other);
  EXPECT_EQ(other->scheme_text, "soap.beep");
}

TEST(Uri, RefusesWhatIsNoUri) {
  for (const auto text : {""sv,
                          "sip"sv,
                          "sip:"sv,
                          ":x"sv,
                          "<sip:user@example.com>"sv,
                          "sip:user@example.com; lr"sv,
                          "sip:@example.com"sv,
                          "sip:user@"sv,
                          "sip:a@b@c"sv,
                          "sip:h:65536"sv,
                          "sip:h:"sv,
                          "sip:h:5060x"sv,
                          " sip:h"sv,
                          "sip:h "sv,
                          "sip:a b@h"sv,
                          "sip:\0@h"sv,
                          "sip:u@h\r\n"sv,
                          "sip:u@h;a=\"b\""sv,
                          "1sip:h"sv,
                          "tel:"sv,
                          "sip:u@ho/st"sv,
                          "sip:1.2.3.4:5060?To=x@5.6.7.8"sv,
                          "sip:1.2.3.4:5060/x@5.6.7.8"sv}) {
    const auto u = parse_uri(text);
    EXPECT_FALSE(u) << text;
    EXPECT_LE(u.at, text.size());
  }
  EXPECT_EQ(parse_uri("sip:user@example.com; lr").at, "sip:user@example.com;"sv.size());
}

// As for a user: a URI within a call has to be taken as it is.
TEST(Uri, AnAtInAParameterMakesUserAndPasswordOfWhatIsBeforeIt) {
  const auto u = parse_uri("sip:10.1.1.1:5060;aor=alice@example.com");
  ASSERT_TRUE(u);
  EXPECT_EQ(u->user, "10.1.1.1");
  EXPECT_EQ(u->password, "5060;aor=alice");
  EXPECT_EQ(u->host, "example.com");
}

// The short way reads what the grammar reads.
TEST(Uri, PlainFormAgreesWithTheGrammar) {
  const char* const pieces[] = {
      "sip:", "SIP:",    "sips:", "sip",  ":",    "u",     "a;b", "@",      "@@",     "h",
      "b.ex", "1.2.3.4", "[::1",  "]",    "[",    ":5060", ":0",  ":00080", ":70000", ":123456",
      ";lr",  ";",       ";x=y",  "?h=v", "?",    "%41",   "\"",  "<",      " ",      "\xc3",
      "\t",   "\x7f",    "_",     "-",    "tel:", "=",     "&"};
  std::minstd_rand random(11);
  int plain_ones = 0;
  for (int i = 0; i < 300'000; ++i) {
    std::string text = random() % 4 ? "sip:" : "";
    for (auto n = random() % 7; n > 0; --n)
      text += pieces[random() % std::size(pieces)];
    uri field;
    const char* const last = text.data() + text.size();
    if (!plain::sip_uri({text.data(), last, last}, field)) continue;
    ++plain_ones;
    const auto expected = grammar::uri_by_grammar(text);
    ASSERT_TRUE(expected) << text;
    ASSERT_EQ(field.scheme, expected->scheme) << text;
    ASSERT_EQ(field.scheme_text, expected->scheme_text) << text;
    ASSERT_EQ(field.user, expected->user) << text;
    ASSERT_EQ(field.password, expected->password) << text;
    ASSERT_EQ(field.host, expected->host) << text;
    ASSERT_EQ(field.host_is_ipv6, expected->host_is_ipv6) << text;
    ASSERT_EQ(field.port, expected->port) << text;
    ASSERT_EQ(field.parameters, expected->parameters) << text;
    ASSERT_EQ(field.headers, expected->headers) << text;
  }
  EXPECT_GT(plain_ones, 10'000);
}

TEST(Uri, LooseRouter) {
  EXPECT_TRUE(is_loose_router(*parse_uri("sip:h;lr")));
  EXPECT_TRUE(is_loose_router(*parse_uri("sip:h;transport=udp;LR=on;x")));
  EXPECT_TRUE(is_loose_router(*parse_uri("sip:h;%6C%72"))); // RFC 3261 19.1.4
  EXPECT_FALSE(is_loose_router(*parse_uri("sip:h;lrx")));
  EXPECT_FALSE(is_loose_router(*parse_uri("sip:h;l")));
  EXPECT_FALSE(is_loose_router(*parse_uri("sip:h;x=lr")));
  EXPECT_FALSE(is_loose_router(*parse_uri("sip:user;lr@h")));
  EXPECT_FALSE(is_loose_router(*parse_uri("sip:h")));
  EXPECT_FALSE(is_loose_router(*parse_uri("sip:h;;%")));
}

} // namespace
} // namespace linehunt::sip::uri_test
