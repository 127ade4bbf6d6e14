// SPDX-License-Identifier: Apache-2.0
// Pauses that destinations asked for, against a clock of the test.
#include "control/daemon/pauses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr pauses::clock::time_point start{seconds(100)};

TEST(pauses, are_counted_down_and_told_once_that_they_are_over) {
  pauses all;
  EXPECT_TRUE(all.add(4, start + seconds(600)));
  EXPECT_TRUE(all.add(2, start + seconds(5)));
  EXPECT_EQ(all.left_s(4, start), 600u);
  EXPECT_EQ(all.left_s(4, start + milliseconds(1500)), 599u);
  EXPECT_EQ(all.left_s(1, start), 0u);
  EXPECT_THAT(all.take_over(start + milliseconds(4999)), IsEmpty());
  EXPECT_EQ(all.left_s(2, start + seconds(5)), 0u);
  EXPECT_THAT(all.take_over(start + seconds(5)), ElementsAre(2));
  EXPECT_THAT(all.take_over(start + seconds(6)), IsEmpty());
  EXPECT_EQ(all.left_s(4, start + seconds(6)), 594u);
}

TEST(pauses, of_one_that_pauses_already_stay_as_they_are) {
  pauses all;
  EXPECT_TRUE(all.add(4, start + seconds(10)));
  EXPECT_FALSE(all.add(4, start + seconds(20)));
  EXPECT_EQ(all.left_s(4, start), 10u);
  EXPECT_TRUE(all.erase(4));
  EXPECT_FALSE(all.erase(4));
  EXPECT_EQ(all.left_s(4, start), 0u);
  EXPECT_TRUE(all.add(4, start + seconds(20)));
}

} // namespace
} // namespace linehunt
