// SPDX-License-Identifier: Apache-2.0
// Scripts for the engine in the normal build: what the fuzzer found, and random ones.
#include "tests/fuzz/engine_seeds.h"

#include <cstdlib>
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

const fs::path seeds = fs::path{LINEHUNT_SOURCE_ROOT} / "tests/fuzz/seeds/fuzz_engine";

TEST(engine_script, seeds_reach_what_they_are_for) {
  for (const engine_seed& seed : engine_seeds()) {
    const script_result result = run_engine_script(seed.script);
    EXPECT_EQ(result.violated, "") << seed.name;
    EXPECT_TRUE(seed.reaches(result))
        << seed.name << ": started " << result.calls_started << ", answered "
        << result.calls_answered << ", failovers " << result.failovers;
  }
}

TEST(engine_script, seed_files_are_those_of_the_generator) {
  const bool renew = std::getenv("LINEHUNT_WRITE_SEEDS") != nullptr;
  std::size_t files = 0;
  for (const engine_seed& seed : engine_seeds()) {
    ++files;
    if (renew) std::ofstream{seeds / seed.name, std::ios::binary} << seed.script;
    std::ifstream in{seeds / seed.name, std::ios::binary};
    const std::string kept{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_EQ(kept, seed.script) << seed.name
                                 << " is out of date; run this with LINEHUNT_WRITE_SEEDS=1";
  }
  const auto there = std::distance(fs::directory_iterator{seeds}, fs::directory_iterator{});
  EXPECT_EQ(static_cast<std::size_t>(there), files) << "a file that no seed is named after";
}

// The files of the fuzzer, what it has found (nothing so far) among them.
TEST(engine_script, kept_files_violate_nothing) {
  std::size_t files = 0;
  for (const char* folder : {"tests/fuzz/seeds/fuzz_engine", "tests/fuzz/crashes/fuzz_engine"}) {
    const fs::path kept = fs::path{LINEHUNT_SOURCE_ROOT} / folder;
    if (!fs::exists(kept)) continue;
    for (const auto& entry : fs::directory_iterator{kept}) {
      ++files;
      std::ifstream in{entry.path(), std::ios::binary};
      const std::string script{std::istreambuf_iterator<char>{in}, {}};
      EXPECT_EQ(run_engine_script(script).violated, "") << entry.path();
    }
  }
  EXPECT_GE(files, engine_seeds().size());
}

} // namespace
} // namespace linehunt::fuzz
