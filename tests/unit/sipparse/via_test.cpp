// SPDX-License-Identifier: Apache-2.0
#include "sipparse/fields.h"

#include <gtest/gtest.h>

#include <string>

namespace linehunt::sip::via_test {
namespace {

TEST(Via, AllOfIt) {
  const std::string_view text =
      "SIP/2.0/UDP a.example:5062;branch=z9hG4bK77;ttl=16;maddr=224.2.0.1;"
      "received=192.0.2.9;rport=5064;x=\"a,;b\", SIP/2.0/TCP b";
  const auto via = parse_via(text);
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport, "UDP");
  EXPECT_EQ(via->sent_by_host, "a.example");
  EXPECT_EQ(via->sent_by_port, 5062);
  EXPECT_EQ(via->branch, "z9hG4bK77");
  EXPECT_EQ(via->maddr, "224.2.0.1");
  EXPECT_EQ(via->received, "192.0.2.9");
  EXPECT_TRUE(via->has_rport);
  EXPECT_EQ(via->rport, 5064);
  EXPECT_EQ(via->rport_text, "rport=5064");
  EXPECT_EQ(via->element, text.substr(0, text.find(", ")));
  EXPECT_EQ(via->rest, "SIP/2.0/TCP b");
  const auto second = parse_via(via->rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->transport, "TCP");
  EXPECT_EQ(second->branch, "");
  EXPECT_FALSE(second->has_rport);
  EXPECT_EQ(second->rest, "");
}

TEST(Via, WhiteSpaceAndFolds) { // RFC 4475 3.1.1.1
  const auto via = parse_via("SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   "
                             "z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; "
                             "branch=\r\n z9hG4bK30239");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport, "TCP");
  EXPECT_EQ(via->sent_by_host, "spindle.example.com");
  EXPECT_EQ(via->branch, "z9hG4bK9ikj8");
  const auto second = parse_via(via->rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->sent_by_host, "192.168.255.111");
  EXPECT_EQ(second->branch, "z9hG4bK30239");
  EXPECT_EQ(second->rest, "");
}

TEST(Via, Ipv6) { // RFC 5118 4.3 to 4.5, 4.10
  const auto via = parse_via("SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::9:255;branch=b");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->sent_by_host, "2001:db8::9:1");
  EXPECT_EQ(via->sent_by_port, 5060);
  EXPECT_EQ(via->received, "2001:db8::9:255");
  EXPECT_EQ(parse_via("SIP/2.0/UDP [::1];received=[2001:db8::9:255]")->received, "2001:db8::9:255");
  EXPECT_TRUE(parse_via("SIP/2.0/UDP [2001:db8:::192.0.2.1]"));
  EXPECT_FALSE(parse_via("SIP/2.0/UDP [2001:db8::1"));
  EXPECT_FALSE(parse_via("SIP/2.0/UDP []"));
  EXPECT_FALSE(parse_via("SIP/2.0/UDP 2001:db8::1"));
}

TEST(Via, Rport) { // RFC 3581
  const auto asked = parse_via("SIP/2.0/UDP a;RPORT;branch=b");
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->has_rport);
  EXPECT_EQ(asked->rport, 0);
  EXPECT_EQ(asked->rport_text, "RPORT");
  EXPECT_FALSE(parse_via("SIP/2.0/UDP a;rport=65536"));
  EXPECT_FALSE(parse_via("SIP/2.0/UDP a;rport=x"));
  EXPECT_FALSE(parse_via("SIP/2.0/UDP a;xrport")->has_rport);
  EXPECT_FALSE(parse_via("SIP/2.0/UDP a;rportx")->has_rport);
}

TEST(Via, AParameterStandsOnce) { // RFC 3261 7.3.1
  for (const std::string_view text :
       {";branch=1;branch=2", ";branch=1;BRANCH=1", ";rport;rport", ";rport;rport=5060",
        ";rport=1;x;rport", ";received=1.2.3.4;Received=1.2.3.5", ";received=[];received=::1",
        ";maddr=a;maddr=b", ";ttl=1;ttl=2", ";ttl;ttl"})
    EXPECT_FALSE(parse_via("SIP/2.0/UDP a" + std::string{text})) << text;
  EXPECT_TRUE(parse_via("SIP/2.0/UDP a;x=1;x=2;oc;branch=1, SIP/2.0/UDP b;branch=1"));
  EXPECT_EQ(parse_via("SIP/2.0/UDP a;xbranch=0;BRANCH=1")->branch, "1");
  EXPECT_EQ(parse_via("SIP/2.0/UDP a;x=\";branch=0\";branch=1")->branch, "1");
}

TEST(Via, Refused) {
  struct {
    std::string_view text;
    std::uint16_t at;
  } const cases[] = {
      {"", 0},
      {"SIP/2.0", 0},
      {"SIP/2.0/UDP", 11},
      {"SIP/2.0/UDP ;branch=1", 11},
      {"SIP/2.0/UDP 192.0.2.15;;,;,,", 22}, // RFC 4475 3.1.2.1
      {"SIP/2.0/UDP a;branch", 13},
      {"SIP/2.0/UDP a;branch=", 13},
      {"SIP/2.0/UDP a:65536", 14},
      {"SIP/2.0/UDP a:;x", 13},
      {"SIP/2.0/UDP a;x y", 15},
      {"SIP/2.0/UDP a;x=\"y", 15},
      {"SIP/2.0/UDP a\rb", 13},
  };
  for (const auto& c : cases) {
    const auto via = parse_via(c.text);
    EXPECT_FALSE(via) << c.text;
    EXPECT_LE(via.at, c.text.size()) << c.text;
  }
  EXPECT_EQ(parse_via("SIP/2.0/UDP 192.0.2.15;;,;,,").at, 22);
}

} // namespace
} // namespace linehunt::sip::via_test
