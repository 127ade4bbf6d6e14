// SPDX-License-Identifier: Apache-2.0
// Which windows of time count as undisturbed, and where the waits of threads come from.
#include "tools/pktgen/disturbances.h"
#include "tools/pktgen/tally.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace linehunt::pktgen::pktgen_disturbances_test {
namespace {

constexpr time_ns ms = 1'000'000;

TEST(pktgen_disturbances, without_a_wait_all_windows_but_the_first_are_calm) {
  calm_windows w;
  EXPECT_TRUE(w.is_due(5 * ms));
  EXPECT_FALSE(w.end(5 * ms));
  EXPECT_FALSE(w.is_due(6 * ms - 1));
  EXPECT_TRUE(w.is_due(6 * ms));
  EXPECT_TRUE(w.end(6 * ms));
  EXPECT_TRUE(w.end(7 * ms));
}

TEST(pktgen_disturbances, a_wait_spoils_its_window_and_those_in_which_the_backlog_drains) {
  calm_windows w(5);
  (void)w.end(10 * ms);
  EXPECT_TRUE(w.end(11 * ms));
  w.note_wait(12 * ms, ms / 2); // drained at 14.5 ms
  EXPECT_FALSE(w.end(12 * ms));
  EXPECT_FALSE(w.end(13 * ms));
  EXPECT_FALSE(w.end(14 * ms));
  EXPECT_FALSE(w.end(15 * ms)); // began at 14 ms
  EXPECT_TRUE(w.end(16 * ms));
}

TEST(pktgen_disturbances, a_shorter_wait_does_not_shorten_a_longer_one) {
  calm_windows w(1);
  (void)w.end(10 * ms);
  w.note_wait(11 * ms, 3 * ms);
  w.note_wait(11 * ms, ms / 10);
  w.note_wait(11 * ms, 0);
  EXPECT_FALSE(w.end(11 * ms));
  EXPECT_FALSE(w.end(12 * ms));
  EXPECT_FALSE(w.end(14 * ms));
  EXPECT_FALSE(w.end(15 * ms)); // it began at the moment in which the backlog was gone
  EXPECT_TRUE(w.end(16 * ms));
}

TEST(pktgen_disturbances, a_long_turn_of_the_loop_is_a_wait) {
  calm_windows w(1);
  (void)w.end(10 * ms);
  w.note_turn(ms * 21 / 2, calm_windows::longest_turn_ns);
  EXPECT_TRUE(w.end(11 * ms));
  w.note_turn(ms * 23 / 2, calm_windows::longest_turn_ns + 1);
  EXPECT_FALSE(w.end(12 * ms));
}

TEST(pktgen_disturbances, reads_what_the_kernel_says) {
  EXPECT_EQ(disturbances::wait_in("123 4567 89\n"), 4567u);
  EXPECT_EQ(disturbances::wait_in("123 4567"), 4567u);
  for (const char* const wrong : {"", "123", "123\n4567", "x 1 2", "1 x 2", "-1 5 2"})
    EXPECT_EQ(disturbances::wait_in(wrong), 0u) << wrong;
}

TEST(pktgen_disturbances, watches_threads_that_are_there) {
  disturbances none, some;
  EXPECT_NE(none.watch({0x3ffffff}, 5), "");
  EXPECT_EQ(some.watch({gettid()}, 5), "");
  EXPECT_TRUE(some.watching());
  bool calm = true;
  std::uint64_t late = 0;
  EXPECT_TRUE(some.window_over(ms, 0, calm, late));
  EXPECT_FALSE(calm); // the first one
  EXPECT_EQ(late, 0u) << "no window before it was calm";
  EXPECT_FALSE(some.window_over(ms + 1, 0, calm, late));
  EXPECT_TRUE(some.window_over(2 * ms, 0, calm, late));
}

TEST(pktgen_disturbances, only_calm_windows_add_to_the_calm_latencies) {
  const auto t = std::make_unique<tally>();
  t->window_latency.add(100);
  t->end_window(true, 0);
  t->window_latency.add(5000);
  t->window_latency.add(6000);
  t->end_window(false, 0);
  t->window_latency.add(120);
  t->end_window(true, 0);
  EXPECT_EQ(t->calm_latency.count(), 2u);
  EXPECT_EQ(t->calm_latency.most_ns(), 120u);
  EXPECT_EQ(t->windows, 3u);
  EXPECT_EQ(t->disturbed_windows, 1u);
  // A wait that was told when it was over; it can have disturbed only windows that there were.
  t->end_window(false, 1);
  EXPECT_EQ(t->disturbed_windows, 3u);
  t->end_window(false, 100);
  EXPECT_EQ(t->disturbed_windows, t->windows);
}

} // namespace
} // namespace linehunt::pktgen::pktgen_disturbances_test
