// SPDX-License-Identifier: Apache-2.0
// What the command line takes, and what it refuses with a message that says what to do.
#include "tools/pktgen/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::pktgen {
namespace {

using testing::HasSubstr;
using words = std::vector<std::string>;

tl::expected<options, int> read(words more) {
  words all{"linehunt-pktgen", "--target", "10.9.0.1:5060", "--caller",         "10.9.0.10:5060",
            "--call",          "vm=VM_##", "--destination", "10.9.0.21:5060=vm"};
  all.insert(all.end(), more.begin(), more.end());
  std::vector<char*> argv;
  for (std::string& w : all)
    argv.push_back(w.data());
  return read_options(static_cast<int>(argv.size()), argv.data());
}

// What is said of words that are a wrong usage.
std::string refusal(words more) {
  testing::internal::CaptureStderr();
  const auto got = read(std::move(more));
  std::string said = testing::internal::GetCapturedStderr();
  if (got) return "was taken";
  EXPECT_EQ(got.error(), 2);
  return said;
}

TEST(pktgen_options, takes_a_usual_line) {
  const auto got = read({"--rate", "1000", "--held", "5000", "--seconds", "3"});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->load.rate, 1000);
  EXPECT_EQ(got->load.held, 5000u);
  EXPECT_EQ(got->load.seconds, 3);
  EXPECT_GT(got->calls.max_calls, 6000u);
}

TEST(pktgen_options, a_total_goes_with_one_step_and_more_calls_than_are_held) {
  EXPECT_THAT(refusal({"--search", "10:100", "--total", "50"}), HasSubstr("--seconds"));
  EXPECT_THAT(refusal({"--sweep", "10:100:3", "--total", "50"}), HasSubstr("--seconds"));
  EXPECT_THAT(refusal({"--rate", "10", "--held", "50", "--total", "50"}),
              HasSubstr("--total must be above --held"));
  EXPECT_TRUE(read({"--rate", "10", "--held", "50", "--total", "51"}));
}

} // namespace
} // namespace linehunt::pktgen
