// SPDX-License-Identifier: Apache-2.0
// The fuzzer's seeds and everything that it ever found, once more in the normal build.
#include "tests/fuzz/message_invariants.h"
#include "tests/fuzz/rules_invariants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace linehunt::sip {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

int replay(const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator{folder}) {
    const std::string bytes = bytes_of(entry.path());
    EXPECT_EQ(violated_invariant(bytes), "") << entry.path();
    EXPECT_EQ(violated_rules_invariant(bytes), "") << entry.path();
    ++count;
  }
  return count;
}

const fs::path here = fs::path{LINEHUNT_SOURCE_ROOT} / "tests/fuzz";

TEST(FuzzReplay, Seeds) {
  EXPECT_GE(replay(here / "seeds/fuzz_message"), 80);
  EXPECT_GE(replay(here / "seeds/fuzz_rules"), 3);
}

// Else a rule that always matches, or never, would go unnoticed.
TEST(FuzzReplay, SeedsOfTheRulesGiveEachAnswer) {
  std::vector<bool> yes, no;
  for (const auto& entry : fs::directory_iterator{here / "seeds/fuzz_rules"}) {
    const auto answers = answers_by_plain_code(bytes_of(entry.path()));
    ASSERT_FALSE(answers.empty()) << entry.path();
    yes.resize(answers.size()), no.resize(answers.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i])
        yes[i] = true;
      else
        no[i] = true;
    }
  }
  // The same network always, and no destination.
  EXPECT_EQ(std::count(yes.begin(), yes.end(), false), 1);
  EXPECT_EQ(std::count(no.begin(), no.end(), false), 1);
}

TEST(FuzzReplay, Crashes) {
  EXPECT_GE(replay(here / "crashes/fuzz_message"), 6);
  EXPECT_GE(replay(here / "crashes/fuzz_rules"), 1);
}

} // namespace
} // namespace linehunt::sip
