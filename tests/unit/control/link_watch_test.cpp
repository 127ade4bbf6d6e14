// SPDX-License-Identifier: Apache-2.0
// When silence says something: links that go up and down, against a clock of the test.
#include "control/daemon/link_watch.h"

#include <gtest/gtest.h>

namespace linehunt::link_watch_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr link_watch::clock::time_point start{seconds(100)};

TEST(link_watch, a_link_is_up_until_it_is_seen_down) {
  link_watch links;
  EXPECT_TRUE(links.up_for(3, seconds(5), start)) << "of a port that nobody has looked at";
  EXPECT_FALSE(links.note(1, true, start));
  EXPECT_TRUE(links.note(1, false, start + seconds(1)));
  EXPECT_FALSE(links.note(1, false, start + seconds(2))) << "told once";
  EXPECT_FALSE(links.up_for(1, milliseconds(0), start + seconds(60)));
  EXPECT_TRUE(links.up_for(0, seconds(5), start + seconds(2))) << "another port";
  EXPECT_TRUE(links.note(1, true, start + seconds(3)));
}

TEST(link_watch, who_was_asked_while_it_was_down_may_have_answered) {
  link_watch links;
  (void)links.note(0, false, start);
  (void)links.note(0, true, start + milliseconds(500));
  const auto usable_after = seconds(5) + link_watch::between_looks;
  EXPECT_FALSE(links.up_for(0, seconds(5), start + usable_after));
  EXPECT_TRUE(links.up_for(0, seconds(5), start + usable_after + milliseconds(1)));
  EXPECT_TRUE(links.up_for(0, seconds(1), start + seconds(4))) << "a shorter wait";
}

} // namespace
} // namespace linehunt::link_watch_test
