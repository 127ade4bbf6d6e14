// SPDX-License-Identifier: Apache-2.0
// Scripts for the engine in the normal build: what the fuzzer found, and random ones.
#include "tests/fuzz/engine_script.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>

namespace linehunt::fuzz {
namespace {

namespace fs = std::filesystem;

TEST(engine_script, random_scripts_violate_nothing) {
  script_result sum;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    std::string script(20 + random() % 600, '\0');
    for (char& byte : script)
      byte = static_cast<char>(random());
    const script_result one = run_engine_script(script);
    ASSERT_EQ(one.violated, "") << "seed " << seed;
    sum.datagrams += one.datagrams;
    sum.calls_started += one.calls_started;
    sum.calls_answered += one.calls_answered;
    sum.failovers += one.failovers;
  }
  std::printf("%lu datagrams, %lu calls, %lu answered, %lu failovers\n", sum.datagrams,
              sum.calls_started, sum.calls_answered, sum.failovers);
  // The scripts reach what they are for.
  EXPECT_GT(sum.calls_started, 100u);
  EXPECT_GT(sum.calls_answered, 20u);
  EXPECT_GT(sum.failovers, 10u);
}

TEST(engine_script, what_was_found_is_mended) {
  const fs::path found = fs::path{LINEHUNT_SOURCE_ROOT} / "tests/fuzz/crashes/fuzz_engine";
  if (!fs::exists(found)) GTEST_SKIP() << "nothing was ever found";
  for (const auto& entry : fs::directory_iterator{found}) {
    std::ifstream in{entry.path(), std::ios::binary};
    const std::string script{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_EQ(run_engine_script(script).violated, "") << entry.path();
  }
}

} // namespace
} // namespace linehunt::fuzz
