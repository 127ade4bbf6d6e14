// SPDX-License-Identifier: Apache-2.0
// Layers 2 to 4: what is taken, where its parts lie, and every reason for which a frame ends here.
#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/frame.h"
#include "frame_bytes.h"
#include "packet_bed.h"

#include <gtest/gtest.h>

namespace linehunt::test {
namespace {

using dpdk::frame;
using dpdk::judgement;

const endpoint peer4 = endpoint_of("192.0.2.10:5070"), us4 = endpoint_of("192.0.2.1:5060");
const endpoint peer6 = endpoint_of("[2001:db8::10]:5070"), us6 = endpoint_of("[2001:db8::1]:5060");
const std::string hello = "OPTIONS sip:a SIP/2.0\r\n\r\n";

judgement judge(std::string_view bytes, frame& f, const dpdk::station& we = our_station()) {
  const auto m = to_mbuf(bytes);
  if (const judgement j = inspect_network(we, *m, f)) return j;
  return f.protocol == 17 && !f.is_fragment ? inspect_udp(*m, f) : judgement{};
}

judgement judge(std::string_view bytes) {
  frame f;
  return judge(bytes, f);
}

std::string with_byte(std::string bytes, std::size_t at, int value) {
  bytes.at(at) = static_cast<char>(value);
  return bytes;
}

std::string v4(std::string_view rest, std::uint8_t protocol = 17) {
  return ethernet({}, 0x0800, ipv4(peer4.ip, us4.ip, protocol, rest));
}
std::string v6(std::uint8_t next, std::string_view rest) {
  return ethernet({}, 0x86dd, ipv6(peer6.ip, us6.ip, next, rest));
}

TEST(frame, takes_ipv4_datagram) {
  frame f;
  ASSERT_EQ(judge(udp_frame(peer4, us4, hello), f), judgement{});
  EXPECT_EQ(f.source, peer4.ip);
  EXPECT_EQ(f.destination, us4.ip);
  EXPECT_EQ(f.source_port, 5070);
  EXPECT_EQ(f.destination_port, 5060);
  EXPECT_EQ(f.payload_off, 14 + 20 + 8);
  EXPECT_EQ(f.payload_len, hello.size());
}

TEST(frame, takes_ipv6_datagram) {
  frame f;
  ASSERT_EQ(judge(udp_frame(peer6, us6, hello), f), judgement{});
  EXPECT_EQ(f.source, peer6.ip);
  EXPECT_EQ(f.payload_off, 14 + 40 + 8);
  EXPECT_EQ(f.payload_len, hello.size());
}

TEST(frame, takes_every_payload_length) {
  for (std::size_t len = 0; len < 70; ++len) { // odd ones too, and frames below 60 bytes
    EXPECT_EQ(judge(udp_frame(peer4, us4, std::string(len, 'x'))), judgement{}) << len;
    EXPECT_EQ(judge(udp_frame(peer6, us6, std::string(len, 'x'))), judgement{}) << len;
  }
}

TEST(frame, ignores_padding_behind_the_packet) {
  frame f;
  ASSERT_EQ(judge(udp_frame(peer4, us4, "\r\n") + std::string(20, '\0'), f), judgement{});
  EXPECT_EQ(f.payload_len, 2);
}

TEST(frame, ignores_bytes_behind_the_udp_length) {
  frame f;
  ASSERT_EQ(judge(v4(udp(peer4, us4, hello) + "trailing"), f), judgement{});
  EXPECT_EQ(f.payload_len, hello.size());
}

TEST(frame, takes_a_datagram_in_several_segments) {
  const std::string payload(3000, 'p');
  for (const auto& [from, to] : {std::pair(peer4, us4), std::pair(peer6, us6)}) {
    const auto m = to_chain(udp_frame(from, to, payload), 700); // even and odd pieces
    frame f;
    ASSERT_EQ(inspect_network(our_station(), *m, f), judgement{});
    ASSERT_EQ(inspect_udp(*m, f), judgement{});
    std::vector<char> scratch(4096);
    const auto bytes = dpdk::contiguous(*m, f.payload_off, f.payload_len, scratch);
    EXPECT_EQ(std::string_view(bytes.data(), bytes.size()), payload);
  }
}

TEST(frame, vlan_tag_must_be_ours) {
  dpdk::station tagged = our_station();
  tagged.vlan = 7;
  frame f;
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {our_mac, peer_mac, 7}), f, tagged), judgement{});
  EXPECT_EQ(f.payload_off, 18 + 28);
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {our_mac, peer_mac, 8}), f, tagged),
            verdict::dropped_other_vlan);
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello), f, tagged), verdict::dropped_other_vlan);
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {our_mac, peer_mac, 7})),
            verdict::dropped_other_vlan);
}

