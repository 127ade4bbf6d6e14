// SPDX-License-Identifier: Apache-2.0
// Pauses that destinations asked for, against a clock of the test.
#include "control/daemon/pauses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::pauses_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr pauses::clock::time_point start{seconds(100)};

destination numbered(std::uint32_t id) {
  destination d;
  d.id = id;
  d.group = 1;
  d.uri = "sip:192.0.2." + std::to_string(id);
  return d;
}

TEST(pauses, are_counted_down_and_told_once_that_they_are_over) {
  pauses all;
  EXPECT_TRUE(all.add(numbered(4), start + seconds(600)));
  EXPECT_TRUE(all.add(numbered(2), start + seconds(5)));
  EXPECT_EQ(all.left_s(4, start), 600u);
  EXPECT_EQ(all.left_s(4, start + milliseconds(1500)), 599u);
  EXPECT_EQ(all.left_s(1, start), 0u);
  EXPECT_THAT(all.take_over(start + milliseconds(4999)), IsEmpty());
  EXPECT_EQ(all.left_s(2, start + seconds(5)), 0u);
  EXPECT_THAT(all.take_over(start + seconds(5)), ElementsAre(2));
  EXPECT_THAT(all.take_over(start + seconds(6)), IsEmpty());
  EXPECT_EQ(all.left_s(4, start + seconds(6)), 594u);
}

TEST(pauses, of_one_that_pauses_already_go_on_until_the_later_of_both) {
  pauses all;
  EXPECT_TRUE(all.add(numbered(4), start + seconds(10)));
  EXPECT_FALSE(all.add(numbered(4), start + seconds(20)));
  EXPECT_EQ(all.left_s(4, start), 20u);
  EXPECT_FALSE(all.add(numbered(4), start + seconds(5)));
  EXPECT_EQ(all.left_s(4, start), 20u);
  EXPECT_TRUE(all.erase(4));
  EXPECT_FALSE(all.erase(4));
  EXPECT_EQ(all.left_s(4, start), 0u);
  EXPECT_TRUE(all.add(numbered(4), start + seconds(20)));
}

TEST(pauses, end_for_those_that_a_reload_has_made_others) {
  pauses all;
  for (std::uint32_t id = 1; id <= 4; ++id)
    EXPECT_TRUE(all.add(numbered(id), start + seconds(10)));
  std::vector<destination> configured{numbered(1), numbered(2), numbered(3), numbered(5)};
  configured[1].uri = "sip:192.0.2.99";
  configured[2].group = 7;
  EXPECT_THAT(all.keep_of(configured), ElementsAre(2, 3, 4));
  EXPECT_EQ(all.left_s(1, start), 10u);
  for (std::uint32_t id = 2; id <= 5; ++id)
    EXPECT_EQ(all.left_s(id, start), 0u) << id;
  EXPECT_TRUE(all.add(configured[1], start + seconds(5)));
  EXPECT_THAT(all.keep_of(configured), IsEmpty());
}

} // namespace
} // namespace linehunt::pauses_test
