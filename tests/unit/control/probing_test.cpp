// SPDX-License-Identifier: Apache-2.0
// Whom the schedule probes and when, and what each kind of answer makes of a status.
#include "control/probing/schedule.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::probing::probing_test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

struct sent {
  destination_index index;
  std::uint64_t number;
  time_us at;
};

class probing_test : public ::testing::Test {
 protected:
  // Destinations 1..count with index id + 100.
  void configure(std::size_t count, std::uint8_t mode) {
    targets.clear();
    for (std::uint32_t id = 1; id <= count; ++id)
      targets.push_back({id, id + 100, "sip:192.0.2.1", mode, 1});
    plan.adopt(settings, targets);
  }
  // Lets time pass as the daemon does, asking more often than once a tick.
  void wait_ms(std::uint64_t ms) {
    for (const time_us end = now + ms * 1000; now < end; now += 20'000)
      plan.advance(now);
  }
  // Until the next probe, which is returned.
  sent next_probe() {
    const std::size_t before = probes.size();
    for (int i = 0; i < 10'000 && probes.size() == before; ++i)
      wait_ms(20);
    EXPECT_GT(probes.size(), before) << "nobody is probed";
    return probes.empty() ? sent{} : probes.back();
  }
  void answer(std::uint16_t status) {
    const sent last = next_probe();
    plan.on_answer(last.index, last.number, status, 1234);
  }
  void by_admin(std::uint32_t id, bool enabled) {
    statuses[id] = {enabled, !enabled};
    plan.on_status_changed(id);
  }
  void by_failover(std::uint32_t id) {
    statuses[id].enabled = false;
    plan.on_status_changed(id);
  }

  config::probing_settings settings;
  std::vector<target> targets;
  std::map<std::uint32_t, destination_status> statuses;
  std::vector<sent> probes;
  std::vector<change> changes;
  bool ring_is_full = false;
  time_us now = 1;
  schedule plan{[this](std::uint32_t id) { return statuses[id]; },
                [this](destination_index index, std::uint64_t number) {
                  if (ring_is_full) return false;
                  probes.push_back({index, number, now});
                  return true;
                },
                [this](const change& c) {
                  changes.push_back(c);
                  statuses[c.id].enabled = c.enabled;
                  plan.on_status_changed(c.id);
                }};
};

TEST_F(probing_test, mode_0_is_never_probed) {
  configure(3, 0);
  by_failover(1);
  wait_ms(100'000);
  EXPECT_THAT(probes, IsEmpty());
}

TEST_F(probing_test, mode_1_is_probed_only_while_disabled) {
  configure(1, 1);
  wait_ms(100'000);
  EXPECT_THAT(probes, IsEmpty());
  by_failover(1);
  answer(200);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_TRUE(changes[0].enabled);
  EXPECT_EQ(changes[0].status, 200);
  const std::size_t so_far = probes.size();
  wait_ms(100'000);
  EXPECT_EQ(probes.size(), so_far);
}

TEST_F(probing_test, mode_2_is_probed_once_in_each_interval) {
  configure(1, 2);
  for (int i = 0; i < 5; ++i)
    answer(200);
  EXPECT_THAT(changes, IsEmpty());
  ASSERT_THAT(probes, SizeIs(5));
  for (std::size_t i = 1; i < probes.size(); ++i)
    EXPECT_NEAR(static_cast<double>(probes[i].at - probes[i - 1].at), 30e6, 50e3);
  EXPECT_EQ(plan.round_trip_us(1), 1234u);
  EXPECT_EQ(plan.round_trip_us(2), std::nullopt);
}

TEST_F(probing_test, an_interval_of_0_probes_nobody_and_can_be_taken_back) {
  settings.interval_s = 0;
  configure(5, 2);
  wait_ms(100'000);
  EXPECT_THAT(probes, IsEmpty());
  settings.interval_s = 30;
  configure(5, 2);
  (void)next_probe();
  settings.interval_s = 0;
  configure(5, 2);
  const std::size_t so_far = probes.size();
  wait_ms(100'000);
  EXPECT_EQ(probes.size(), so_far);
  EXPECT_THAT(changes, IsEmpty());
  settings.interval_s = 30;
  configure(5, 2);
  wait_ms(30'000);
  EXPECT_GE(probes.size(), so_far + 5);
}

TEST_F(probing_test, what_an_admin_disabled_is_not_probed) {
  configure(1, 2);
  const sent before = next_probe();
  by_admin(1, false);
  plan.on_answer(before.index, before.number, 200, 1);
  const std::size_t so_far = probes.size();
  wait_ms(100'000);
  EXPECT_EQ(probes.size(), so_far) << "not even repeated";
  EXPECT_THAT(changes, IsEmpty());
  by_admin(1, true);
  (void)next_probe();
}

TEST_F(probing_test, answers_and_what_they_mean) {
  settings.reply_codes = {404, 302};
  configure(1, 2);
  struct row {
    std::uint16_t status;
    bool good, bad;
  };
  for (const row& r :
       {row{200, true, false}, row{404, true, false}, row{302, true, false}, row{202, false, false},
        row{301, false, false}, row{400, false, true}, row{408, false, true}, row{486, false, true},
        row{503, false, true}, row{603, false, true}}) {
    for (const bool enabled : {true, false}) {
      statuses[1] = {enabled, false};
      plan.on_status_changed(1);
      changes.clear();
      answer(r.status);
      const bool shall_change = enabled ? r.bad : r.good;
      ASSERT_THAT(changes, SizeIs(shall_change ? 1 : 0)) << r.status << " while " << enabled;
      if (!shall_change) continue;
      EXPECT_EQ(changes[0].enabled, !enabled);
      EXPECT_EQ(changes[0].status, r.status);
    }
  }
}

TEST_F(probing_test, silence_is_a_failure_after_repetitions) {
  configure(1, 2);
  const sent first = next_probe();
  wait_ms(4900);
  EXPECT_THAT(changes, IsEmpty());
  wait_ms(300);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_FALSE(changes[0].enabled);
  EXPECT_EQ(changes[0].status, 0);
  // RFC 3261 17.1.2.2: after 0.5, 1.5 and 3.5 s, all of them the same request.
  ASSERT_THAT(probes, SizeIs(4));
  for (std::size_t i = 1; i < 4; ++i)
    EXPECT_EQ(probes[i].number, first.number);
  EXPECT_NEAR(static_cast<double>(probes[3].at - first.at), 3.5e6, 200e3);
  plan.on_answer(first.index, first.number, 200, 1);
  EXPECT_THAT(changes, SizeIs(1)) << "too late";
}

TEST_F(probing_test, thresholds_count_in_a_row) {
  settings.failures_to_disable = 3;
  settings.successes_to_enable = 2;
  configure(1, 2);
  for (const int status : {503, 503, 200, 503, 503})
    answer(static_cast<std::uint16_t>(status));
  EXPECT_THAT(changes, IsEmpty());
  answer(301); // says nothing, so it interrupts nothing
  EXPECT_THAT(changes, IsEmpty());
  answer(500);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_FALSE(changes[0].enabled);
  for (const int status : {200, 503, 200})
    answer(static_cast<std::uint16_t>(status));
  EXPECT_THAT(changes, SizeIs(1));
  answer(200);
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_TRUE(changes[1].enabled);
}

TEST_F(probing_test, what_was_counted_before_a_change_by_others_is_forgotten) {
  settings.failures_to_disable = 2;
  configure(1, 2);
  answer(503);
  by_admin(1, true);
  answer(503);
  EXPECT_THAT(changes, IsEmpty());
  answer(503);
  EXPECT_THAT(changes, SizeIs(1));
}

TEST_F(probing_test, answers_to_nothing_that_was_asked) {
  configure(2, 2);
  const sent first = next_probe();
  plan.on_answer(first.index, first.number + 1, 503, 1);
  plan.on_answer(first.index + 1, first.number, 503, 1);
  plan.on_answer(first.index, 0, 503, 1);
  plan.on_answer(9999, first.number, 503, 1);
  EXPECT_THAT(changes, IsEmpty());
  EXPECT_EQ(plan.round_trip_us(1), std::nullopt);
}

TEST_F(probing_test, what_could_not_be_sent_is_no_failure) {
  configure(1, 2);
  ring_is_full = true;
  wait_ms(100'000);
  EXPECT_THAT(changes, IsEmpty());
  ring_is_full = false;
  answer(503);
  EXPECT_THAT(changes, SizeIs(1));
}

TEST_F(probing_test, without_an_address_nobody_is_probed) {
  configure(1, 2);
  targets[0].addresses = 0;
  plan.adopt(settings, targets);
  wait_ms(100'000);
  EXPECT_THAT(probes, IsEmpty());
  EXPECT_THAT(changes, IsEmpty());
}

// Of several addresses one that answers will do, whatever the others say.
TEST_F(probing_test, a_failure_of_several_addresses_counts_when_none_has_answered_well) {
  configure(1, 2);
  targets[0].addresses = 2;
  plan.adopt(settings, targets);
  answer(503);
  EXPECT_THAT(changes, IsEmpty());
  const sent asked = probes.back();
  EXPECT_EQ(next_probe().number, asked.number) << "a repetition, for the other address";
  plan.on_answer(asked.index, asked.number, 200, 1);
  wait_ms(settings.timeout_ms);
  EXPECT_THAT(changes, IsEmpty());

  answer(503);
  wait_ms(settings.timeout_ms - 1'000);
  EXPECT_THAT(changes, IsEmpty());
  wait_ms(1'100);
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_FALSE(changes[0].enabled);
  EXPECT_EQ(changes[0].status, 503);

  answer(200);
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_TRUE(changes[1].enabled);
  const sent last = next_probe();
  wait_ms(settings.timeout_ms + 100);
  ASSERT_THAT(changes, SizeIs(3));
  EXPECT_EQ(changes[2].status, 0) << "nobody has answered " << last.number;
}

TEST_F(probing_test, a_reload_keeps_what_is_known) {
  settings.failures_to_disable = 2;
  configure(2, 2);
  answer(503);
  const std::uint32_t id = probes.back().index - 100;
  configure(2, 2);
  EXPECT_EQ(plan.round_trip_us(id), 1234u);
  answer(200);
  answer(503);
  EXPECT_THAT(changes, SizeIs(1)) << "the failure before the reload counts";
  targets[id - 1].uri = "sip:192.0.2.99";
  plan.adopt(settings, targets);
  EXPECT_EQ(plan.round_trip_us(id), std::nullopt) << "another box";
}

// Each of them once in an interval, never more than its share in one tick.
TEST_F(probing_test, ten_thousand_destinations_without_a_burst) {
  constexpr std::size_t n = 10'000;
  configure(n, 2);
  const std::size_t share = (n + plan.slots() - 1) / plan.slots();
  std::map<destination_index, int> times;
  std::size_t most = 0;
  for (std::uint64_t tick = 0; tick < 3 * plan.slots(); ++tick, now += tick_us) {
    const std::size_t before = probes.size();
    plan.advance(now);
    most = std::max(most, probes.size() - before);
    for (std::size_t i = before; i < probes.size(); ++i) {
      ++times[probes[i].index];
      plan.on_answer(probes[i].index, probes[i].number, 200, 1);
    }
  }
  EXPECT_EQ(share, 17u);
  EXPECT_EQ(most, share);
  EXPECT_THAT(times, SizeIs(n));
  for (const auto& [index, count] : times)
    ASSERT_EQ(count, 3) << index;
  EXPECT_THAT(changes, IsEmpty());
}

// Nobody answers, and the control thread is away for ten seconds: still no burst.
TEST_F(probing_test, ten_thousand_dead_destinations_and_a_stalled_thread) {
  constexpr std::size_t n = 10'000;
  configure(n, 2);
  const std::size_t share = (n + plan.slots() - 1) / plan.slots();
  std::size_t most = 0;
  for (int tick = 0; tick < 1000; ++tick, now += tick_us) {
    if (tick == 300) now += 10'000'000;
    if (tick == 600) now += 2'000'000;
    const std::size_t before = probes.size();
    plan.advance(now);
    most = std::max(most, probes.size() - before);
  }
  EXPECT_LE(most, 5 * share);
  EXPECT_THAT(changes, ::testing::Not(IsEmpty()));
}

TEST_F(probing_test, few_destinations_stand_far_apart) {
  configure(3, 2);
  wait_ms(30'000);
  std::vector<time_us> firsts;
  for (const sent& s : probes)
    if (std::ranges::none_of(probes,
                             [&](const sent& o) { return o.index == s.index && o.at < s.at; }))
      firsts.push_back(s.at);
  ASSERT_THAT(firsts, SizeIs(3));
  EXPECT_GT(firsts[1] - firsts[0], 9'000'000u);
  EXPECT_GT(firsts[2] - firsts[1], 9'000'000u);
}

} // namespace
} // namespace linehunt::probing::probing_test
