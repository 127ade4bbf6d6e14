// SPDX-License-Identifier: Apache-2.0
// Captures over a ring port: what goes in and out is copied, all of it or what matches; rings that
// are full are counted; begun and ended again and again while packets flow, and no mbuf is lost.
#include "dataplane/dpdk/frame_match.h"
#include "dataplane/dpdk/frame_ring.h"
#include "running_balancer.h"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace linehunt::test {
namespace {

call_parts numbered(int i) {
  call_parts p;
  p.call_id = std::to_string(i) + "-call@caller.example";
  p.branch = "z9hG4bKcall" + std::to_string(i);
  return p;
}

// A datagram in pieces of `size` bytes, a multiple of 8.
std::vector<std::string> udp_fragments(const endpoint& from, const endpoint& to,
                                       std::string_view payload, const link_parts& link,
                                       std::size_t size, std::uint16_t id) {
  const std::string datagram = udp(from, to, payload);
  std::vector<std::string> all;
  for (std::size_t at = 0; at < datagram.size(); at += size) {
    const std::string bytes = datagram.substr(at, size);
    const bool more = at + size < datagram.size();
    if (from.ip.is_v6) {
      const std::string header = std::string("\x11\x00", 2) +
                                 be16(static_cast<std::uint32_t>(at | (more ? 1u : 0u))) + be32(id);
      all.push_back(ethernet(link, 0x86dd, ipv6(from.ip, to.ip, 44, header + bytes)));
      continue;
    }
    const auto field = static_cast<std::uint16_t>(at / 8 | (more ? 0x2000u : 0u));
    std::string packet = ipv4(from.ip, to.ip, 17, bytes, field);
    packet.replace(4, 2, be16(id)).replace(10, 2, be16(0));
    packet.replace(10, 2, be16(naive_checksum(std::string_view(packet).substr(0, 20))));
    all.push_back(ethernet(link, 0x0800, packet));
  }
  return all;
}

struct copied {
  std::uint64_t unix_ns = 0;
  bool sent = false;
  std::uint32_t original_bytes = 0;
  std::string bytes;
};

class collector {
 public:
  dpdk::capture::visitor visitor() {
    return [this](const dpdk::captured_frame& f) {
      EXPECT_EQ(f.port, 0u);
      frames.push_back({f.unix_ns, f.sent, f.original_bytes, {f.bytes.data(), f.bytes.size()}});
    };
  }
  // Start lines of the SIP messages, with where they went: "> INVITE ...".
  [[nodiscard]] std::vector<std::string> messages() const {
    std::vector<std::string> all;
    for (const copied& f : frames)
      if (const auto udp = read_udp(f.bytes))
        all.push_back((f.sent ? "> " : "< ") + udp->payload.substr(0, udp->payload.find(' ')) +
                      (udp->payload.starts_with("SIP/2.0") ? udp->payload.substr(7, 4) : ""));
    return all;
  }
  [[nodiscard]] std::size_t count(bool sent) const {
    return static_cast<std::size_t>(std::ranges::count(frames, sent, &copied::sent));
  }
  std::vector<copied> frames;
};

std::unique_ptr<dpdk::capture> begun(running_balancer& lb, const std::string& match = "",
                                     std::size_t cells = 0) {
  auto begun = lb.runtime->begin_capture({std::nullopt, match}, cells);
  EXPECT_TRUE(begun) << begun.error().message;
  return begun ? std::move(*begun) : nullptr;
}

class captures : public testing::TestWithParam<bed_options> {};

const std::vector<std::string> a_call{
    "< INVITE",      "> SIP/2.0 100", "> INVITE",     "< SIP/2.0 180", "> SIP/2.0 180",
    "< SIP/2.0 200", "> SIP/2.0 200", "< ACK",        "> ACK",         "< BYE",
    "> BYE",         "< SIP/2.0 200", "> SIP/2.0 200"};

TEST_P(captures, show_the_matched_call_both_ways_in_its_order) {
  const auto before = mbufs_out();
  {
    running_balancer lb(GetParam());
    const auto capture = begun(lb, "7-call@caller.example");
    collector seen;
    for (int i = 5; i < 10; ++i) {
      EXPECT_EQ(lb.whole_call(numbered(i), static_cast<unsigned>(i) % GetParam().queues), "") << i;
      capture->poll(seen.visitor());
    }
    capture->stop(seen.visitor());
    EXPECT_EQ(seen.messages(), a_call);
    EXPECT_EQ(seen.frames.size(), a_call.size());
    EXPECT_TRUE(std::ranges::is_sorted(seen.frames, {}, &copied::unix_ns));
    EXPECT_EQ(capture->missed(0), 0u);
    EXPECT_TRUE(lb.settle());
    (void)lb.link.take();
    EXPECT_TRUE(eventually([&] { return lb.runtime->mbufs_in_use() == 0; }));
  }
  EXPECT_EQ(mbufs_out(), before);
}

TEST_P(captures, without_a_match_have_every_frame_as_it_was) {
  running_balancer lb(GetParam());
  (void)lb.link.take();
  const std::uint64_t received = lb.received();
  using namespace std::chrono;
  const auto now = [] {
    return static_cast<std::uint64_t>(
        duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
  };
  const std::uint64_t earliest = now();
  const auto capture = begun(lb);
  EXPECT_EQ(lb.whole_call(numbered(1)), "");
  EXPECT_TRUE(lb.settle());
  collector seen;
  capture->stop(seen.visitor());
  EXPECT_EQ(seen.count(false), lb.received() - received);
  const std::string question = lb.frame_of(lb.caller, invite(numbered(1)));
  if (!GetParam().v6) {
    EXPECT_EQ(std::ranges::count(seen.frames, question, &copied::bytes), 1);
  }
  for (const copied& f : seen.frames) {
    EXPECT_EQ(f.original_bytes, f.bytes.size());
    // The clock may be set meanwhile, but hardly by a minute.
    EXPECT_GT(f.unix_ns + 60'000'000'000u, earliest);
    EXPECT_LT(f.unix_ns, now() + 60'000'000'000u);
  }
  // Nothing comes any more.
  collector late;
  EXPECT_EQ(lb.whole_call(numbered(2)), "");
  capture->poll(late.visitor());
  EXPECT_TRUE(late.frames.empty());
}

INSTANTIATE_TEST_SUITE_P(ports, captures,
                         testing::Values(bed_options{}, bed_options{.workers = 2},
                                         bed_options{.workers = 2, .queues = 2},
                                         bed_options{.vlan = 42}, bed_options{.v6 = true}),
                         [](const auto& of) {
                           const bed_options& o = of.param;
                           return std::to_string(o.workers) + "workers_" +
                                  std::to_string(o.queues) + "queues" +
                                  (o.vlan != 0 ? "_vlan" : "") + (o.v6 ? "_ipv6" : "");
                         });

TEST(capture, that_finds_no_room_counts_and_harms_nothing) {
  const auto before = mbufs_out();
  {
    running_balancer lb;
    EXPECT_EQ(lb.whole_call(numbered(9)), "");
    EXPECT_TRUE(lb.settle());
    const auto capture = begun(lb, "", 256); // 4 kB
    collector seen;
    const auto frames = [&] {
      const dpdk::worker_report r = lb.runtime->report(0);
      return r.rx_packets + r.tx_packets;
    };
    const std::uint64_t before_calls = frames();
    for (int i = 0; i < 6; ++i)
      EXPECT_EQ(lb.whole_call(numbered(i)), "") << i;
    EXPECT_TRUE(lb.settle());
    capture->stop(seen.visitor());
    EXPECT_GT(seen.frames.size(), 0u);
    EXPECT_GT(capture->missed(0), 0u);
    EXPECT_EQ(seen.frames.size() + capture->missed(0), frames() - before_calls);
    for (const copied& f : seen.frames)
      EXPECT_EQ(f.original_bytes, f.bytes.size()); // whole
    (void)lb.link.take();
    EXPECT_TRUE(eventually([&] { return lb.runtime->mbufs_in_use() == 0; }));
  }
  EXPECT_EQ(mbufs_out(), before);
}

TEST(capture, begins_and_ends_again_and_again_while_packets_flow) {
  const auto before = mbufs_out();
  {
    running_balancer lb({.workers = 2, .queues = 2});
    std::size_t copies = 0;
    for (int i = 0; i < 100; ++i) {
      for (int j = 0; j < 8; ++j)
        lb.say(lb.caller, hop_request("OPTIONS", numbered(i * 8 + j)),
               static_cast<unsigned>(j) % 2);
      const auto capture = begun(lb, i % 2 == 0 ? "" : "caller");
      for (int j = 0; j < 8; ++j)
        lb.say(lb.caller, hop_request("OPTIONS", numbered(i * 8 + j)),
               static_cast<unsigned>(j) % 2);
      collector seen;
      capture->poll(seen.visitor());
      if (i % 3 == 0) { // else it ends amid them, and some with no stop
        EXPECT_TRUE(lb.settle());
      }
      if (i % 5 != 0) capture->stop(seen.visitor());
      copies += seen.frames.size();
      (void)lb.link.take();
    }
    EXPECT_GT(copies, 0u);
    EXPECT_TRUE(lb.settle()) << lb.judged();
    EXPECT_TRUE(eventually([&] {
      (void)lb.link.take();
      return lb.runtime->mbufs_in_use() == 0;
    })) << lb.runtime->mbufs_in_use();
  }
  EXPECT_EQ(mbufs_out(), before);
}

// The device's queue is full: what is offered twice is one frame.
TEST(capture, has_a_frame_once_that_is_offered_twice) {
  running_balancer lb({.depth = 32});
  EXPECT_EQ(lb.whole_call(numbered(99)), ""); // the way to the caller is known
  EXPECT_TRUE(lb.settle());
  (void)lb.link.take();
  const auto capture = begun(lb, "caller.example");
  for (int i = 0; i < 60; ++i) {
    lb.say(lb.caller, hop_request("OPTIONS", numbered(i)));
    EXPECT_TRUE(lb.settle());
  }
  collector seen;
  EXPECT_TRUE(eventually([&] { return lb.tx_dropped() != 0; })); // nobody has taken what it sent
  capture->stop(seen.visitor());
  EXPECT_EQ(seen.count(false), 60u);
  EXPECT_EQ(seen.count(true), 60u);
}

TEST(capture, of_a_large_message_has_all_fragments) {
  running_balancer lb;
  lb.answer_questions();
  EXPECT_TRUE(lb.settle());
  const auto capture = begun(lb, "large-call");
  call_parts parts = numbered(1);
  parts.call_id = "large-call@caller.example";
  parts.extra = "Subject: " + std::string(2500, 'x') + "\r\n";
  const std::string text = invite(parts);
  const auto pieces = udp_fragments(lb.caller, lb.us, text, {lb.mac, peer_mac, 0}, 1400, 9);
  for (const std::string& piece : pieces)
    lb.link.put(piece);
  lb.say(lb.caller, hop_request("OPTIONS", numbered(2)));
  collector seen;
  EXPECT_TRUE(eventually([&] {
    capture->poll(seen.visitor());
    return seen.count(true) >= 4;
  })) << seen.count(true); // 100 and the INVITE in pieces
  capture->stop(seen.visitor());
  std::size_t received = 0, sent = 0;
  for (const copied& f : seen.frames)
    (f.sent ? sent : received) += f.bytes.size();
  EXPECT_GT(received, text.size());
  EXPECT_GT(sent, text.size());
  EXPECT_EQ(seen.count(false), pieces.size());
}

TEST(frame_ring, gives_back_what_it_was_given_round_its_end) {
  (void)pool();
  dpdk::frame_ring ring(64, -1);
  EXPECT_EQ(ring.front(), nullptr);
  for (std::uint16_t round = 0; round < 200; ++round) {
    const auto bytes = static_cast<std::uint16_t>(round % 97);
    for (std::uint16_t each = 0; each < 3; ++each) {
      std::fill_n(ring.room(), bytes, static_cast<char>('a' + each));
      EXPECT_TRUE(ring.push({round, 1500, bytes, static_cast<std::uint8_t>(each), each == 1}));
    }
    for (std::uint16_t each = 0; each < 3; ++each) {
      const dpdk::frame_note* const note = ring.front();
      ASSERT_NE(note, nullptr);
      EXPECT_EQ(note->cycles, round);
      EXPECT_EQ(note->port, each);
      EXPECT_EQ(note->sent, each == 1);
      const auto got = ring.front_bytes();
      EXPECT_EQ(std::string(got.begin(), got.end()),
                std::string(bytes, static_cast<char>('a' + each)));
      ring.pop();
    }
    EXPECT_EQ(ring.front(), nullptr);
  }
}

TEST(frame_ring, takes_a_frame_whole_or_not_at_all) {
  (void)pool();
  dpdk::frame_ring ring(64, -1); // 63 cells
  EXPECT_TRUE(ring.push({1, 0, 16 * 40, 0, false}));
  EXPECT_FALSE(ring.push({2, 0, 16 * 22, 0, false})); // 23 cells of 22
  EXPECT_TRUE(ring.push({3, 0, 16 * 21, 0, false}));
  EXPECT_FALSE(ring.push({4, 0, 0, 0, false}));
  ASSERT_NE(ring.front(), nullptr);
  ring.pop();
  ASSERT_NE(ring.front(), nullptr);
  EXPECT_EQ(ring.front()->cycles, 3u);
  ring.pop();
  EXPECT_EQ(ring.front(), nullptr);
}

TEST(frame_match, knows_the_fragments_of_a_datagram) {
  for (const bool v6 : {false, true})
    for (const std::uint16_t vlan : {std::uint16_t{0}, std::uint16_t{7}}) {
      const endpoint from = endpoint_of(v6 ? "[2001:db8::7]:5060" : "192.0.2.7:5060");
      const endpoint to = endpoint_of(v6 ? "[2001:db8::1]:5060" : "192.0.2.1:5060");
      const link_parts link{our_mac, peer_mac, vlan};
      std::string text(3000, 'x');
      text.replace(10, 6, "needle");
      const auto pieces = udp_fragments(from, to, text, link, 1400, 1);
      const auto others = udp_fragments(from, to, std::string(3000, 'y'), link, 1400, 2);
      ASSERT_EQ(pieces.size(), 3u);
      dpdk::frame_match match("needle");
      EXPECT_FALSE(match.takes(others[1]));
      EXPECT_TRUE(match.takes(pieces[0]));
      EXPECT_FALSE(match.takes(others[2]));
      EXPECT_TRUE(match.takes(pieces[1]));
      EXPECT_TRUE(match.takes(pieces[2]));
      EXPECT_FALSE(match.takes(udp_frame(from, to, "hay", link)));
      EXPECT_TRUE(match.takes(udp_frame(from, to, "a needle", link)));
    }
}

TEST(frame_match, reads_nothing_behind_a_short_frame) {
  const std::string whole =
      udp_fragments(endpoint_of("[2001:db8::7]:5060"), endpoint_of("[2001:db8::1]:5060"),
                    std::string(3000, 'x'), {our_mac, peer_mac, 7}, 1400, 1)
          .front();
  for (std::size_t size = 0; size < 70; ++size) {
    const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(dpdk::fragment_key(exact).has_value(), size >= 18 + 48) << size;
  }
}

} // namespace
} // namespace linehunt::test
