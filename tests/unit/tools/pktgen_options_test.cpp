// SPDX-License-Identifier: Apache-2.0
// What the command line takes, and what it refuses with a message that says what to do.
#include "tools/pktgen/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::pktgen::pktgen_options_test {
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
  EXPECT_EQ(got->load.deadline_s, 1);
}

TEST(pktgen_options, a_total_goes_with_one_step_and_more_calls_than_are_held) {
  EXPECT_THAT(refusal({"--search", "10:100", "--total", "50"}), HasSubstr("--seconds"));
  EXPECT_THAT(refusal({"--sweep", "10:100:3", "--total", "50"}), HasSubstr("--seconds"));
  EXPECT_THAT(refusal({"--rate", "10", "--held", "50", "--total", "50"}),
              HasSubstr("--total must be above --held"));
  EXPECT_TRUE(read({"--rate", "10", "--held", "50", "--total", "51"}));
}

TEST(pktgen_options, numbers_that_make_no_sense_are_refused) {
  const std::vector<std::pair<words, const char*>> cases{
      {{"--search", "10:100", "--resolution", "0"}, "--resolution must lie from"},
      {{"--search", "10:100", "--resolution", "-1"}, "--resolution must lie from"},
      {{"--search", "10:100", "--resolution", "nan"}, "--resolution must lie from"},
      {{"--search", "10:100", "--seconds", "0"}, "--seconds 0 has no end"},
      {{"--search", "10:100", "--seconds", "-3"}, "--seconds must lie from"},
      {{"--search", "10:inf"}, "is not FROM:HIGHEST"},
      {{"--sweep", "10:100:3", "--seconds", "0"}, "--seconds 0 has no end"},
      {{"--sweep", "1:100:1e12"}, "the number of steps of --sweep must lie from 1 to 10000"},
      {{"--sweep", "1:1e12:3"}, "a rate must lie from"},
      {{"--ramp", "10:100:0"}, "--ramp takes some seconds"},
      {{"--ramp", "0:0:10"}, "--ramp takes some seconds"},
      {{"--rate", "inf"}, "--rate must lie from"},
      {{"--rate", "nan"}, "--rate must lie from"},
      {{"--rate", "10", "--warm-up", "-1"}, "--warm-up must lie from"},
      {{"--rate", "10", "--warm-up", "nan"}, "--warm-up must lie from"},
      {{"--rate", "10", "--fill-rate", "nan"}, "--fill-rate must lie from"},
      {{"--rate", "10", "--patience", "inf"}, "--patience must lie from"},
      {{"--rate", "10", "--watch", "1", "--backlog-factor", "nan"},
       "--backlog-factor must lie from"},
      {{"--rate", "1", "--hold", "5000000"}, "--hold must lie from"},
      {{"--rate", "1", "--hold", "nan"}, "is not SECONDS"},
      {{"--rate", "1", "--descriptors", "70000"}, "--descriptors"},
      {{"--rate", "1", "--descriptors", "0"}, "--descriptors"},
  };
  for (const auto& [line, says] : cases)
    EXPECT_THAT(refusal(line), HasSubstr(says)) << line[1] << " " << line.back();
}

TEST(pktgen_options, what_would_do_nothing_or_something_else_is_refused) {
  const std::vector<std::pair<words, const char*>> cases{
      {{}, "one of --rate, "},
      {{"--rate", "10", "--at-once", "5"}, "one of --rate, "},
      {{"--rate", "0"}, "--rate must be above 0"},
      {{"--at-once", "0"}, "--at-once must be above 0"},
      {{"--at-once", "100", "--held", "5000"}, "--at-once must be above --held"},
      {{"--ramp", "10:100:5", "--seconds", "9"}, "leave out --seconds"},
      {{"--sweep", "10:20:2.5"}, "must be a whole one"},
      {{"--rate", "10", "--tries", "2"}, "are of --search"},
      {{"--sweep", "10:20:3", "--resolution", "0.1"}, "are of --search"},
      {{"--rate", "10", "--fill-rate", "5"}, "say --held as well"},
      {{"--rate", "10", "--raw", "--held", "5"}, "--raw holds no calls"},
      {{"--rate", "10", "--backlog-factor", "3"}, "say --watch as well"},
  };
  for (const auto& [line, says] : cases)
    EXPECT_THAT(refusal(line), HasSubstr(says)) << testing::PrintToString(line);
  const auto got = read({"--search", "10:100", "--tries", "3", "--resolution", "0.1", "--seconds",
                         "4", "--held", "7", "--fill-rate", "5"});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->load.tries, 3u);
  EXPECT_EQ(got->load.resolution, 0.1);
  EXPECT_EQ(got->load.seconds, 4);
  EXPECT_EQ(got->load.fill_rate, 5);
  EXPECT_TRUE(read({"--at-once", "5001", "--held", "5000"}));
  const auto watching = read({"--rate", "10", "--watch", "1", "--backlog-factor", "3"});
  ASSERT_TRUE(watching);
  EXPECT_EQ(watching->backlog_factor, 3);
}

TEST(pktgen_options, a_result_that_cannot_be_written_is_noticed_before_the_run) {
  EXPECT_THAT(refusal({"--rate", "1", "--json", "/no/such/folder/result.json"}),
              HasSubstr("does its folder exist"));
}

TEST(pktgen_options, no_address_is_given_twice) {
  EXPECT_THAT(refusal({"--rate", "1", "--destination", "10.9.0.21:5060=vm"}),
              HasSubstr("10.9.0.21:5060 is given twice"));
  EXPECT_THAT(refusal({"--rate", "1", "--destination", "10.9.0.21:5050-5070=vm"}),
              HasSubstr("10.9.0.21:5060 is given twice"));
  EXPECT_THAT(refusal({"--rate", "1", "--caller", "10.9.0.10:5060"}), HasSubstr("is given twice"));
  EXPECT_THAT(refusal({"--rate", "1", "--caller", "10.9.0.21:5060"}), HasSubstr("is given twice"));
}

} // namespace
} // namespace linehunt::pktgen::pktgen_options_test
