// SPDX-License-Identifier: Apache-2.0
// The neighbour table: asking, learning, ageing, and its bounds under a flood.
#include "dataplane/dpdk/neighbour_table.h"
#include "frame_bytes.h"
#include "packet_bed.h"

#include <gtest/gtest.h>
#include <vector>

namespace linehunt::test {
namespace {

using dpdk::neighbour;
using dpdk::neighbour_table;
using dpdk::question;

constexpr time_us second = 1'000'000;
constexpr rte_ether_addr mac_a{{2, 0, 0, 0, 0, 0xa}}, mac_b{{2, 0, 0, 0, 0, 0xb}};
const ip_address peer = ip("192.0.2.10");

ip_address numbered(std::uint32_t i) {
  ip_address a = ip("10.0.0.0");
  a.bytes[1] = static_cast<std::uint8_t>(i >> 16);
  a.bytes[2] = static_cast<std::uint8_t>(i >> 8);
  a.bytes[3] = static_cast<std::uint8_t>(i);
  return a;
}

void ask_all_that_may_be_asked(neighbour_table& t, time_us now) {
  for (int i = 0; i < 1'000; ++i) {
    neighbour n;
    if (t.ask(n, now) == question::none) return;
  }
}

// Known once; then nobody has answered, and it is not known any more.
void let_go_silent(neighbour_table& t, const ip_address& who, time_us now) {
  const time_us first = now - (neighbour_table::max_asks + 1) * second;
  (void)t.learn(0, {who, mac_a, true, false}, first - neighbour_table::reachable_us);
  neighbour& n = t.use(0, who, now);
  for (time_us at = first; at < now; at += second)
    (void)t.ask(n, at);
  EXPECT_FALSE(n.known);
}

TEST(neighbour_table, asks_once_a_second_until_it_gives_up) {
  const auto before = mbufs_out();
  neighbour_table t(1);
  neighbour& n = t.use(0, peer, second);
  EXPECT_FALSE(n.known);
  EXPECT_EQ(t.ask(n, second), question::everybody);
  EXPECT_EQ(t.ask(n, second + 10), question::none);
  ASSERT_TRUE(t.wait(n, to_mbuf("frame").release()));
  int repeated = 0;
  std::size_t given_up = 0;
  for (time_us now = second; now < 10 * second; now += second / 10)
    given_up += t.age(now, [&](neighbour&) { ++repeated; });
  EXPECT_EQ(repeated, neighbour_table::max_unicast_asks - 1);
  EXPECT_EQ(given_up, 1u);
  EXPECT_EQ(mbufs_out(), before);
  EXPECT_EQ(t.find(0, peer), nullptr);
}

// RFC 4861 7.2.5: perhaps a proxy's.
TEST(neighbour_table, what_does_not_override_takes_no_known_place) {
  neighbour_table t(1);
  (void)t.use(0, peer, second);
  EXPECT_NE(t.learn(0, {peer, mac_a, false, true, false}, second).learnt, nullptr);
  const auto other = t.learn(0, {peer, mac_b, false, true, false}, second);
  EXPECT_EQ(other.learnt, nullptr);
  EXPECT_FALSE(other.is_news);
  EXPECT_TRUE(rte_is_same_ether_addr(&t.find(0, peer)->mac, &mac_a));
  (void)t.learn(0, {peer, mac_b, false, true, true}, second);
  EXPECT_TRUE(rte_is_same_ether_addr(&t.find(0, peer)->mac, &mac_b));
}

TEST(neighbour_table, waiting_packets_are_bounded) {
  neighbour_table t(1);
  std::size_t taken = 0;
  for (std::uint32_t i = 0; i < 100; ++i)
    for (int k = 0; k < 20; ++k) {
      auto m = to_mbuf("frame");
      if (!t.wait(t.use(0, numbered(i), second), m.get())) continue;
      (void)m.release();
      ++taken;
      EXPECT_LT(k, static_cast<int>(neighbour::max_waiting));
    }
  EXPECT_EQ(taken, neighbour_table::max_waiting_with_strangers);
  EXPECT_EQ(t.waiting_total(), taken);
}

TEST(neighbour_table, strangers_leave_waiting_places_to_those_once_known) {
  const auto before = mbufs_out();
  {
    neighbour_table t(1);
    const time_us gone = 100 * second;
    const auto put = [&](std::uint32_t i) {
      auto m = to_mbuf("frame");
      if (!t.wait(t.use(0, numbered(i), gone), m.get())) return false;
      (void)m.release();
      return true;
    };
    constexpr std::uint32_t known = 20;
    for (std::uint32_t i = 0; i < known; ++i)
      let_go_silent(t, numbered(i), gone);
    for (std::uint32_t i = known; i < 100; ++i)
      for (std::size_t k = 0; k < neighbour::max_waiting; ++k)
        (void)put(i);
    EXPECT_EQ(t.waiting_total(), neighbour_table::max_waiting_with_strangers);
    for (std::uint32_t i = 0; i < known; ++i)
      for (std::size_t k = 0; k < neighbour::max_waiting; ++k)
        (void)put(i);
    EXPECT_EQ(t.waiting_total(), neighbour_table::max_waiting_total);
    EXPECT_FALSE(put(known - 1));
    // What waits is given up for all; who was known once stays so.
    EXPECT_EQ(t.age(gone + neighbour_table::max_wait_us, [](neighbour&) {}),
              neighbour_table::max_waiting_total);
    ASSERT_NE(t.find(0, numbered(0)), nullptr);
    EXPECT_TRUE(t.find(0, numbered(0))->was_known());
    EXPECT_EQ(t.find(0, numbered(known)), nullptr);
  }
  EXPECT_EQ(mbufs_out(), before);
}

TEST(neighbour_table, learning_releases_what_waits) {
  neighbour_table t(1);
  neighbour& n = t.use(3, peer, second);
  ASSERT_TRUE(t.wait(n, to_mbuf("frame").release()));
  // Another port is another link.
  EXPECT_EQ(t.learn(2, {peer, mac_a, false, false}, second).learnt, nullptr);
  const auto [learnt, news] = t.learn(3, {peer, mac_a, false, false}, second);
  ASSERT_EQ(learnt, &n);
  EXPECT_TRUE(news);
  EXPECT_TRUE(n.known);
  std::array<rte_mbuf*, neighbour::max_waiting> out{};
  ASSERT_EQ(t.take_waiting(n, out), 1u);
  rte_pktmbuf_free(out[0]);
  EXPECT_EQ(t.waiting_total(), 0u);
}

TEST(neighbour_table, only_a_changed_or_old_entry_is_news) {
  neighbour_table t(1);
  EXPECT_TRUE(t.learn(0, {peer, mac_a, true, false}, second).is_news);
  EXPECT_FALSE(t.learn(0, {peer, mac_a, true, false}, 2 * second).is_news);
  EXPECT_TRUE(t.learn(0, {peer, mac_b, true, false}, 2 * second).is_news);
  EXPECT_TRUE(t.learn(0, {peer, mac_b, true, false}, 20 * second).is_news);
  EXPECT_TRUE(rte_is_same_ether_addr(&t.find(0, peer)->mac, &mac_b) != 0);
}

TEST(neighbour_table, an_old_entry_is_used_while_it_is_asked_for) {
  neighbour_table t(1);
  (void)t.learn(0, {peer, mac_a, true, false}, second);
  neighbour& n = t.use(0, peer, 2 * second);
  EXPECT_EQ(t.ask(n, 2 * second), question::none);
  const time_us old = second + neighbour_table::reachable_us;
  EXPECT_EQ(t.ask(n, old), question::itself);
  EXPECT_EQ(t.ask(n, old + second), question::itself);
  EXPECT_EQ(t.ask(n, old + 2 * second), question::itself);
  EXPECT_EQ(t.ask(n, old + 3 * second), question::everybody);
  EXPECT_TRUE(n.known);
  EXPECT_EQ(t.ask(n, old + 4 * second), question::everybody);
  EXPECT_EQ(t.ask(n, old + 5 * second), question::everybody);
  EXPECT_TRUE(n.known);
  EXPECT_EQ(t.ask(n, old + 6 * second), question::everybody);
  EXPECT_FALSE(n.known); // six questions, no answer
}

TEST(neighbour_table, a_flood_costs_only_what_is_not_in_use) {
  const auto before = mbufs_out();
  {
    neighbour_table t(42);
    (void)t.learn(0, {peer, mac_a, true, false}, second);
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      (void)t.use(0, peer, second + i); // packets go to it all the time
      (void)t.learn(0, {numbered(i), mac_b, true, false}, second + i);
    }
    ASSERT_NE(t.find(0, peer), nullptr);
    EXPECT_TRUE(t.find(0, peer)->known);
    // A flood of our own questions takes entries, and with them packets that wait.
    std::size_t waiting = 0;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      auto m = to_mbuf("frame");
      neighbour& n = t.use(0, numbered(100'000 + i), 2 * second + i);
      waiting -= t.take_evicted();
      if (!t.wait(n, m.get())) continue;
      (void)m.release();
      ++waiting;
    }
    EXPECT_EQ(t.waiting_total(), waiting);
    EXPECT_LE(waiting, neighbour_table::max_waiting_total);
  }
  EXPECT_EQ(mbufs_out(), before);
}

TEST(neighbour_table, a_flood_of_strangers_leaves_those_that_are_in_use) {
  const auto before = mbufs_out();
  {
    neighbour_table t(42);
    (void)t.learn(0, {peer, mac_a, true, false}, second);
    (void)t.use(0, peer, 2 * second);
    for (std::uint32_t i = 0; i < 100'000; ++i) {
      const time_us now = 20 * second + i * 10;
      neighbour* const n = &t.use(0, numbered(i), now);
      ASSERT_NE(n, nullptr); // of strangers the latest has the place
      auto m = to_mbuf("frame");
      if (t.wait(*n, m.get())) (void)m.release();
    }
    ASSERT_NE(t.find(0, peer), nullptr);
    EXPECT_TRUE(t.find(0, peer)->known);
  }
  EXPECT_EQ(mbufs_out(), before);
}

TEST(neighbour_table, who_was_never_used_makes_room_for_strangers) {
  neighbour_table t(42);
  for (std::uint32_t i = 0; i < 20'000; ++i)
    (void)t.learn(0, {numbered(i), mac_a, true, false}, second);
  for (std::uint32_t i = 0; i < 200; ++i)
    (void)t.use(0, numbered(100'000 + i), 2 * second + i);
  for (std::uint32_t i = 0; i < 200; ++i)
    EXPECT_NE(t.find(0, numbered(100'000 + i)), nullptr) << i;
}

TEST(neighbour_table, one_that_has_answered_outlasts_strangers) {
  neighbour_table t(42);
  let_go_silent(t, peer, 100 * second);
  for (std::uint32_t i = 0; i < 20'000; ++i)
    (void)t.use(0, numbered(i), 110 * second + i);
  EXPECT_NE(t.find(0, peer), nullptr);
}

// All places are of neighbours in use: nobody gets one until they have been quiet for long.
TEST(neighbour_table, questions_to_strangers_are_bounded) {
  neighbour_table t(42);
  (void)t.learn(0, {peer, mac_a, true, false}, second);
  const time_us start = 40 * second; // the peer was confirmed longer ago than reachable_us
  neighbour& known = t.use(0, peer, start);
  const auto flood = [&](time_us from) {
    int asked = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
      neighbour& n = t.use(0, numbered(i), from + i * 10);
      asked += t.ask(n, from + i * 10) != question::none ? 1 : 0;
    }
    return asked;
  };
  constexpr int steady = neighbour_table::stranger_asks_per_s;
  constexpr int at_once = neighbour_table::stranger_asks_at_once;
  EXPECT_NEAR(flood(start), at_once + steady, 2);
  ask_all_that_may_be_asked(t, start + second);
  EXPECT_EQ(t.ask(known, start + second), question::itself);
  EXPECT_NEAR(flood(start + second), steady, 2);
  EXPECT_EQ(t.ask(known, start + 2 * second), question::itself);
  EXPECT_NEAR(flood(start + 60 * second), at_once + steady, 2); // after a pause
}

TEST(neighbour_table, who_could_not_be_asked_at_once_is_asked_later) {
  const auto before = mbufs_out();
  neighbour_table t(42);
  ask_all_that_may_be_asked(t, second);
  neighbour& n = t.use(0, peer, second);
  EXPECT_EQ(t.ask(n, second), question::none);
  ASSERT_TRUE(t.wait(n, to_mbuf("frame").release()));
  EXPECT_EQ(t.ask(n, second + 1), question::none);
  std::size_t asked = 0;
  EXPECT_EQ(t.age(second + second / 10, [&](neighbour& whom) { asked += &whom == &n; }), 0u);
  EXPECT_EQ(asked, 1u);
  EXPECT_EQ(t.age(second + neighbour_table::max_wait_us, [](neighbour&) {}), 1u);
  EXPECT_EQ(mbufs_out(), before);
}

TEST(neighbour_table, a_packet_for_which_nobody_is_asked_is_given_up) {
  const auto before = mbufs_out();
  neighbour_table t(42);
  ASSERT_TRUE(t.wait(t.use(0, peer, second), to_mbuf("frame").release()));
  std::size_t given_up = 0;
  for (time_us now = second; now <= second + neighbour_table::max_wait_us; now += second / 100) {
    ask_all_that_may_be_asked(t, now);
    given_up += t.age(now, [](neighbour&) {});
  }
  EXPECT_EQ(given_up, 1u);
  EXPECT_EQ(t.find(0, peer), nullptr);
  EXPECT_EQ(mbufs_out(), before);
}

TEST(neighbour_table, of_known_ones_the_old_go_first_and_a_busy_one_last) {
  constexpr time_us old = second + neighbour_table::busy_us;
  neighbour_table t(42);
  // Twice as many as there is room for: half of the places are of old ones, half of busy ones.
  constexpr std::uint32_t all = 2 * neighbour_table::size;
  const auto here = [&t](bool even) {
    std::size_t count = 0;
    for (std::uint32_t i = even ? 0 : 1; i < all; i += 2)
      if (const neighbour* const n = t.find(0, numbered(i))) count += n->known ? 1 : 0;
    return count;
  };
  for (std::uint32_t i = 0; i < all; ++i) {
    (void)t.learn(0, {numbered(i), mac_a, true, false}, second + i);
    (void)t.use(0, numbered(i), second + i);
  }
  for (std::uint32_t i = 0; i < all; i += 2) // the even ones, as far as they are there
    if (t.find(0, numbered(i)) != nullptr) {
      (void)t.learn(0, {numbered(i), mac_a, true, false}, old);
      (void)t.use(0, numbered(i), old);
    }
  const std::size_t busy = here(true), idle = here(false);
  ASSERT_GT(busy, neighbour_table::size / 3);
  ASSERT_GT(idle, neighbour_table::size / 3);
  // Strangers take the places of old ones, and then of each other. Nearly every bucket has an old
  // one; where one has none, its strangers have one busy place.
  for (std::uint32_t i = 0; i < 50'000; ++i)
    (void)t.use(0, numbered(1'000'000 + i), old + all + i);
  EXPECT_GT(here(true), busy - busy / 50);
  EXPECT_LT(here(false), idle);
  // Whoever is new finds a place, also where all are busy.
  neighbour_table full(42);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    (void)full.learn(0, {numbered(i), mac_a, true, false}, second);
    (void)full.use(0, numbered(i), second + i);
  }
  (void)full.learn(0, {peer, mac_b, true, false}, 2 * second);
  EXPECT_TRUE(full.use(0, peer, 2 * second).known);
}

TEST(neighbour_table, used_but_not_confirmed_is_old) {
  neighbour_table t(42);
  std::array<std::uint32_t, 2> there{};
  const time_us later = second + neighbour_table::busy_us;
  // Used just now, but the odd ones were confirmed long ago: they may be gone.
  constexpr std::uint32_t all = 3 * neighbour_table::size / 4;
  for (std::uint32_t i = 0; i < all; ++i) {
    (void)t.learn(0, {numbered(i), mac_a, true, false}, i % 2 == 0 ? later : second);
    (void)t.use(0, numbered(i), later);
  }
  for (std::uint32_t i = 0; i < 50'000; ++i)
    (void)t.use(0, numbered(1'000'000 + i), later + i);
  for (std::uint32_t i = 0; i < all; ++i)
    there[i % 2] += t.find(0, numbered(i)) != nullptr ? 1 : 0;
  EXPECT_GT(there[0], there[1]);
}

} // namespace
} // namespace linehunt::test
