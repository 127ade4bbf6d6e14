// SPDX-License-Identifier: Apache-2.0
// The seeds of the admin fuzzer and everything that it ever found, once more in the normal build.
#include "tests/fuzz/admin_invariants.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

namespace linehunt {
namespace {

namespace fs = std::filesystem;

int replay(const fs::path& folder) {
  int count = 0;
  if (!fs::exists(folder)) return count;
  for (const auto& entry : fs::directory_iterator{folder}) {
    std::ifstream in{entry.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_EQ(violated_admin_invariant(bytes), "") << entry.path();
    ++count;
  }
  return count;
}

TEST(AdminReplay, SeedsAndCrashes) {
  const fs::path here = fs::path{LINEHUNT_SOURCE_ROOT} / "tests/fuzz";
  EXPECT_GE(replay(here / "seeds/fuzz_admin"), 40);
  (void)replay(here / "crashes/fuzz_admin");
}

} // namespace
} // namespace linehunt
