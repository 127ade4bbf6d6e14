// SPDX-License-Identifier: Apache-2.0
#include "dataplane/timer_wheel.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace linehunt::timer_wheel_test {
namespace {

constexpr time_us tick = timer_wheel::tick_us;
constexpr time_us second = 1'000'000;

std::vector<std::uint32_t> fired_by(timer_wheel& wheel, time_us now) {
  std::vector<std::uint32_t> fired;
  wheel.advance(now, [&](std::uint32_t id) { fired.push_back(id); });
  return fired;
}

// What a wheel should do, with the standard library's ordered map.
class model {
 public:
  explicit model(std::uint32_t capacity, time_us start) : at_(capacity), ticks_(start / tick) {}
  void arm(std::uint32_t id, time_us at) {
    disarm(id);
    const std::uint64_t due = std::max((at + tick - 1) / tick, ticks_ + 1);
    at_[id] = due;
    timers_.emplace(due, id);
  }
  void disarm(std::uint32_t id) {
    if (!at_[id]) return;
    const auto [from, to] = timers_.equal_range(*at_[id]);
    timers_.erase(std::find_if(from, to, [&](const auto& t) { return t.second == id; }));
    at_[id].reset();
  }
  [[nodiscard]] bool armed(std::uint32_t id) const { return at_[id].has_value(); }
  [[nodiscard]] std::optional<std::uint64_t> first() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first;
  }
  // Called by the wheel's own firing: the timer must be one of the earliest, and due.
  void fire(std::uint32_t id, time_us now) {
    ASSERT_TRUE(armed(id));
    EXPECT_EQ(*at_[id], first());
    EXPECT_LE(*at_[id] * tick, now) << "fired early";
    ticks_ = *at_[id];
    disarm(id);
  }
  void advanced(time_us now) {
    ticks_ = std::max(ticks_, now / tick);
    if (first()) {
      EXPECT_GT(*first(), ticks_) << "a due timer did not fire";
    }
  }

 private:
  std::vector<std::optional<std::uint64_t>> at_;
  std::multimap<std::uint64_t, std::uint32_t> timers_;
  std::uint64_t ticks_;
};

void run_against_model(unsigned seed, time_us start, time_us longest_wait, time_us longest_step) {
  constexpr std::uint32_t capacity = 300;
  std::mt19937_64 random(seed);
  const auto below = [&](time_us bound) { return random() % bound; };
  // Every magnitude alike, so that every level is used.
  const auto wait = [&] {
    return below(below(8) == 0 ? longest_wait : 1 + longest_wait / (1 + below(longest_wait)));
  };
  timer_wheel wheel(capacity, start, heap_memory());
  model expected(capacity, start);
  time_us now = start;
  std::size_t fired = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto id = static_cast<std::uint32_t>(below(capacity));
    switch (below(4)) {
    case 0:
    case 1: {
      const time_us at = below(20) == 0 ? now - std::min(now, wait()) : now + wait();
      wheel.arm(id, at);
      expected.arm(id, at);
      break;
    }
    case 2:
      wheel.disarm(id);
      expected.disarm(id);
      break;
    default:
      now += below(2) ? below(3 * tick) : below(longest_step);
      wheel.advance(now, [&](std::uint32_t due) {
        ++fired;
        EXPECT_FALSE(wheel.armed(due));
        expected.fire(due, now);
        // From within: one armed anew (often into the past), one disarmed.
        const auto other = static_cast<std::uint32_t>(below(capacity));
        if (below(3) == 0) {
          const time_us at = now - std::min(now, below(5 * tick)) + below(5 * tick);
          wheel.arm(due, at);
          expected.arm(due, at);
        }
        if (below(3) == 0) {
          wheel.disarm(other);
          expected.disarm(other);
        }
      });
      expected.advanced(now);
    }
    ASSERT_EQ(wheel.armed(id), expected.armed(id));
    if (expected.first()) {
      ASSERT_LE(wheel.next(), *expected.first() * tick);
      ASSERT_GT(wheel.next(), now / tick * tick);
    } else {
      ASSERT_EQ(wheel.next(), timer_wheel::never);
    }
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed << " step " << step;
  }
  EXPECT_GT(fired, 100u);
}

