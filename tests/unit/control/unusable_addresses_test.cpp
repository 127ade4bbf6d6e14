// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/unusable_addresses.h"

#include <gtest/gtest.h>

namespace linehunt::unusable_addresses_test {
namespace {

const endpoint loop{*parse_ip("127.0.0.1"), 5060}, many{*parse_ip("224.0.0.1"), 5060};

TEST(unusable_addresses, each_is_news_once) {
  unusable_addresses all;
  EXPECT_TRUE(all.add("a.test", many));
  EXPECT_FALSE(all.add("a.test", many)) << "another destination of that name";
  EXPECT_TRUE(all.add("b.test", many)) << "another name";
  for (int snapshot = 0; snapshot < 3; ++snapshot) {
    all.keep();
    EXPECT_FALSE(all.add("a.test", many));
    EXPECT_FALSE(all.add("b.test", many));
  }
}

TEST(unusable_addresses, one_that_changes_is_news) {
  unusable_addresses all;
  EXPECT_TRUE(all.add("a.test", many));
  all.keep();
  EXPECT_TRUE(all.add("a.test", loop));
  EXPECT_FALSE(all.add("a.test", many)) << "it has both now";
  all.keep();
  EXPECT_FALSE(all.add("a.test", loop));
  all.keep();
  EXPECT_TRUE(all.add("a.test", many)) << "it was gone meanwhile";
}

// A snapshot that could not be built is none, and says nothing new either.
TEST(unusable_addresses, what_is_not_published_changes_nothing) {
  unusable_addresses all;
  EXPECT_TRUE(all.add("a.test", many));
  EXPECT_FALSE(all.add("a.test", many));
  all.keep();
  EXPECT_FALSE(all.add("a.test", many));
  EXPECT_FALSE(all.add("a.test", many));
  all.keep();
  all.keep();
  EXPECT_TRUE(all.add("a.test", many)) << "no destination had that name any more";
}

} // namespace
} // namespace linehunt::unusable_addresses_test
