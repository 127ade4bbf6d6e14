// SPDX-License-Identifier: Apache-2.0
// The fuzzer's seeds and everything that it ever found, once more in the normal build.
#include "tests/fuzz/message_invariants.h"
#include "tests/fuzz/rules_invariants.h"

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
    EXPECT_EQ(violated_rules_invariant(bytes), "") << entry.path();
    ++count;
  }
  return count;
}

const fs::path here = fs::path{LINEHUNT_SOURCE_ROOT} / "tests/fuzz";

TEST(FuzzReplay, Seeds) {
  EXPECT_GE(replay(here / "seeds/fuzz_message"), 80);
}

TEST(FuzzReplay, Crashes) {
  EXPECT_GE(replay(here / "crashes/fuzz_message"), 6);
  EXPECT_GE(replay(here / "crashes/fuzz_rules"), 1);
}

} // namespace
} // namespace linehunt::sip