// Of all lengths that a message can have, at both parities of its beginning, and where the sum has
// the most carries.
TEST(checksum, is_that_of_dpdk) {
  std::vector<std::uint8_t> bytes(70'000);
  for (const bool ones : {false, true}) {
    std::uint32_t random = 1;
    for (std::uint8_t& b : bytes)
      b = ones ? 0xff : static_cast<std::uint8_t>((random = random * 1664525 + 1013904223) >> 24);
    std::size_t compared = 0;
    for (std::size_t len = 0; len < 66'000; len += len < 300 ? 1 : 97)
      for (const std::size_t off : {0, 1, 7}) {
        const auto at = std::span<const std::uint8_t>(bytes).subspan(off, len);
        const std::uint32_t all = rte_raw_cksum(at.data(), len) + 0x1234u;
        const auto inverted = static_cast<std::uint16_t>(~((all & 0xffff) + (all >> 16)));
        ASSERT_EQ(dpdk::transport_checksum(at, 0x1234), inverted == 0 ? 0xffff : inverted)
            << len << " from " << off;
        ++compared;
      }
    EXPECT_GT(compared, 2'000u);
  }
}

// A sender on one side that passes for a box on the other.
TEST(frame, of_another_ports_network) {
  dpdk::station us = our_station();
  us.elsewhere = {{ip("198.51.100.1"), 24}, {ip("2001:db8:1::1"), 64}, {ip("192.0.2.0"), 16}};
  frame f;
  for (const char* box : {"198.51.100.20", "198.51.100.1"})
    EXPECT_EQ(judge(udp_frame({ip(box), 5060}, us4, hello), f, us), verdict::dropped_other_link)
        << box;
  EXPECT_EQ(judge(udp_frame({ip("2001:db8:1::20"), 5060}, us6, hello), f, us),
            verdict::dropped_other_link);
  EXPECT_EQ(judge(ethernet({}, 0x0800, ipv4(ip("198.51.100.20"), us4.ip, 1, "ping")), f, us),
            verdict::dropped_other_link);
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello), f, us), judgement{}) << "a network of both";
  EXPECT_EQ(judge(udp_frame(peer6, us6, hello), f, us), judgement{});
  EXPECT_EQ(judge(udp_frame({ip("203.0.113.9"), 5060}, us4, hello), f, us), judgement{})
      << "from behind a gateway";
}

TEST(frame, priority_and_vlan_bits_are_told_apart) {
  dpdk::station tagged = our_station();
  tagged.vlan = 7;
  frame f;
  const auto prio = static_cast<std::uint16_t>(5 << 13 | 7);
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {our_mac, peer_mac, prio}), f, tagged), judgement{});
}

TEST(frame, vlan_tag_taken_off_by_the_device) {
  dpdk::station tagged = our_station();
  tagged.vlan = 7;
  const auto m = to_mbuf(udp_frame(peer4, us4, hello));
  m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  m->vlan_tci = 7;
  frame f;
  EXPECT_EQ(inspect_network(tagged, *m, f), judgement{});
  EXPECT_EQ(inspect_network(our_station(), *m, f), verdict::dropped_other_vlan);
}

TEST(frame, double_tag_is_not_ours) {
  const std::string inner = udp_frame(peer4, us4, hello, {our_mac, peer_mac, 7}).substr(12);
  EXPECT_EQ(judge(raw(our_mac) + raw(peer_mac) + be16(0x8100) + be16(0) + inner),
            verdict::dropped_other_vlan);
  EXPECT_EQ(judge(raw(our_mac) + raw(peer_mac) + be16(0x88a8) + be16(7) + inner),
            verdict::dropped_other_vlan);
}

