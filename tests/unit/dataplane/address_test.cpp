// SPDX-License-Identifier: Apache-2.0
#include "dataplane/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace linehunt::address_test {
namespace {

std::string again(std::string_view text) {
  const auto ip = parse_ip(text);
  return ip ? std::string(to_text(*ip)) : "error";
}
std::string endpoint_again(std::string_view text) {
  const auto e = parse_endpoint(text, 5060);
  return e ? std::string(to_text(*e)) : "error";
}

TEST(address, texts_of_rfc_5952) {
  EXPECT_EQ(again("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(again("2001:0DB8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(again("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1"); // 4.2.2
  EXPECT_EQ(again("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");          // 4.2.3, the longest
  EXPECT_EQ(again("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");    // 4.2.3, the first
  EXPECT_EQ(again("::"), "::");
  EXPECT_EQ(again("::1"), "::1");
  EXPECT_EQ(again("fe80::"), "fe80::");
  EXPECT_EQ(again("[2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(again("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
  EXPECT_TRUE(parse_ip("::ffff:192.0.2.1")->is_v6);
}

TEST(address, what_is_no_address) {
  for (const char* text : {"", "[]", "1.2.3", "1.2.3.256", "01.2.3.4x", "a.b.c.d", "[192.0.2.1]",
                           "2001:db8::1::2", ":::", "2001:db8::1%eth0", " 1.2.3.4", "[::1"})
    EXPECT_FALSE(parse_ip(text)) << text;
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0x", 9)));
}

TEST(address, random_addresses_survive_and_agree_with_the_system) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    ip_address ip;
    ip.is_v6 = i % 4 != 0;
    for (std::uint8_t b = 0; b < ip.size_bytes(); ++b)
      ip.bytes[b] = static_cast<std::uint8_t>(random() % 3 ? 0 : random());
    if (ip.is_v6) ip.bytes[0] = 0x20; // away from ::a.b.c.d, which RFC 5952 does not write mixed
    const std::string text(to_text(ip));
    EXPECT_EQ(parse_ip(text), ip) << text;
    char theirs[INET6_ADDRSTRLEN];
    inet_ntop(ip.is_v6 ? AF_INET6 : AF_INET, ip.bytes.data(), theirs, sizeof theirs);
    EXPECT_EQ(text, theirs);
  }
}

TEST(address, longest_texts_fit) {
  endpoint e{*parse_ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535};
  EXPECT_EQ(std::string_view(to_text(e)), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

TEST(address, prefixes) {
  const auto prefix = [](const char* text) { return *parse_prefix(text); };
  const auto ip = [](const char* text) { return *parse_ip(text); };
  EXPECT_TRUE(prefix("192.0.2.0/24").contains(ip("192.0.2.255")));
  EXPECT_FALSE(prefix("192.0.2.0/24").contains(ip("192.0.3.0")));
  EXPECT_TRUE(prefix("192.0.2.128/25").contains(ip("192.0.2.129")));
  EXPECT_FALSE(prefix("192.0.2.128/25").contains(ip("192.0.2.127")));
  EXPECT_TRUE(prefix("192.0.2.77/24").contains(ip("192.0.2.1"))); // host bits do not matter
  EXPECT_TRUE(prefix("0.0.0.0/0").contains(ip("203.0.113.9")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(ip("::1")));
  EXPECT_TRUE(prefix("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
  EXPECT_FALSE(prefix("2001:db8::/33").contains(ip("2001:db8:8000::1")));
  EXPECT_EQ(prefix("192.0.2.1").length_bits, 32);
  EXPECT_EQ(prefix("::1").length_bits, 128);
  EXPECT_TRUE(prefix("::1/128").contains(ip("::1")));
  for (const char* text : {"192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/8 ",
                           "/8", "192.0.2.0/256"})
    EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST(address, endpoints) {
  EXPECT_EQ(endpoint_again("192.0.2.1"), "192.0.2.1:5060");
  EXPECT_EQ(endpoint_again("192.0.2.1:25081"), "192.0.2.1:25081");
  EXPECT_EQ(endpoint_again("192.0.2.1:0"), "192.0.2.1:0");
  EXPECT_EQ(endpoint_again("[2001:db8::1]:5080"), "[2001:db8::1]:5080");
  EXPECT_EQ(endpoint_again("[2001:db8::1]"), "[2001:db8::1]:5060");
  EXPECT_EQ(endpoint_again("2001:db8::1"), "[2001:db8::1]:5060");
  for (const char* text : {"", ":5060", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:50a",
                           "[2001:db8::1]:", "host:5060", "192.0.2.1:-1", "192.0.2.1:+1"})
    EXPECT_EQ(endpoint_again(text), "error") << text;
}

TEST(address, one_host_or_not) {
  for (const char* one : {"192.0.2.1", "10.0.0.255", "127.0.0.1", "1.0.0.0", "223.255.255.255",
                          "2001:db8::1", "fe80::1", "::1"})
    EXPECT_TRUE(parse_ip(one)->is_unicast()) << one;
  for (const char* other : {"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1",
                            "255.255.255.255", "::", "ff02::1"})
    EXPECT_FALSE(parse_ip(other)->is_unicast()) << other;
}

TEST(address, broadcast_of_a_network) {
  const auto is_broadcast = [](const char* network, const char* ip) {
    return parse_prefix(network)->is_broadcast(*parse_ip(ip));
  };
  EXPECT_TRUE(is_broadcast("192.0.2.10/24", "192.0.2.255"));
  EXPECT_TRUE(is_broadcast("10.1.2.3/22", "10.1.3.255"));
  EXPECT_TRUE(is_broadcast("192.0.2.4/30", "192.0.2.7"));
  EXPECT_FALSE(is_broadcast("10.1.2.3/22", "10.1.2.255"));
  EXPECT_FALSE(is_broadcast("192.0.2.10/24", "198.51.100.255"));
  EXPECT_FALSE(is_broadcast("192.0.2.4/31", "192.0.2.5"));
  EXPECT_FALSE(is_broadcast("192.0.2.255/32", "192.0.2.255"));
  EXPECT_FALSE(is_broadcast("2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff"));
}

} // namespace
} // namespace linehunt::address_test
