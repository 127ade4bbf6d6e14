// SPDX-License-Identifier: Apache-2.0
// When a worker lets new calls go, and what it takes for one.
#include "dataplane/dpdk/overload_guard.h"

#include <gtest/gtest.h>
#include <string>

namespace linehunt::dpdk {
namespace {

constexpr time_us step = 100;

// Loops that find more waiting, for so long, and much more where they look; whether it sheds then.
bool behind_for(overload_guard& g, time_us& now, time_us how_long, bool deep = true) {
  for (const time_us until = now + how_long; now < until; now += step)
    if (g.note(true, now)) g.note_depth(deep);
  return g.shedding();
}

void idle_for(overload_guard& g, time_us& now, time_us how_long) {
  for (const time_us until = now + how_long; now < until; now += step)
    EXPECT_FALSE(g.note(false, now)) << "nothing waits, so there is nothing to look at";
}

TEST(overload_guard, is_patient_with_a_backlog_that_is_worked_off) {
  overload_guard g;
  time_us now = 1;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(behind_for(g, now, overload_guard::patience_us)) << i;
    idle_for(g, now, overload_guard::patience_us);
  }
}

TEST(overload_guard, full_bursts_that_end_soon_are_no_backlog) {
  overload_guard g;
  time_us now = 1;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(behind_for(g, now, overload_guard::backlog_us)) << i;
    idle_for(g, now, 2 * step);
  }
}

TEST(overload_guard, is_never_in_the_way_of_one_who_is_busy_but_keeps_up) {
  overload_guard g;
  time_us now = 1;
  EXPECT_FALSE(behind_for(g, now, 100 * overload_guard::patience_us, false));
  // A backlog that was, and is no more though the bursts are still full.
  EXPECT_TRUE(behind_for(g, now, 2 * overload_guard::patience_us));
  EXPECT_FALSE(behind_for(g, now, 2 * overload_guard::backlog_us, false));
}

TEST(overload_guard, looks_once_in_a_while_at_how_much_waits) {
  overload_guard g;
  unsigned looks = 0;
  (void)g.note(false, 1000);
  for (time_us now = 1000 + step; now <= 1000 + 10 * overload_guard::backlog_us; now += step) {
    if (!g.note(true, now)) continue;
    g.note_depth(now % 2 == 0);
    ++looks;
  }
  EXPECT_EQ(looks, 9u) << "each a step and backlog_us after the one before";
}

// A millisecond would be more than it holds.
TEST(overload_guard, looks_at_a_short_queue_in_time) {
  overload_guard g(1024);
  EXPECT_FALSE(g.note(false, 1000));
  EXPECT_FALSE(g.note(true, 1000 + 255));
  EXPECT_TRUE(g.note(true, 1000 + 256));
  EXPECT_EQ(overload_guard::deep_of(1024), 256u);
  EXPECT_EQ(overload_guard::deep_of(4096), overload_guard::deep_packets);
  overload_guard longest(1'000'000);
  EXPECT_FALSE(longest.note(false, 1000));
  EXPECT_FALSE(longest.note(true, 1000 + overload_guard::backlog_us - 1));
  EXPECT_TRUE(longest.note(true, 1000 + overload_guard::backlog_us));
}

TEST(overload_guard, takes_one_short_burst_for_the_edge_of_what_was_fetched) {
  overload_guard g;
  time_us now = 1;
  for (int i = 0; i < 1000; ++i) {
    (void)behind_for(g, now, 3 * step);
    idle_for(g, now, step);
  }
  EXPECT_TRUE(g.shedding());
  idle_for(g, now, step);
  EXPECT_FALSE(g.shedding());
}

TEST(overload_guard, does_not_count_the_work_on_what_it_looked_at) {
  overload_guard g;
  time_us now = 1;
  (void)g.note(false, now);
  (void)g.note(false, now);
  now += overload_guard::backlog_us;
  ASSERT_TRUE(g.note(true, now));
  g.note_depth(true);
  now += 3 * overload_guard::backlog_us;
  EXPECT_FALSE(g.note(true, now));
  EXPECT_TRUE(g.note(true, now + overload_guard::backlog_us));
}