TEST(frame, other_stations) {
  const mac_bytes other{0x02, 9, 9, 9, 9, 9};
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {other, peer_mac, 0})), verdict::dropped_other_mac);
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {broadcast_mac, peer_mac, 0})),
            verdict::dropped_other_mac); // RFC 1122 3.3.6
  EXPECT_EQ(judge(udp_frame(peer6, us6, hello, {{0x33, 0x33, 0, 0, 0, 1}, peer_mac, 0})),
            verdict::dropped_other_mac);
  EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {our_mac, our_mac, 0})),
            verdict::dropped_other_mac); // what the host itself sent
  // A group sends nothing; what is answered to the sender would go to all of it.
  for (const mac_bytes& group : {broadcast_mac, mac_bytes{0x01, 0x00, 0x5e, 0, 0, 1}})
    EXPECT_EQ(judge(udp_frame(peer4, us4, hello, {our_mac, group, 0})), verdict::dropped_other_mac);
}

TEST(frame, other_addresses) {
  EXPECT_EQ(judge(udp_frame(peer4, endpoint_of("192.0.2.2:5060"), hello)),
            verdict::dropped_other_ip);
  EXPECT_EQ(judge(udp_frame(peer6, endpoint_of("[2001:db8::2]:5060"), hello)),
            verdict::dropped_other_ip);
}

TEST(frame, other_ethertypes_and_protocols) {
  EXPECT_EQ(judge(ethernet({}, 0x88cc, "lldp")), verdict::dropped_ethertype);
  frame f; // judged by the worker, by protocol
  EXPECT_EQ(judge(v4("tcp, say", 6), f), judgement{});
  EXPECT_EQ(f.protocol, 6);
}

TEST(frame, cut_at_every_byte) {
  for (const std::string& whole : {udp_frame(peer4, us4, hello), udp_frame(peer6, us6, hello)})
    for (std::size_t len = 1; len < whole.size(); ++len)
      EXPECT_EQ(judge(std::string_view(whole).substr(0, len)), verdict::dropped_short_frame) << len;
}

