// SPDX-License-Identifier: Apache-2.0
// When a worker lets new calls go, and what it takes for one.
#include "dataplane/dpdk/overload_guard.h"

#include <gtest/gtest.h>
#include <string>

namespace linehunt::dpdk {
namespace {

constexpr time_us step = 100;

// Loops that find more waiting, for so long; whether it sheds then.
bool behind_for(overload_guard& g, time_us& now, time_us how_long) {
  for (const time_us until = now + how_long; now < until; now += step)
    g.note(true, now);
  return g.shedding();
}

TEST(overload_guard, is_patient_with_a_burst) {
  overload_guard g;
  time_us now = 1;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(behind_for(g, now, overload_guard::patience_us));
    g.note(false, now); // worked off
  }
}

TEST(overload_guard, sheds_until_nothing_waits_and_is_quick_the_next_time) {
  overload_guard g;
  time_us now = 1;
  EXPECT_TRUE(behind_for(g, now, overload_guard::patience_us + 2 * step));
  g.note(false, now);
  EXPECT_FALSE(g.shedding());
  EXPECT_FALSE(behind_for(g, now, overload_guard::relapse_us));
  EXPECT_TRUE(behind_for(g, now, 2 * step));
  g.note(false, now);
  now += overload_guard::alert_us;
  EXPECT_FALSE(behind_for(g, now, overload_guard::patience_us)) << "that is over";
  EXPECT_TRUE(behind_for(g, now, 2 * step));
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
  EXPECT_FALSE(is_new_call(invite("")));
  for (const char* const method : {"ACK", "BYE", "CANCEL", "OPTIONS", "INVITED", "invite"})
    EXPECT_FALSE(is_new_call(invite("To: <sip:123@192.0.2.1>\r\n", method))) << method;
  const std::string whole = invite("To: <sip:123@192.0.2.1>;tag=7\r\n");
  for (std::size_t len = 0; len <= whole.size(); ++len)
    EXPECT_FALSE(is_new_call(std::string_view(whole).substr(0, len))) << len;
}

} // namespace
} // namespace linehunt::dpdk
