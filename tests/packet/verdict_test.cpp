// SPDX-License-Identifier: Apache-2.0
// Every verdict of frames through the running program, each counted once; and what happens to
// packets that cannot be sent.
#include "running_balancer.h"

#include <gtest/gtest.h>
#include <map>

namespace linehunt::test {
namespace {

TEST(verdicts, each_frame_has_exactly_one) {
  running_balancer lb({.workers = 2});
  const ip_address us = lb.us.ip, peer = ip("192.0.2.10");
  const endpoint from{peer, 5070};
  const link_parts link{lb.mac, peer_mac, 0};
  std::map<verdict, int> expected;
  const auto put = [&](verdict v, const std::string& frame) {
    lb.link.put(frame);
    ++expected[v];
  };
  std::string echo = std::string("\x08\0\0\0\0\1\0\1", 8);
  echo.replace(2, 2, be16(naive_checksum(echo)));
  const tcp_parts syn;
  std::string bad_ip = udp_frame(from, lb.us, "x", link);
  bad_ip[14 + 8] = 1; // time to live, behind the checksum's back
  std::string bad_udp = udp_frame(from, lb.us, "x", link);
  bad_udp.back() = 'y';
  const std::string whole = udp(from, lb.us, std::string(100, 'x'));

  for (int round = 0; round < 3; ++round) {
    put(verdict::arp_handled, arp_frame(1, peer_mac, peer, {}, us, {broadcast_mac, peer_mac, 0}));
    put(verdict::ndp_handled, neighbour_frame(135, 0, ip("2001:db8::10"), ip("2001:db8::1"),
                                              ip("2001:db8::1"), peer_mac, link));
    put(verdict::icmp_answered, ethernet(link, 0x0800, ipv4(peer, us, 1, echo)));
    put(verdict::icmp_ignored,
        ethernet(link, 0x0800, ipv4(peer, us, 1, std::string("\x03\x03\xfc\xfc\0\0\0\0", 8))));
    const ip_address us6 = ip("2001:db8::1"), router = ip("2001:db8:9::1");
    const std::string too_big = std::string("\x02\0\0\0\0\0\x05\x14", 8) +
                                ipv6(us6, ip("2001:db8:1::7"), 17, std::string(1400, 'q'));
    put(verdict::path_mtu_learnt,
        ethernet(link, 0x86dd, ipv6(router, us6, 58, icmpv6(router, us6, too_big))));
    put(verdict::fragment_kept,
        ethernet(link, 0x0800,
                 ipv4({{192, 0, 2, static_cast<std::uint8_t>(100 + round)}, false}, us, 17,
                      whole.substr(0, 64), 0x2000)));
    put(verdict::dropped_fragment,
        ethernet(link, 0x0800, ipv4(peer, us, 17, whole.substr(0, 61), 0x2000)));
    put(verdict::dropped_short_frame, udp_frame(from, lb.us, "x", link).substr(0, 40));
    put(verdict::dropped_ethertype, ethernet(link, 0x88cc, "lldp"));
    put(verdict::dropped_other_mac, udp_frame(from, lb.us, "x", {{4, 4, 4, 4, 4, 4}, peer_mac, 0}));
    put(verdict::dropped_other_vlan, udp_frame(from, lb.us, "x", {lb.mac, peer_mac, 9}));
    put(verdict::dropped_other_ip, udp_frame(from, endpoint_of("192.0.2.3:5060"), "x", link));
    put(verdict::dropped_bad_ip_header, bad_ip);
    put(verdict::dropped_bad_udp_checksum, bad_udp);
    put(verdict::tcp_refused, ethernet(link, 0x0800, ipv4(peer, us, 6, tcp(peer, us, syn))));
    put(verdict::dropped_other_protocol, ethernet(link, 0x0800, ipv4(peer, us, 6, "tcp")));
    put(verdict::dropped_other_protocol, ethernet(link, 0x0800, ipv4(peer, us, 58, "icmpv6?")));
    put(verdict::dropped_other_port, udp_frame(from, endpoint_of("192.0.2.1:5061"), "x", link));
    put(verdict::keep_alive, udp_frame(from, lb.us, "\r\n\r\n", link));
    put(verdict::dropped_not_sip, udp_frame(from, lb.us, "hello there", link));
  }
  EXPECT_TRUE(lb.settle());
  for (std::size_t i = 0; i < verdict_count; ++i) {
    const auto v = static_cast<verdict>(i);
    EXPECT_EQ(lb.count_of(v), static_cast<std::uint64_t>(expected[v])) << name_of(v);
  }
}

TEST(groups, are_said_at_the_start_and_when_somebody_asks) {
  running_balancer lb;
  const auto report_of = [&lb](char type) {
    return lb.link.take_one([type](std::string_view f) {
      return ethertype_of(f) == 0x86dd && f.size() > 14 + 40 + 8 + 8 && f[14 + 40 + 8] == '\x8f' &&
             f[14 + 40 + 8 + 8] == type;
    });
  };
  EXPECT_TRUE(report_of(4)) << "announced again a second after the start";
  const ip_address querier = ip("fe80::10"), everybody = ip("ff02::1");
  const std::string query = std::string("\x82\0\0\0\0\x64\0\0", 8) + std::string(20, '\0');
  lb.link.put(ethernet(
      {{0x33, 0x33, 0, 0, 0, 1}, peer_mac, 0}, 0x86dd,
      ipv6(querier, everybody, 0,
           std::string("\x3a\0\x05\x02\0\0\x01\0", 8) + icmpv6(querier, everybody, query), 1)));
  const auto asked = report_of(2);
  ASSERT_TRUE(asked);
  EXPECT_EQ(lb.count_of(verdict::ndp_handled), 1u);
  EXPECT_NE(asked->find(raw(ip("ff02::1:ff00:1"))), std::string::npos) << "of 2001:db8::1";
}

TEST(handover, a_full_ring_is_a_verdict) {
  running_balancer lb({.workers = 2});
  // The second worker stands still while its calls are visited; the first goes on receiving.
  lb.say(lb.caller, invite({}));
  for (int i = 0; i < 20; ++i) {
    call_parts p;
    p.call_id = "still-" + std::to_string(i);
    p.branch = "z9hG4bKs" + std::to_string(i);
    lb.say(lb.caller, invite(p));
  }
  ASSERT_TRUE(lb.settle());
  const auto own = [&](std::uint64_t n) { // OPTIONS of a call that worker 1 owns
    call_parts p;
    p.call_id = "full-" + std::to_string(n);
    return hop_request("OPTIONS", p);
  };
  bool filled = false;
  std::uint64_t n = 0;
  lb.runtime->for_each_call([&](worker_id w, const call_info&) {
    if (w != 1 || filled) return;
    filled = true;
    while (lb.count_of(verdict::dropped_ring_full) == 0 && n < 20'000) {
      for (int k = 0; k < 64; ++k)
        lb.say(lb.caller, own(n++));
      (void)eventually([&] { return lb.received() == lb.link.sent; });
    }
  });
  ASSERT_TRUE(filled);
  EXPECT_GT(lb.count_of(verdict::dropped_ring_full), 0u);
  EXPECT_TRUE(lb.settle());
}

TEST(sending, an_unresolved_neighbour_costs_the_packet_not_the_mbuf) {
  const auto before = mbufs_out();
  {
    running_balancer lb;
    for (int i = 0; i < 40; ++i) {
      call_parts p;
      p.call_id = "nobody-" + std::to_string(i);
      p.branch = "z9hG4bKn" + std::to_string(i);
      lb.say(lb.caller, invite(p)); // the gateway towards the caller never answers
    }
    EXPECT_TRUE(lb.settle());
    EXPECT_TRUE(eventually([&] { return lb.tx_dropped() > 0; })); // more than may wait
    const auto asked = lb.link.take_one([](std::string_view f) {
      return ethertype_of(f) == 0x0806 && f.substr(0, 6) == std::string(6, '\xff') &&
             f.substr(14 + 24, 4) == raw(ip("192.0.2.254"));
    });
    EXPECT_TRUE(asked);
  }
  EXPECT_EQ(mbufs_out(), before);
}

TEST(stopping, amid_traffic_gives_every_mbuf_back) {
  const auto before = mbufs_out();
  for (int round = 0; round < 5; ++round) {
    running_balancer lb({.workers = 2});
    for (int i = 0; i < 200; ++i) {
      call_parts p;
      p.call_id = std::to_string(i);
      p.branch = "z9hG4bKx" + std::to_string(i);
      lb.say(lb.caller, invite(p));
    }
  }
  EXPECT_EQ(mbufs_out(), before);
}

} // namespace
} // namespace linehunt::test