TEST(frame, broken_ipv4_headers) {
  const std::string good = udp_frame(peer4, us4, hello);
  EXPECT_EQ(judge(with_byte(good, 14, 0x55)), verdict::dropped_bad_ip_header); // version
  EXPECT_EQ(judge(with_byte(good, 14, 0x44)), verdict::dropped_bad_ip_header); // length 16
  EXPECT_EQ(judge(with_byte(good, 17, 10)), verdict::dropped_bad_ip_header);   // total 10
  EXPECT_EQ(judge(with_byte(good, 24, 1)), verdict::dropped_bad_ip_header);    // checksum
  for (const char* source : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"})
    EXPECT_EQ(judge(udp_frame({ip(source), 5060}, us4, hello)), verdict::dropped_bad_ip_header)
        << source;
}

TEST(frame, ipv4_options) {
  const std::string datagram = udp(peer4, us4, hello);
  const auto with_options = [&](std::string_view options) {
    frame f;
    const auto j = judge(ethernet({}, 0x0800, ipv4(peer4.ip, us4.ip, 17, datagram, 0, options)), f);
    EXPECT_TRUE(j || f.payload_off == 14 + 20 + options.size() + 8);
    return j;
  };
  EXPECT_EQ(with_options({"\x94\x04\x00\x00", 4}), judgement{}); // router alert
  EXPECT_EQ(with_options({"\x01\x01\x01\x00", 4}), judgement{});
  EXPECT_EQ(with_options({"\x83\x04\x04\x00", 4}), verdict::dropped_bad_ip_header); // LSRR
  EXPECT_EQ(with_options({"\x01\x89\x03\x04", 4}), verdict::dropped_bad_ip_header); // SSRR
  EXPECT_EQ(with_options({"\x94\x08\x00\x00", 4}), verdict::dropped_bad_ip_header); // too long
  EXPECT_EQ(with_options({"\x94\x01\x00\x00", 4}), verdict::dropped_bad_ip_header); // length 1
}

TEST(frame, fragments_are_told) {
  frame f;
  EXPECT_EQ(judge(ethernet({}, 0x0800, ipv4(peer4.ip, us4.ip, 17, "first fragment..", 0x2000)), f),
            judgement{});
  EXPECT_TRUE(f.is_fragment);
  EXPECT_EQ(judge(ethernet({}, 0x0800, ipv4(peer4.ip, us4.ip, 17, "last", 0x0002)), f),
            judgement{});
  EXPECT_TRUE(f.is_fragment);
  EXPECT_EQ(
      judge(ethernet({}, 0x0800, ipv4(peer4.ip, us4.ip, 17, udp(peer4, us4, "x"), 0x4000)), f),
      judgement{}); // DF alone
  EXPECT_FALSE(f.is_fragment);
  EXPECT_EQ(judge(v6(44, std::string("\x11\x00\x00\x01\x00\x00\x00\x01xxxxxxxx", 16)), f),
            judgement{});
  EXPECT_TRUE(f.is_fragment);
}

TEST(frame, ipv6_extension_headers) {
  const std::string datagram = udp(peer6, us6, hello);
  const auto extension = [](int next, int len8) {
    return std::string(1, static_cast<char>(next)) + std::string(1, static_cast<char>(len8)) +
           std::string(6u + static_cast<unsigned>(len8) * 8u, '\0');
  };
  frame f;
  EXPECT_EQ(judge(v6(0, extension(17, 0) + datagram), f), judgement{});
  EXPECT_EQ(f.payload_off, 14 + 40 + 8 + 8);
  EXPECT_EQ(judge(v6(0, extension(60, 0) + extension(60, 2) + extension(17, 0) + datagram), f),
            judgement{});
  EXPECT_EQ(f.payload_off, 14 + 40 + 8 + 24 + 8 + 8);
  EXPECT_EQ(judge(v6(60, extension(60, 0) + extension(60, 0) + extension(60, 0) + extension(17, 0) +
                             datagram)),
            verdict::dropped_bad_ip_header); // one too many
  EXPECT_EQ(judge(v6(60, extension(0, 0) + extension(17, 0) + datagram)),
            verdict::dropped_bad_ip_header); // hop-by-hop, but not first
  EXPECT_EQ(judge(v6(43, extension(17, 0) + datagram)), verdict::dropped_bad_ip_header);
  EXPECT_EQ(judge(v6(0, extension(17, 200).substr(0, 8) + datagram)),
            verdict::dropped_bad_ip_header); // reaches past the packet
  EXPECT_EQ(judge(v6(0, std::string("\x11\0\0\0", 4))), verdict::dropped_bad_ip_header);
}

TEST(frame, broken_ipv6_headers) {
  const std::string good = udp_frame(peer6, us6, hello);
  EXPECT_EQ(judge(with_byte(good, 14, 0x50)), verdict::dropped_bad_ip_header);
  for (const char* source : {"::1", "ff02::1", "2001:db8::1", "::"})
    EXPECT_EQ(judge(udp_frame({ip(source), 5060}, us6, hello)), verdict::dropped_bad_ip_header)
        << source;
}

TEST(frame, broken_udp) {
  for (const std::string& good : {udp_frame(peer4, us4, hello), udp_frame(peer6, us6, hello)}) {
    const std::size_t udp_at = good.size() - hello.size() - 8;
    EXPECT_EQ(judge(with_byte(good, udp_at + 6, good[udp_at + 6] ^ 1)),
              verdict::dropped_bad_udp_checksum);
    EXPECT_EQ(judge(with_byte(good, good.size() - 1, '?')), verdict::dropped_bad_udp_checksum);
    EXPECT_EQ(judge(with_byte(good, udp_at + 5, 7)), verdict::dropped_bad_udp_checksum);
    EXPECT_EQ(judge(with_byte(good, udp_at + 4, 1)), verdict::dropped_bad_udp_checksum);
  }
  EXPECT_EQ(judge(v4("short")), verdict::dropped_bad_udp_checksum);
}

TEST(frame, every_flipped_bit_behind_ethernet_is_noticed) {
  const std::string good = udp_frame(peer4, us4, hello);
  for (std::size_t i = 14; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit)
      EXPECT_TRUE(judge(with_byte(good, i, good[i] ^ (1 << bit)))) << i << ' ' << bit;
}

TEST(frame, zero_udp_checksum_is_for_ipv4_alone) {
  std::string four = udp_frame(peer4, us4, hello), six = udp_frame(peer6, us6, hello);
  four.replace(14 + 20 + 6, 2, 2, '\0');
  six.replace(14 + 40 + 6, 2, 2, '\0');
  EXPECT_EQ(judge(four), judgement{});
  EXPECT_EQ(judge(six), verdict::dropped_bad_udp_checksum);
}

} // namespace
} // namespace linehunt::test
