// SPDX-License-Identifier: Apache-2.0
#include "sipparse/fields.h"

#include <gtest/gtest.h>

namespace linehunt::sip::address_test {
namespace {

TEST(Address, NameAddr) {
  const std::string_view text =
      "\"A. G. \\\"Bell\\\"\" <sip:agb@b.example;lr>;tag=a48s;x=\"1,2\" , <sip:c>";
  const auto address = parse_address(text);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->display_name, "\"A. G. \\\"Bell\\\"\"");
  EXPECT_EQ(address->uri, "sip:agb@b.example;lr");
  EXPECT_TRUE(address->angle_brackets);
  EXPECT_EQ(address->parameters, ";tag=a48s;x=\"1,2\"");
  EXPECT_EQ(address->tag, "a48s");
  EXPECT_EQ(address->element, text.substr(0, text.find(" , ")));
  EXPECT_EQ(address->rest, "<sip:c>");
}

TEST(Address, DisplayNameForms) {
  EXPECT_EQ(parse_address("caller<sip:c@d>;tag=323")->display_name, "caller"); // RFC 4475 3.1.1.6
  EXPECT_EQ(parse_address("A  B\r\n C <sip:c@d>")->display_name, "A  B\r\n C");
  EXPECT_EQ(parse_address("\"\"<sip:c@d>")->display_name, "\"\"");
  EXPECT_EQ(parse_address("<sip:c@d>")->display_name, "");
  EXPECT_EQ(parse_address("J\xc3\xb6rg <sip:c@d>")->display_name, "J\xc3\xb6rg");
  EXPECT_TRUE(parse_address(std::string_view("\"a\\\0b\" <sip:c@d>", 16))); // RFC 4475 3.1.1.2
}

TEST(Address, AddrSpec) { // RFC 3261 20: parameters belong to the header
  const auto address = parse_address("sip:+1@a.example;user=phone;tag=1 ; x");
  ASSERT_TRUE(address);
  EXPECT_FALSE(address->angle_brackets);
  EXPECT_EQ(address->uri, "sip:+1@a.example");
  EXPECT_EQ(address->parameters, ";user=phone;tag=1 ; x");
  EXPECT_EQ(address->tag, "1");
}

TEST(Address, TagsThatAreNone) {
  EXPECT_EQ(parse_address("\";tag=1\" <sip:a@b>")->tag, "");
  EXPECT_EQ(parse_address("<sip:a@b;tag=1>")->tag, "");
  EXPECT_EQ(parse_address("<sip:a@b;tag=1>;tag=2")->tag, "2");
  EXPECT_EQ(parse_address("<sip:a@b>;x=\";tag=1\";TaG=2")->tag, "2");
  EXPECT_EQ(parse_address("<sip:a@b>;xtag=1")->tag, "");
  EXPECT_EQ(parse_address("\"\\\"\" <sip:x>;tag=1, <sip:y>;tag=2")->tag, "1");
}

TEST(Address, ATagHasAValue) { // RFC 3261 25.1
  for (const std::string_view text :
       {"<sip:a@b>;tag", "<sip:a@b>;TAG ;x=1", "<sip:a@b>;x;tag, <sip:c>", "sip:a@b;tag"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_EQ(parse_address("<sip:a@b>;tags;x=tag;tag=1")->tag, "1");
}

TEST(Address, ATagStandsOnce) { // RFC 3261 7.3.1
  for (const std::string_view text :
       {"<sip:a@b>;tag=1;tag=2", "<sip:a@b>;tag=1;TAG=1", "<sip:a@b>;tag;tag=2",
        "<sip:a@b>;tag=1;x;tag", "<sip:a@b>;tag ; Tag = 1", "sip:a@b;tag=1;tag=2"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_EQ(parse_address("<sip:a@b>;tag=1;x;tag=2").at, 17);
  EXPECT_EQ(parse_address("<sip:a@b>;x=1;x=2;tag=1;tags=2")->tag, "1");
}

TEST(Address, FoldsAndWhiteSpace) { // RFC 4475 3.1.1.1
  const auto address = parse_address(
      "\"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->tag, "98asjd8");
  EXPECT_EQ(address->uri, "sip:jdrosen@example.com");
}

TEST(Address, Star) {
  EXPECT_TRUE(parse_address("*")->star);
  EXPECT_FALSE(parse_address("* "));
}

TEST(Address, Refused) {
  for (const std::string_view text :
       {"", "<>", "<sip:>", "<a@b>", "sip:", "bob", "\"Mr. J <sip:j@b>", // RFC 4475 3.1.2.6
        "Bell, Alexander <sip:a@b>;tag=43",                              // RFC 4475 3.1.2.15
        "\"W\" < sip:a@b >",                                             // RFC 4475 3.1.2.14
        "<sip:a@b", "<sip:a b>", "<sip:a@b>;", "<sip:a@b>;;", "<sip:a@b>;tag=", "<sip:a@b> x",
        "<sip:a@b>;x=\"y", "<sip:<a>", "a\rb <sip:c>", "<sip:a@b>\r;tag=1"})
    EXPECT_FALSE(parse_address(text)) << text;
}

} // namespace
} // namespace linehunt::sip::address_test
