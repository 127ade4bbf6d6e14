// SPDX-License-Identifier: Apache-2.0
// The whole data plane over a ring port: calls with one and two workers, every packet judged once,
// no mbuf lost.
#include "running_balancer.h"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <vector>

namespace linehunt::test {
namespace {

call_parts numbered(int i) {
  call_parts p;
  p.call_id = std::to_string(i) + "-call@caller.example";
  p.branch = "z9hG4bKcall" + std::to_string(i);
  return p;
}

class calls : public testing::TestWithParam<bed_options> {};

TEST_P(calls, are_whole_and_leave_nothing_behind) {
  const auto before = mbufs_out();
  {
    running_balancer lb(GetParam());
    for (int i = 0; i < 12; ++i)
      EXPECT_EQ(lb.whole_call(numbered(i), static_cast<unsigned>(i) % GetParam().queues), "") << i;
    EXPECT_TRUE(lb.settle()) << lb.received() << " received, " << lb.judged() << " judged, "
                             << lb.link.sent << " sent";
    EXPECT_TRUE(eventually([&] { return lb.load() == 0; })) << lb.load();
    // The first INVITE at a worker may have to wait for a lease.
    EXPECT_EQ(lb.count_of(verdict::request_forwarded) + lb.count_of(verdict::request_parked),
              3u * 12);
    EXPECT_EQ(lb.count_of(verdict::response_forwarded), 3u * 12);
    EXPECT_EQ(lb.tx_dropped(), 0u);
    (void)lb.link.take();
    EXPECT_TRUE(eventually([&] { return lb.runtime->mbufs_in_use() == 0; }))
        << lb.runtime->mbufs_in_use();
    if (GetParam().workers == 2) {
      const auto a = lb.runtime->report(0), b = lb.runtime->report(1);
      EXPECT_GT(a.handed_over + b.handed_over, 0u); // hashes fall to both, by far
      EXPECT_GT(a.engine->calls_started.load(), 0u);
      EXPECT_GT(b.engine->calls_started.load(), 0u);
      // With one queue the first worker sends for both.
      EXPECT_EQ(b.tx_packets == 0, GetParam().queues == 1);
    }
  }
  EXPECT_EQ(mbufs_out(), before);
}

INSTANTIATE_TEST_SUITE_P(ports, calls,
                         testing::Values(bed_options{}, bed_options{.workers = 2},
                                         bed_options{.workers = 2, .queues = 2},
                                         bed_options{.queues = 2}, bed_options{.vlan = 42},
                                         bed_options{.v6 = true},
                                         bed_options{.workers = 2, .vlan = 42, .v6 = true}),
                         [](const auto& of) {
                           const bed_options& o = of.param;
                           return std::to_string(o.workers) + "workers_" +
                                  std::to_string(o.queues) + "queues" +
                                  (o.vlan != 0 ? "_vlan" : "") + (o.v6 ? "_ipv6" : "");
                         });

class flood : public testing::TestWithParam<worker_id> {};

// More than there is time for: new calls are let go, and still every packet is judged and freed.
TEST_P(flood, loses_no_packet_out_of_sight) {
  const auto before = mbufs_out();
  {
    // So deep that it does not run dry where worker and test take turns on one processor.
    running_balancer lb({.workers = GetParam(), .depth = 8192});
    lb.answer_questions();
    std::vector<std::string> frames;
    for (int i = 0; i < 64; ++i) {
      std::string text = invite(numbered(i));
      // Many lines, so that it takes longer to read than to offer.
      std::string lines;
      for (int line = 0; line < 120; ++line)
        lines += "\r\nX: y";
      text.insert(text.find("\r\n"), lines);
      frames.push_back(lb.frame_of(lb.caller, text));
    }
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::size_t offered = 0;
    while (lb.count_of(verdict::dropped_overload) < 2000) {
      for (int i = 0; i < 1000; ++i)
        (void)lb.link.offer(frames[offered++ % frames.size()]);
      (void)lb.link.take();
      ASSERT_TRUE(std::chrono::steady_clock::now() < limit)
          << lb.count_of(verdict::dropped_overload) << " let go of " << lb.received();
    }
    EXPECT_TRUE(lb.settle()) << lb.received() << " received, " << lb.judged() << " judged, "
                             << lb.link.sent << " sent";
    (void)lb.link.take();
    EXPECT_TRUE(eventually([&] {
      (void)lb.link.take();
      return lb.runtime->mbufs_in_use() == 0;
    })) << lb.runtime->mbufs_in_use();
  }
  EXPECT_EQ(mbufs_out(), before);
}

INSTANTIATE_TEST_SUITE_P(workers, flood, testing::Values<worker_id>(1, 2));

TEST(reload, harms_no_call_in_flight) {
  running_balancer lb({.workers = 2});
  for (int i = 0; i < 12; ++i) {
    lb.runtime->publish(lb.snapshot_of(2u + static_cast<unsigned>(i)));
    EXPECT_EQ(lb.runtime->world().generation, 2u + static_cast<unsigned>(i));
    EXPECT_EQ(lb.whole_call(numbered(i)), "") << i;
  }
  EXPECT_TRUE(lb.settle());
}

TEST(reload, amid_a_burst_judges_every_packet) {
  running_balancer lb({.workers = 2});
  for (int i = 0; i < 300; ++i) {
    lb.say(lb.caller, hop_request("OPTIONS", numbered(i)));
    if (i % 60 == 59) lb.runtime->publish(lb.snapshot_of(100u + static_cast<unsigned>(i)));
  }
  EXPECT_TRUE(lb.settle()) << lb.judged();
}

TEST(control, copies_answered_calls_in_pieces_while_they_go_on) {
  running_balancer lb({.workers = 2});
  for (int i = 0; i < 8; ++i) {
    lb.say(lb.caller, invite(numbered(i)));
    if (i == 7) break; // it only rings
    std::optional<seen_udp> there = lb.hear();
    while (there && !there->payload.starts_with("INVITE "))
      there = lb.hear();
    ASSERT_TRUE(there) << i;
    lb.say(there->to, response(there->payload, 200, "to-1"));
  }
  ASSERT_TRUE(lb.settle());
  std::vector<std::string> copied;
  std::size_t pieces = 0;
  dpdk::runtime::call_place at;
  for (bool more = true; more && pieces < 100; ++pieces) {
    std::size_t room = 2;
    more = lb.runtime->copy_calls(at, [&](const kept_call& call) {
      if (room == 0) return false;
      --room;
      copied.emplace_back(call.call_id);
      return true;
    });
  }
  EXPECT_GE(pieces, 4u);
  EXPECT_EQ(copied.size(), 7u);
  std::ranges::sort(copied);
  EXPECT_EQ(std::ranges::adjacent_find(copied), copied.end());
}

// Calls that are answered, with their handles and workers.
std::vector<std::pair<worker_id, std::uint64_t>> answered_calls(running_balancer& lb, int count) {
  for (int i = 0; i < count; ++i) {
    lb.say(lb.caller, invite(numbered(i)));
    std::optional<seen_udp> there = lb.hear();
    while (there && !there->payload.starts_with("INVITE "))
      there = lb.hear();
    if (!there) return {};
    lb.say(there->to, response(there->payload, 200, "to-1"));
  }
  if (!lb.settle()) return {};
  std::vector<std::pair<worker_id, std::uint64_t>> all;
  lb.runtime->for_each_call(
      [&](worker_id w, const call_info& c) { all.emplace_back(w, c.handle); });
  return all;
}

mail from_control(mail_kind kind, std::uint64_t subject = 0) {
  mail m;
  m.kind = kind;
  m.from = max_workers;
  m.subject = subject;
  return m;
}

TEST(control, tells_all_workers_or_none) {
  running_balancer lb({.workers = 2});
  const auto calls = answered_calls(lb, 8);
  ASSERT_EQ(calls.size(), 8u);
  const auto of_second = std::ranges::find(calls, 1, [](const auto& c) { return c.first; });
  ASSERT_NE(of_second, calls.end());
  ASSERT_EQ(calls.front().first, 0);
  const mail end = from_control(mail_kind::end_call, of_second->second);
  const mail nothing = from_control(mail_kind::end_call, ~std::uint64_t{0});
  // The first worker takes no mail while it shows its calls, which stands for one that hangs.
  bool told = true, filled = false;
  lb.runtime->for_each_call([&](worker_id w, const call_info&) {
    if (w != 0 || filled) return;
    filled = true;
    while (lb.runtime->send(0, nothing)) {
    }
    told = lb.runtime->send_to_all(end);
  });
  ASSERT_TRUE(filled);
  EXPECT_FALSE(told);
  ASSERT_TRUE(eventually([&] { return lb.runtime->send_to_all(nothing); }));
  ASSERT_TRUE(eventually([&] { return lb.runtime->report(1).rings.control == 0; }));
  const std::uint64_t loops = lb.runtime->report(1).loops;
  ASSERT_TRUE(eventually([&] { return lb.runtime->report(1).loops > loops + 1; }));
  const auto is_bye = [](std::string_view frame) { return frame.find("BYE sip:") != frame.npos; };
  EXPECT_TRUE(std::ranges::none_of(lb.link.take(), is_bye)) << "the second worker was told";
  EXPECT_TRUE(lb.runtime->send_to_all(end));
  EXPECT_TRUE(lb.link.take_one(is_bye));
}

TEST(control, knows_which_slots_are_settled) {
  running_balancer lb({.workers = 2});
  const auto calls = answered_calls(lb, 8);
  ASSERT_EQ(calls.size(), 8u);
  std::vector<slot_index> all;
  for (const destination& d : lb.runtime->world().destinations)
    for (const resource& r : d.resources)
      all.push_back(r.slot);
  EXPECT_EQ(lb.runtime->settled(all), std::vector<slot_index>{}) << "they are in the snapshot";
  lb.runtime->publish(lb.without_destinations(2));
  std::vector<slot_index> unheld;
  for (const slot_index s : all)
    if (lb.runtime->report(0).used[s] + lb.runtime->report(1).used[s] == 0) unheld.push_back(s);
  ASSERT_LT(unheld.size(), all.size());
  EXPECT_TRUE(eventually([&] { return lb.runtime->settled(all) == unheld; }));
  for (const auto& [w, handle] : calls)
    EXPECT_TRUE(lb.runtime->send(w, from_control(mail_kind::end_call, handle)));
  for (std::size_t byes = 0; byes < 2 * calls.size();) {
    const std::optional<seen_udp> there = lb.hear();
    ASSERT_TRUE(there) << byes;
    if (!there->payload.starts_with("BYE ")) continue;
    lb.say(there->to, response(there->payload, 200, ""));
    ++byes;
  }
  EXPECT_TRUE(eventually([&] { return lb.runtime->settled(all) == all; }));
}

TEST(control, sees_calls_and_reaches_workers) {
  running_balancer lb({.workers = 2});
  for (int i = 0; i < 8; ++i)
    lb.say(lb.caller, invite(numbered(i)));
  std::size_t seen = 0;
  EXPECT_TRUE(eventually([&] {
    seen = 0;
    lb.runtime->for_each_call([&](worker_id, const call_info&) { ++seen; });
    return seen == 8;
  })) << seen;
  lb.runtime->drain(true);
  for (const worker_id w : {0, 1}) // each hears of it in its next loop
    EXPECT_TRUE(eventually([&, before = lb.runtime->report(w).loops] {
      return lb.runtime->report(w).loops > before + 1;
    }));
  for (int i = 8; i < 16; ++i)
    lb.say(lb.caller, invite(numbered(i)));
  EXPECT_TRUE(lb.settle());
  EXPECT_EQ(lb.count_of(verdict::dropped_draining) + lb.count_of(verdict::request_answered) +
                lb.count_of(verdict::rejected_table_full),
            8u);
}

} // namespace
} // namespace linehunt::test
