// SPDX-License-Identifier: Apache-2.0
// The fuzzer's seeds and everything that it ever found, once more in the normal build.
#include "tests/fuzz/message_invariants.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace linehunt::sip {
namespace {

namespace fs = std::filesystem;

int replay(const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator{folder}) {
    std::ifstream in{entry.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_EQ(violated_invariant(bytes), "") << entry.path();
    ++count;
  }
  return count;
}

TEST(FuzzReplay, Seeds) {
  EXPECT_GE(replay(fs::path{LINEHUNT_SOURCE_ROOT} / "tests/fuzz/seeds"), 40);
}

TEST(FuzzReplay, Crashes) {
  const auto folder = fs::path{LINEHUNT_SOURCE_ROOT} / "tests/fuzz/crashes";
  if (!fs::exists(folder)) GTEST_SKIP() << "no crash was ever found";
  EXPECT_GT(replay(folder), 0);
}

} // namespace
} // namespace linehunt::sip