TEST(timer_wheel, never_early_and_less_than_a_tick_late) {
  timer_wheel wheel(1, 5 * second, heap_memory());
  for (time_us wait : {time_us{1}, tick, tick + 1, 500'000ul, 32 * second, 43'200 * second}) {
    const time_us at = 5 * second + wait;
    timer_wheel fresh(1, 5 * second, heap_memory());
    fresh.arm(0, at);
    EXPECT_TRUE(fired_by(fresh, at - 1).empty()) << wait;
    EXPECT_EQ(fired_by(fresh, at + tick), std::vector<std::uint32_t>{0}) << wait;
    EXPECT_FALSE(fresh.armed(0));
  }
}

TEST(timer_wheel, passed_deadline_fires_in_the_next_tick) {
  timer_wheel wheel(2, 100 * tick, heap_memory());
  wheel.arm(0, 3);
  EXPECT_TRUE(fired_by(wheel, 100 * tick).empty());
  EXPECT_EQ(wheel.next(), 101 * tick);
  EXPECT_EQ(fired_by(wheel, 101 * tick).size(), 1u);
}

TEST(timer_wheel, timer_that_rearms_itself_into_the_past_ends) {
  timer_wheel wheel(1, 0, heap_memory());
  wheel.arm(0, 1);
  int fired = 0;
  wheel.advance(50 * tick, [&](std::uint32_t id) {
    ++fired;
    wheel.arm(id, 0);
  });
  EXPECT_EQ(fired, 50); // once a tick, not for ever
  EXPECT_TRUE(wheel.armed(0));
}

TEST(timer_wheel, rearming_moves_and_equal_ticks_keep_their_order) {
  timer_wheel wheel(4, 0, heap_memory());
  wheel.arm(3, 10 * tick);
  wheel.arm(1, 10 * tick);
  wheel.arm(0, 5 * tick);
  wheel.arm(2, 10 * tick);
  wheel.arm(0, 20 * tick);
  EXPECT_EQ(fired_by(wheel, 30 * tick), (std::vector<std::uint32_t>{3, 1, 2, 0}));
}

TEST(timer_wheel, distant_deadlines_are_kept) {
  timer_wheel wheel(2, 0, heap_memory());
  const time_us ten_years = 10ull * 365 * 86'400 * second;
  wheel.arm(0, ten_years); // past the reach of the last level
  wheel.arm(1, timer_wheel::never);
  EXPECT_TRUE(fired_by(wheel, ten_years - tick).empty());
  EXPECT_EQ(fired_by(wheel, ten_years + tick), std::vector<std::uint32_t>{0});
  EXPECT_TRUE(wheel.armed(1));
}

TEST(timer_wheel, next_leads_to_the_deadline_in_few_steps) {
  timer_wheel wheel(1, 7, heap_memory());
  const time_us at = 86'400 * second;
  wheel.arm(0, at);
  time_us now = 7;
  int steps = 0;
  bool fired = false;
  while (!fired) {
    ASSERT_LT(++steps, 10);
    ASSERT_GT(wheel.next(), now);
    now = wheel.next();
    wheel.advance(now, [&](std::uint32_t) { fired = true; });
  }
  EXPECT_GE(now, at);
  EXPECT_LT(now, at + tick);
  EXPECT_EQ(wheel.next(), timer_wheel::never);
}

// Many timers with one deadline, advanced as a worker would: all fire, none early.
TEST(timer_wheel, crowd_with_one_deadline) {
  constexpr std::uint32_t crowd = 50'000;
  timer_wheel wheel(crowd, 0, heap_memory());
  for (std::uint32_t id = 0; id < crowd; ++id)
    wheel.arm(id, 600 * second + id % 1000 * 1000);
  std::size_t fired = 0;
  for (time_us now = 0; now < 602 * second; now += 700)
    wheel.advance(now, [&](std::uint32_t id) {
      ++fired;
      ASSERT_GE(now, 600 * second + id % 1000 * 1000);
      ASSERT_LT(now, 600 * second + id % 1000 * 1000 + tick + 700);
    });
  EXPECT_EQ(fired, crowd);
}

TEST(timer_wheel, against_ordered_map) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    run_against_model(seed, 0, 500 * tick, 100 * tick);
    run_against_model(seed, 123'456'789'012, 100'000 * second, 10'000 * second);
    run_against_model(seed, seed * 64 * 64 * 64 * tick - 1, 86'400 * second, 3'000 * second);
  }
}

} // namespace
} // namespace linehunt::timer_wheel_test
