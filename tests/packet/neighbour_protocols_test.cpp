// SPDX-License-Identifier: Apache-2.0
// ARP, neighbour discovery, echo and the refusal of TCP, byte by byte against frames made without
// our code.
#include "dataplane/dpdk/arp.h"
#include "dataplane/dpdk/icmp.h"
#include "dataplane/dpdk/mld.h"
#include "dataplane/dpdk/ndp.h"
#include "dataplane/dpdk/path_mtu.h"
#include "dataplane/dpdk/tcp.h"
#include "frame_bytes.h"
#include "packet_bed.h"

#include <cstring>
#include <gtest/gtest.h>

namespace linehunt::test {
namespace {

const ip_address us4 = ip("192.0.2.1"), peer4 = ip("192.0.2.10");
const ip_address us6 = ip("2001:db8::1"), peer6 = ip("2001:db8::10");
const ip_address our_group = ip("ff02::1:ff00:1"), everybody6 = ip("ff02::1");
const mac_bytes our_group_mac{0x33, 0x33, 0xff, 0, 0, 1}, all_mac{0x33, 0x33, 0, 0, 0, 1};
const mac_bytes nobody{};

mac_bytes mac_of(const dpdk::neighbour_claim& c) {
  mac_bytes m{};
  std::memcpy(m.data(), c.mac.addr_bytes, m.size());
  return m;
}

struct reaction {
  dpdk::judgement dropped;
  dpdk::answer said;
  std::string frame; // sent back, in hex; empty: none
};

reaction react(std::string_view bytes, const dpdk::station& we = our_station()) {
  const auto m = to_mbuf(bytes);
  dpdk::frame f;
  reaction r;
  r.dropped = inspect_network(we, *m, f);
  if (r.dropped) return r;
  if (f.ethertype == 0x0806)
    r.said = answer_arp(we, *m, f);
  else if (f.protocol == 6)
    r.said = answer_tcp(we, *m, f);
  else
    r.said = f.source.is_v6 ? answer_icmp6(we, *m, f) : answer_icmp(we, *m, f);
  if (r.said.send_back) r.frame = hex(bytes_of(*m));
  return r;
}

dpdk::station tagged() {
  dpdk::station s = our_station();
  s.vlan = 42;
  return s;
}

TEST(arp, answers_for_our_address_and_learns_the_asker) {
  const auto r = react(arp_frame(1, peer_mac, peer4, nobody, us4, {broadcast_mac, peer_mac, 0}));
  EXPECT_EQ(r.said.what, verdict::arp_handled);
  EXPECT_EQ(r.frame, hex(arp_frame(2, our_mac, us4, peer_mac, peer4, {peer_mac, our_mac, 0})));
  ASSERT_TRUE(r.said.claim);
  EXPECT_EQ(r.said.claim->ip, peer4);
  EXPECT_EQ(mac_of(*r.said.claim), peer_mac);
  EXPECT_TRUE(r.said.claim->may_create);
}

TEST(arp, padding_of_the_request_is_not_sent_back) {
  const auto r = react(arp_frame(1, peer_mac, peer4, nobody, us4, {broadcast_mac, peer_mac, 0}) +
                       std::string(18, 'P'));
  EXPECT_EQ(r.frame, hex(arp_frame(2, our_mac, us4, peer_mac, peer4, {peer_mac, our_mac, 0})));
}

TEST(arp, answers_with_our_vlan_tag) {
  const auto r =
      react(arp_frame(1, peer_mac, peer4, nobody, us4, {broadcast_mac, peer_mac, 42}), tagged());
  EXPECT_EQ(r.frame, hex(arp_frame(2, our_mac, us4, peer_mac, peer4, {peer_mac, our_mac, 42})));
}

TEST(arp, inserts_the_tag_that_the_device_has_stripped) {
  const auto m = to_mbuf(arp_frame(1, peer_mac, peer4, nobody, us4, {broadcast_mac, peer_mac, 0}));
  m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  m->vlan_tci = 42;
  dpdk::frame f;
  ASSERT_FALSE(inspect_network(tagged(), *m, f));
  EXPECT_TRUE(answer_arp(tagged(), *m, f).send_back);
  EXPECT_EQ(hex(bytes_of(*m)),
            hex(arp_frame(2, our_mac, us4, peer_mac, peer4, {peer_mac, our_mac, 42})));
  EXPECT_EQ(m->ol_flags & RTE_MBUF_F_RX_VLAN, 0u);
}

TEST(arp, probe_is_answered_and_teaches_nothing) {
  const auto r =
      react(arp_frame(1, peer_mac, ip("0.0.0.0"), nobody, us4, {broadcast_mac, peer_mac, 0}));
  EXPECT_NE(r.frame, "");
  EXPECT_FALSE(r.said.claim);
}

TEST(arp, reply_teaches_and_is_not_answered) {
  const auto r = react(arp_frame(2, peer_mac, peer4, our_mac, us4, {our_mac, peer_mac, 0}));
  EXPECT_EQ(r.frame, "");
  ASSERT_TRUE(r.said.claim);
  EXPECT_TRUE(r.said.claim->is_answer);
}

TEST(arp, for_others_updates_only) {
  const auto r =
      react(arp_frame(1, peer_mac, peer4, nobody, ip("192.0.2.77"), {broadcast_mac, peer_mac, 0}));
  EXPECT_EQ(r.said.what, verdict::dropped_other_ip);
  EXPECT_EQ(r.frame, "");
  ASSERT_TRUE(r.said.claim);
  EXPECT_FALSE(r.said.claim->may_create);
}

TEST(arp, lies_teach_nothing) {
  for (const char* sender : {"192.0.2.1", "203.0.113.5", "255.255.255.255", "127.0.0.1"})
    EXPECT_FALSE(
        react(arp_frame(1, peer_mac, ip(sender), nobody, us4, {broadcast_mac, peer_mac, 0}))
            .said.claim)
        << sender; // ours, off the link, impossible
  const auto group =
      react(arp_frame(1, broadcast_mac, peer4, nobody, us4, {broadcast_mac, peer_mac, 0}));
  EXPECT_FALSE(group.said.claim);
  EXPECT_EQ(group.frame, "");
}

TEST(arp, short_and_strange) {
  const std::string good = arp_frame(1, peer_mac, peer4, nobody, us4, {our_mac, peer_mac, 0});
  for (std::size_t len = 14; len < good.size(); ++len)
    EXPECT_EQ(react(good.substr(0, len)).said.what, verdict::dropped_short_frame);
  std::string strange = good;
  strange[14 + 4] = 7; // hardware address of seven bytes
  EXPECT_EQ(react(strange).said.what, verdict::dropped_ethertype);
}

TEST(arp, request_of_ours) {
  dpdk::mbuf_ptr m(rte_pktmbuf_alloc(&pool()));
  ASSERT_TRUE(write_arp_request(tagged(), *m, us4, peer4, nullptr));
  EXPECT_EQ(hex(bytes_of(*m)),
            hex(arp_frame(1, our_mac, us4, nobody, peer4, {broadcast_mac, our_mac, 42})));
}

std::string solicit(const ip_address& target, const ip_address& to, const mac_bytes& to_mac,
                    const ip_address& from = peer6) {
  return neighbour_frame(135, 0, from, to, target, peer_mac, {to_mac, peer_mac, 0});
}

TEST(ndp, answers_a_solicitation_to_our_group) {
  const auto r = react(solicit(us6, our_group, our_group_mac));
  EXPECT_EQ(r.said.what, verdict::ndp_handled);
  EXPECT_EQ(r.frame, hex(neighbour_frame(136, 0x60000000, us6, peer6, us6, our_mac,
                                         {peer_mac, our_mac, 0})));
  ASSERT_TRUE(r.said.claim);
  EXPECT_EQ(r.said.claim->ip, peer6);
  EXPECT_EQ(mac_of(*r.said.claim), peer_mac);
}

TEST(ndp, answers_for_the_link_local_address) {
  const ip_address ours = ip("fe80::ff:fe00:1"); // 02:00:00:00:00:01
  EXPECT_EQ(our_station().link_local, ours);
  const auto r = react(solicit(ours, ours, our_mac, ip("fe80::10")));
  EXPECT_EQ(r.frame, hex(neighbour_frame(136, 0x60000000, ours, ip("fe80::10"), ours, our_mac,
                                         {peer_mac, our_mac, 0})));
}

TEST(ndp, answers_duplicate_address_detection_to_all) {
  // Without a MAC option, from the unspecified address (RFC 4862 5.4.2).
  const std::string message = std::string("\x87\0\0\0\0\0\0\0", 8) + raw(us6);
  const auto r =
      react(ethernet({our_group_mac, peer_mac, 0}, 0x86dd,
                     ipv6(ip("::"), our_group, 58, icmpv6(ip("::"), our_group, message), 255)));
  EXPECT_EQ(r.frame, hex(neighbour_frame(136, 0x20000000, us6, everybody6, us6, our_mac,
                                         {all_mac, our_mac, 0})));
  EXPECT_FALSE(r.said.claim);
}

TEST(ndp, answers_an_asker_from_off_the_link_and_learns_nothing) {
  const ip_address far = ip("2001:db8:1::7");
  const auto r = react(solicit(us6, our_group, our_group_mac, far));
  EXPECT_EQ(r.said.what, verdict::ndp_handled);
  EXPECT_EQ(r.frame,
            hex(neighbour_frame(136, 0x60000000, us6, far, us6, our_mac, {peer_mac, our_mac, 0})));
  EXPECT_FALSE(r.said.claim);
}

TEST(ndp, nobody_teaches_us_our_own_addresses) {
  for (const ip_address& ours : {us6, our_station().link_local}) {
    const auto r = react(solicit(us6, our_group, our_group_mac, ours));
    EXPECT_EQ(r.dropped, verdict::dropped_bad_ip_header);
    EXPECT_EQ(r.frame, "");
    EXPECT_FALSE(r.said.claim);
  }
}

TEST(ndp, advertisement_updates_only) {
  const auto r =
      react(neighbour_frame(136, 0x60000000, peer6, us6, peer6, peer_mac, {our_mac, peer_mac, 0}));
  EXPECT_EQ(r.said.what, verdict::ndp_handled);
  EXPECT_EQ(r.frame, "");
  ASSERT_TRUE(r.said.claim);
  EXPECT_EQ(r.said.claim->ip, peer6);
  EXPECT_FALSE(r.said.claim->may_create);
  EXPECT_TRUE(r.said.claim->is_answer);
  EXPECT_TRUE(r.said.claim->overrides);
  const auto meek =
      react(neighbour_frame(136, 0x40000000, peer6, us6, peer6, peer_mac, {our_mac, peer_mac, 0}));
  ASSERT_TRUE(meek.said.claim);
  EXPECT_FALSE(meek.said.claim->overrides);
}

TEST(ndp, refuses_what_rfc_4861_refuses) {
  const auto ignored = [](const std::string& frame) {
    const auto r = react(frame);
    return !r.dropped && r.said.what == verdict::icmp_ignored && r.frame.empty() && !r.said.claim;
  };
  const std::string good = solicit(us6, our_group, our_group_mac);
  std::string routed = good; // hop limit 254: a router has passed it on
  routed[14 + 7] = static_cast<char>(254);
  EXPECT_TRUE(ignored(routed));
  std::string wrong_sum = good;
  wrong_sum[14 + 42] ^= 1;
  EXPECT_TRUE(ignored(wrong_sum));
  EXPECT_TRUE(ignored(solicit(everybody6, our_group, our_group_mac))); // group as target
  // A solicited advertisement to a group.
  EXPECT_TRUE(ignored(neighbour_frame(136, 0x60000000, peer6, everybody6, peer6, peer_mac,
                                      {all_mac, peer_mac, 0})));
  // An option of length zero.
  std::string message =
      std::string("\x87\0\0\0\0\0\0\0", 8) + raw(us6) + std::string("\x01\0\0\0\0\0\0\0", 8);
  EXPECT_TRUE(
      ignored(ethernet({our_group_mac, peer_mac, 0}, 0x86dd,
                       ipv6(peer6, our_group, 58, icmpv6(peer6, our_group, message), 255))));
  // For somebody who shares our group.
  EXPECT_EQ(react(solicit(ip("2001:db8:ffff::1"), our_group, our_group_mac)).said.what,
            verdict::dropped_other_ip);
}

TEST(ndp, solicitation_and_announcement_of_ours) {
  dpdk::mbuf_ptr m(rte_pktmbuf_alloc(&pool()));
  ASSERT_TRUE(write_neighbour_solicitation(our_station(), *m, us6, peer6, nullptr));
  EXPECT_EQ(hex(bytes_of(*m)),
            hex(neighbour_frame(135, 0, us6, ip("ff02::1:ff00:10"), peer6, our_mac,
                                {{0x33, 0x33, 0xff, 0, 0, 0x10}, our_mac, 0})));
  m.reset(rte_pktmbuf_alloc(&pool()));
  ASSERT_TRUE(write_announcement(tagged(), *m, us6));
  EXPECT_EQ(hex(bytes_of(*m)), hex(neighbour_frame(136, 0x20000000, us6, everybody6, us6, our_mac,
                                                   {all_mac, our_mac, 42})));
}

std::string echo4(std::uint8_t type, std::string_view data, const link_parts& link) {
  std::string message = std::string(1, static_cast<char>(type)) + std::string(3, '\0') +
                        be32(0x12340001) + std::string(data);
  message.replace(2, 2, be16(naive_checksum(message)));
  return ethernet(link, 0x0800,
                  type == 8 ? ipv4(peer4, us4, 1, message) : ipv4(us4, peer4, 1, message));
}

TEST(icmp, echo_comes_back_byte_for_byte) {
  for (std::size_t len : {0u, 1u, 56u, 1400u}) {
    const std::string data(len, 'd');
    const auto r = react(echo4(8, data, {our_mac, peer_mac, 0}));
    EXPECT_EQ(r.said.what, verdict::icmp_answered);
    EXPECT_EQ(r.frame, hex(echo4(0, data, {peer_mac, our_mac, 0}))) << len;
  }
}

TEST(icmp, an_echo_that_the_port_would_not_let_out_is_ignored) {
  EXPECT_EQ(react(echo4(8, std::string(1472, 'd'), {our_mac, peer_mac, 0})).said.what,
            verdict::icmp_answered);
  EXPECT_EQ(react(echo4(8, std::string(1473, 'd'), {our_mac, peer_mac, 0})).said.what,
            verdict::icmp_ignored);
}

TEST(icmp, other_and_broken_messages_are_ignored) {
  std::string broken = echo4(8, "data", {our_mac, peer_mac, 0});
  broken.back() ^= 1;
  EXPECT_EQ(react(broken).said.what, verdict::icmp_ignored);
  EXPECT_EQ(
      react(ethernet({}, 0x0800, ipv4(peer4, us4, 1, std::string("\x03\x03\xfc\xfc\0\0\0\0", 8))))
          .said.what,
      verdict::icmp_ignored);
  EXPECT_EQ(react(ethernet({}, 0x0800, ipv4(peer4, us4, 1, "abc"))).said.what,
            verdict::icmp_ignored);
}

TEST(icmp6, echo_comes_back_byte_for_byte) {
  for (std::size_t len : {0u, 1u, 56u, 1400u}) {
    const std::string rest = be32(0x12340001) + std::string(len, 'd');
    const auto frame = [&](char type, const ip_address& from, const ip_address& to,
                           const link_parts& link) {
      const std::string message = std::string(1, type) + std::string(3, '\0') + rest;
      return ethernet(link, 0x86dd, ipv6(from, to, 58, icmpv6(from, to, message)));
    };
    const auto r = react(frame('\x80', peer6, us6, {our_mac, peer_mac, 0}));
    EXPECT_EQ(r.said.what, verdict::icmp_answered);
    EXPECT_EQ(r.frame, hex(frame('\x81', us6, peer6, {peer_mac, our_mac, 0}))) << len;
  }
}

TEST(icmp6, echo_without_a_source_is_ignored) {
  const std::string message = std::string("\x80\0\0\0\x12\x34\0\x01", 8) + "data";
  const auto r = react(ethernet({our_mac, peer_mac, 0}, 0x86dd,
                                ipv6(ip("::"), us6, 58, icmpv6(ip("::"), us6, message))));
  EXPECT_FALSE(r.dropped);
  EXPECT_EQ(r.said.what, verdict::icmp_ignored);
  EXPECT_EQ(r.frame, "");
}

std::string tcp_frame(const ip_address& from, const ip_address& to, const tcp_parts& p,
                      const link_parts& link = {our_mac, peer_mac, 0}) {
  const std::string segment = tcp(from, to, p);
  return from.is_v6 ? ethernet(link, 0x86dd, ipv6(from, to, 6, segment))
                    : ethernet(link, 0x0800, ipv4(from, to, 6, segment));
}

TEST(tcp, who_wants_to_connect_is_refused) {
  constexpr std::string_view options("\x02\x04\x05\xb4\x01\x01\x04\x02", 8);
  for (const auto& [us, peer] : {std::pair{us4, peer4}, std::pair{us6, peer6}})
    for (const std::string_view data : {"", "INVITE"}) {
      tcp_parts syn;
      syn.options = options;
      syn.data = data;
      tcp_parts reset;
      reset.from_port = syn.to_port;
      reset.to_port = syn.from_port;
      reset.seq = 0;
      reset.ack = syn.seq + 1 + static_cast<std::uint32_t>(data.size());
      reset.flags = 0x14;
      reset.window = 0;
      const auto r = react(tcp_frame(peer, us, syn));
      EXPECT_EQ(r.said.what, verdict::tcp_refused);
      EXPECT_EQ(r.frame, hex(tcp_frame(us, peer, reset, {peer_mac, our_mac, 0}))) << data;
    }
}

TEST(tcp, only_a_whole_syn_to_ourselves_is_answered) {
  const auto ignored = [](const std::string& frame) {
    const auto r = react(frame);
    return !r.dropped && r.said.what == verdict::dropped_other_protocol && r.frame.empty();
  };
  for (const int flags : {0x00, 0x01, 0x03, 0x04, 0x06, 0x10, 0x12, 0x14, 0x18}) {
    tcp_parts p;
    p.flags = static_cast<std::uint8_t>(flags);
    EXPECT_TRUE(ignored(tcp_frame(peer4, us4, p))) << flags;
    EXPECT_TRUE(ignored(tcp_frame(peer6, us6, p))) << flags;
  }
  const tcp_parts syn;
  const auto changed = [&](std::size_t at, char to) { // of the TCP header
    std::string frame = tcp_frame(peer4, us4, syn);
    frame[14 + 20 + at] = to;
    return frame;
  };
  EXPECT_TRUE(ignored(changed(16, '\x55'))) << "checksum";
  EXPECT_TRUE(ignored(tcp_frame(peer6, our_group, syn, {our_group_mac, peer_mac, 0})));
  EXPECT_TRUE(ignored(tcp_frame(ip("::"), us6, syn)));
  const std::string segment = tcp(peer4, us4, syn);
  EXPECT_TRUE(ignored(ethernet({}, 0x0800, ipv4(peer4, us4, 6, segment.substr(0, 19)))));
  EXPECT_TRUE(ignored(ethernet(
      {}, 0x0800, ipv4(peer4, us4, 6, segment, 0, std::string_view("\x01\x01\x01\0", 4)))));
  for (const char words : {'\x40', '\x60'}) { // fewer than a header has, more than there are
    std::string wrong = segment;
    wrong[12] = words;
    wrong[16] = static_cast<char>(wrong[16] + (segment[12] - words)); // so that the sum holds
    EXPECT_TRUE(ignored(ethernet({}, 0x0800, ipv4(peer4, us4, 6, wrong)))) << int{words};
  }
}

// A router behind the gateway, about a packet of that much (RFC 4443 3.2).
std::string too_big_frame(std::uint32_t mtu, const ip_address& quoted_from,
                          const ip_address& quoted_to, std::uint8_t quoted_protocol = 17,
                          const ip_address& told = us6, std::size_t quoted_bytes = 1460) {
  const std::string quoted =
      ipv6(quoted_from, quoted_to, quoted_protocol, std::string(quoted_bytes, 'q'));
  const std::string message = std::string("\x02\0\0\0", 4) + be32(mtu) + quoted;
  const ip_address router = ip("2001:db8:9::1");
  return ethernet({our_mac, peer_mac, 0}, 0x86dd,
                  ipv6(router, told, 58, icmpv6(router, told, message)));
}

TEST(icmp6, a_packet_too_big_is_heeded_where_it_quotes_us) {
  const ip_address far = ip("2001:db8:1::7");
  for (const std::uint8_t protocol : {std::uint8_t{17}, std::uint8_t{44}})
    for (const std::uint32_t mtu : {1280u, 1400u, 1499u}) {
      const auto r = react(too_big_frame(mtu, us6, far, protocol));
      EXPECT_EQ(r.said.what, verdict::path_mtu_learnt);
      ASSERT_TRUE(r.said.path) << mtu;
      EXPECT_EQ(r.said.path->to, far);
      EXPECT_EQ(r.said.path->mtu_bytes, mtu);
      EXPECT_EQ(r.frame, "");
    }
  const auto ignored = [](const std::string& frame) {
    const auto r = react(frame);
    return !r.dropped && r.said.what == verdict::icmp_ignored && !r.said.path;
  };
  EXPECT_TRUE(ignored(too_big_frame(1279, us6, far)));
  EXPECT_TRUE(ignored(too_big_frame(0, us6, far)));
  EXPECT_TRUE(ignored(too_big_frame(1500, us6, far)));
  EXPECT_TRUE(ignored(too_big_frame(0xffffffff, us6, far)));
  EXPECT_TRUE(ignored(too_big_frame(1400, peer6, far))) << "not of ours";
  EXPECT_TRUE(ignored(too_big_frame(1400, us6, us6)));
  EXPECT_TRUE(ignored(too_big_frame(1400, us6, everybody6)));
  EXPECT_TRUE(ignored(too_big_frame(1400, us6, far, 6))) << "TCP";
  EXPECT_TRUE(ignored(too_big_frame(1400, us6, far, 17, us6, 1360))) << "it was not too big";
  // 8 bytes of ICMPv6 and 39 of the packet.
  const std::string cut =
      std::string("\x02\0\0\0", 4) + be32(1400) + ipv6(us6, far, 17, "").substr(0, 39);
  EXPECT_TRUE(ignored(
      ethernet({our_mac, peer_mac, 0}, 0x86dd, ipv6(peer6, us6, 58, icmpv6(peer6, us6, cut)))));
}

TEST(path_mtu, gets_smaller_and_is_forgotten) {
  dpdk::path_mtu_table paths(7);
  const ip_address far = ip("2001:db8:1::7"), other = ip("2001:db8:1::8");
  EXPECT_EQ(paths.towards(far, 1500, 5), 1500);
  paths.note({far, 1400}, 10);
  EXPECT_EQ(paths.towards(far, 1500, 11), 1400);
  EXPECT_EQ(paths.towards(far, 1300, 11), 1300) << "the link has less";
  EXPECT_EQ(paths.towards(other, 1500, 11), 1500);
  EXPECT_EQ(paths.towards(ip("192.0.2.10"), 1500, 11), 1500);
  paths.note({far, 1450}, 20);
  EXPECT_EQ(paths.towards(far, 1500, 21), 1400) << "not larger while it is known";
  paths.note({far, 1280}, 30);
  const time_us end = 30 + dpdk::path_mtu_table::lifetime_us;
  EXPECT_EQ(paths.towards(far, 1500, end - 1), 1280);
  EXPECT_EQ(paths.towards(far, 1500, end), 1500);
  paths.note({far, 1450}, end + 1);
  EXPECT_EQ(paths.towards(far, 1500, end + 2), 1450);
}

// Else whoever forges them could have the one forgotten that counts.
TEST(path_mtu, is_not_noted_of_hosts_that_get_nothing_large) {
  dpdk::path_mtu_table paths(7);
  const ip_address far = ip("2001:db8:1::7");
  paths.note({far, 1400}, 1);
  EXPECT_EQ(paths.towards(far, 1500, 2), 1500);
  paths.note({far, 1400}, 3);
  for (int i = 0; i < 10'000; ++i) {
    ip_address other = ip("2001:db8:2::");
    other.bytes[14] = static_cast<std::uint8_t>(i >> 8);
    other.bytes[15] = static_cast<std::uint8_t>(i);
    paths.note({other, 1400}, 4);
  }
  EXPECT_EQ(paths.towards(far, 1500, 5), 1400);
}

// The places are for 256 hosts, four in a bucket.
TEST(path_mtu, is_forgotten_first_of_hosts_that_got_nothing_large_for_longest) {
  dpdk::path_mtu_table paths(7);
  const ip_address far = ip("2001:db8:1::7");
  time_us now = 1;
  (void)paths.towards(far, 1500, now);
  paths.note({far, 1400}, now);
  for (int i = 0; i < 4'000; ++i) {
    ip_address other = ip("2001:db8:2::");
    other.bytes[14] = static_cast<std::uint8_t>(i >> 8);
    other.bytes[15] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(paths.towards(other, 1500, ++now), 1500);
    if (i < 2'000) {
      EXPECT_EQ(paths.towards(far, 1500, ++now), 1400) << i;
    }
  }
  EXPECT_EQ(paths.towards(far, 1500, ++now), 1500);
}

// Hop-by-hop with Router Alert, hop limit 1 (RFC 3810 5).
std::string mld_frame(const ip_address& from, const ip_address& to, std::string_view message,
                      const link_parts& link, std::uint8_t hop_limit = 1) {
  const std::string alert("\x3a\0\x05\x02\0\0\x01\0", 8);
  return ethernet(link, 0x86dd, ipv6(from, to, 0, alert + icmpv6(from, to, message), hop_limit));
}

const ip_address querier = ip("fe80::10");

std::string query(std::uint16_t within_ms, bool v2, const ip_address& from = querier) {
  std::string message =
      std::string("\x82\0\0\0", 4) + be16(within_ms) + std::string(2, '\0') + std::string(16, '\0');
  if (v2) message += std::string("\x02\x7d\0\0", 4);
  return mld_frame(from, everybody6, message, {all_mac, peer_mac, 0});
}

TEST(mld, a_query_is_to_be_answered_in_its_version) {
  const auto v2 = react(query(4000, true));
  EXPECT_EQ(v2.said.what, verdict::ndp_handled);
  EXPECT_EQ(v2.frame, "");
  ASSERT_TRUE(v2.said.report);
  EXPECT_EQ(v2.said.report->version, dpdk::mld_version::v2);
  EXPECT_EQ(v2.said.report->within_ms, 4000);
  const auto v1 = react(query(65'000, false));
  ASSERT_TRUE(v1.said.report);
  EXPECT_EQ(v1.said.report->version, dpdk::mld_version::v1);
  EXPECT_EQ(v1.said.report->within_ms, 10'000);
}

TEST(mld, refuses_what_rfc_3810_refuses) {
  const auto ignored = [](const std::string& frame) {
    const auto r = react(frame);
    return !r.dropped && r.said.what == verdict::icmp_ignored && !r.said.report && !r.said.claim;
  };
  const std::string message = std::string("\x82\0\0\0\x0f\xa0\0\0", 8) + std::string(20, '\0');
  EXPECT_TRUE(ignored(query(4000, true, peer6))) << "not link-local";
  EXPECT_TRUE(ignored(mld_frame(querier, everybody6, message, {all_mac, peer_mac, 0}, 2)));
  EXPECT_TRUE(
      ignored(ethernet({all_mac, peer_mac, 0}, 0x86dd,
                       ipv6(querier, everybody6, 58, icmpv6(querier, everybody6, message), 1))))
      << "no Router Alert";
  for (const std::size_t len : {4u, 8u, 23u, 25u, 27u})
    EXPECT_TRUE(
        ignored(mld_frame(querier, everybody6, message.substr(0, len), {all_mac, peer_mac, 0})))
        << len;
  std::string broken = query(4000, true);
  broken.back() ^= 1;
  EXPECT_TRUE(ignored(broken));
}

TEST(mld, reports_name_each_group_once) {
  dpdk::station we = our_station();
  const ip_address ours = we.link_local, both = ip("ff02::1:ff00:1");
  ASSERT_EQ(ip("ff02::1:ff00:1"), dpdk::solicited_node_of(ours)) << "as that of 2001:db8::1";
  we.addresses.push_back({ip("2001:db8::7:77"), 64});
  const auto report = [&](dpdk::mld_version version, dpdk::mld_reason why, std::size_t number) {
    dpdk::mbuf_ptr m(rte_pktmbuf_alloc(&pool()));
    return write_mld_report(we, *m, version, why, number) ? hex(bytes_of(*m)) : std::string{};
  };
  using dpdk::mld_reason;
  using dpdk::mld_version;
  const ip_address other = ip("ff02::1:ff07:77"), routers = ip("ff02::16");
  for (const auto& [why, type] :
       {std::pair{mld_reason::joined, '\x04'}, std::pair{mld_reason::asked, '\x02'}}) {
    const std::string head = std::string(1, type) + std::string(3, '\0');
    EXPECT_EQ(
        report(mld_version::v2, why, 0),
        hex(mld_frame(ours, routers,
                      std::string("\x8f\0\0\0\0\0\0\x02", 8) + head + raw(both) + head + raw(other),
                      {{0x33, 0x33, 0, 0, 0, 0x16}, our_mac, 0})));
    EXPECT_EQ(report(mld_version::v2, why, 1), "");
  }
  we.vlan = 42;
  EXPECT_EQ(report(mld_version::v1, mld_reason::asked, 1),
            hex(mld_frame(ours, other, std::string("\x83\0\0\0\0\0\0\0", 8) + raw(other),
                          {{0x33, 0x33, 0xff, 0x07, 0, 0x77}, our_mac, 42})));
  EXPECT_NE(report(mld_version::v1, mld_reason::asked, 0), "");
  EXPECT_EQ(report(mld_version::v1, mld_reason::asked, 2), "");
}

TEST(mld, many_groups_take_several_frames) {
  dpdk::station we = our_station();
  for (int i = 0; i < 130; ++i)
    we.addresses.push_back({ip("2001:db8::" + std::to_string(1000 + i)), 64});
  std::size_t frames = 0, records = 0;
  for (;; ++frames) {
    dpdk::mbuf_ptr m(rte_pktmbuf_alloc(&pool()));
    if (!write_mld_report(we, *m, dpdk::mld_version::v2, dpdk::mld_reason::joined, frames)) break;
    EXPECT_LE(m->pkt_len, 1280u + 14u);
    records += static_cast<unsigned char>(bytes_of(*m)[14 + 40 + 8 + 7]);
  }
  EXPECT_EQ(frames, 3u);
  EXPECT_EQ(records, 131u);
}

TEST(next_hop, network_gateway_or_nobody) {
  dpdk::station we = our_station();
  EXPECT_EQ(we.next_hop(peer4), peer4);
  EXPECT_EQ(we.next_hop(ip("198.51.100.7")), ip("192.0.2.254"));
  EXPECT_EQ(we.next_hop(ip("2001:db8:1::7")), ip("2001:db8::254"));
  EXPECT_EQ(we.next_hop(ip("fe80::77")), ip("fe80::77"));
  EXPECT_EQ(we.next_hop(ip("224.0.0.1")), std::nullopt);
  we.gateway = {};
  EXPECT_EQ(we.next_hop(ip("198.51.100.7")), std::nullopt);
}

} // namespace
} // namespace linehunt::test