TEST(overload_guard, is_patient_with_a_core_that_was_taken_away) {
  overload_guard g;
  time_us now = 1;
  for (int i = 0; i < 100; ++i) {
    now += 4 * overload_guard::patience_us;
    EXPECT_FALSE(behind_for(g, now, 20 * overload_guard::backlog_us)) << i;
    idle_for(g, now, 20 * overload_guard::backlog_us);
  }
}

TEST(overload_guard, sheds_until_nothing_waits_and_is_quick_the_next_time) {
  overload_guard g;
  time_us now = 1;
  EXPECT_FALSE(behind_for(g, now, overload_guard::patience_us));
  EXPECT_TRUE(behind_for(g, now, 10 * overload_guard::patience_us));
  for (int i = 0; i < 100; ++i) {
    idle_for(g, now, 2 * step);
    EXPECT_FALSE(g.shedding());
    EXPECT_FALSE(behind_for(g, now, overload_guard::backlog_us - step));
    EXPECT_TRUE(behind_for(g, now, 10 * overload_guard::backlog_us)) << i;
  }
  // A backlog half of the time or less is no overload any more.
  idle_for(g, now, overload_guard::most_us);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(behind_for(g, now, 10 * overload_guard::backlog_us)) << i;
    idle_for(g, now, 10 * overload_guard::backlog_us);
  }
}

std::string invite(const std::string& to, const std::string& method = "INVITE") {
  return method +
         " sip:123@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n"
         "From: <sip:a@b>;tag=1\r\n" +
         to + "Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
}

TEST(overload_guard, knows_a_new_call) {
  EXPECT_TRUE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n")));
  EXPECT_TRUE(is_new_call(invite("t:sip:123@192.0.2.1\r\n")));
  EXPECT_TRUE(is_new_call(invite("TO \t: \"tag\" <sip:123@192.0.2.1;stage=2>\r\n")));
  EXPECT_TRUE(is_new_call(invite("Timestamp: 1;tag=2\r\nTo: <sip:123@192.0.2.1>\r\n")));
}

TEST(overload_guard, lets_nothing_go_that_may_be_of_a_call) {
  EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>;tag=7\r\n")));
  EXPECT_FALSE(is_new_call(invite("t: <sip:123@192.0.2.1> ; TAG = 7\r\n")));
  EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n ;tag=7\r\n")));
  EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n ;tag\r\n =7\r\n")));
  EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n \r\n ;tag=7\r\n")));
  EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n\t;tag=7\r\n")));
  EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n\t;tag\r\n\t=7\r\n")));
  EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n\t\r\n\t;tag=7\r\n")));
  EXPECT_FALSE(is_new_call(invite("")));
  for (const char* const method : {"ACK", "BYE", "CANCEL", "OPTIONS", "INVITED", "invite"})
    EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n", method))) << method;
  const std::string to = "To: <sip:123@192.0.2.1>\r\n";
  const std::string up_to_to = invite(to).substr(0, invite(to).find(to) + to.size());
  EXPECT_FALSE(is_new_call(up_to_to)) << "a fold may follow";
  EXPECT_FALSE(is_new_call(up_to_to + " \r\n")) << "another fold may follow";
  EXPECT_FALSE(is_new_call(up_to_to + "\t\r\n")) << "another fold may follow";
  for (const char* const begun : {" ", "\t", " \r\n\t", "\t\r\n "})
    EXPECT_FALSE(is_new_call(up_to_to + begun)) << "a fold has begun";
  EXPECT_TRUE(is_new_call(up_to_to + "C"));
  const std::string whole = invite("To: <sip:123@192.0.2.1>;tag=7\r\n");
  for (std::size_t len = 0; len <= whole.size(); ++len)
    EXPECT_FALSE(is_new_call(std::string_view(whole).substr(0, len))) << len;
}

} // namespace
} // namespace linehunt::dpdk
