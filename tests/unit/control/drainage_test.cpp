// SPDX-License-Identifier: Apache-2.0
// Draining, by an operator and before the end, against a clock of the test.
#include "control/daemon/drainage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace linehunt::drainage_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class drainage_test : public ::testing::Test {
 protected:
  bool refusing = false;
  std::uint64_t calls = 0;
  int ended = 0;
  std::vector<std::string> states;
  drainage::clock::time_point now{seconds(100)};
  std::optional<std::uint64_t> lost; // all calls
  drainage one{{[this](bool on) { refusing = on; }, [this] { return calls; },
                [this] { return lost.value_or(calls); }, [this] { ++ended; },
                [this](std::string_view name, const nlohmann::json& params) {
                  EXPECT_EQ(name, admin::drain_event);
                  states.push_back(params["state"].get<std::string>() + " " +
                                   params["calls"].dump());
                }}};

  void look_after(milliseconds more) {
    now += more;
    one.look(now);
  }
};

TEST_F(drainage_test, asked_for_and_taken_back) {
  calls = 3;
  look_after(seconds(1));
  EXPECT_TRUE(one.ask(true, now));
  EXPECT_TRUE(refusing);
  EXPECT_TRUE(one.draining());
  EXPECT_TRUE(one.ask(true, now)) << "asked twice is asked once";
  look_after(seconds(1));
  EXPECT_TRUE(one.ask(false, now));
  EXPECT_FALSE(refusing);
  EXPECT_FALSE(one.draining());
  EXPECT_EQ(ended, 0);
  EXPECT_THAT(states, ElementsAre("draining 3", "serving 3"));
}

TEST_F(drainage_test, nothing_is_taken_back_that_was_not_asked_for) {
  EXPECT_TRUE(one.ask(false, now));
  EXPECT_THAT(states, ElementsAre());
}

TEST_F(drainage_test, says_once_that_the_last_call_has_ended) {
  calls = 1;
  EXPECT_TRUE(one.ask(true, now));
  look_after(seconds(1));
  calls = 0;
  look_after(seconds(1));
  look_after(seconds(1));
  EXPECT_THAT(states, ElementsAre("draining 1", "drained 0"));
  EXPECT_EQ(ended, 0) << "an operator drains it, and then it stays";
}

TEST_F(drainage_test, without_calls_the_end_comes_with_the_second_loop_of_the_workers) {
  one.end_by(now, now + seconds(30));
  one.look(now);
  EXPECT_EQ(ended, 0) << "a worker may just have begun a call";
  look_after(drainage::interval);
  EXPECT_EQ(ended, 1);
}

TEST_F(drainage_test, the_end_waits_for_the_last_call) {
  calls = 2;
  one.end_by(now, now + seconds(30));
  EXPECT_TRUE(refusing);
  look_after(seconds(29));
  EXPECT_EQ(ended, 0);
  calls = 0;
  look_after(milliseconds(1));
  EXPECT_EQ(ended, 1);
}

TEST_F(drainage_test, but_not_for_ever) {
  calls = 2;
  one.end_by(now, now + seconds(30));
  look_after(seconds(30));
  EXPECT_EQ(ended, 1);
}

TEST_F(drainage_test, a_second_signal_ends_at_once) {
  calls = 2;
  one.end_by(now, now + seconds(30));
  one.end_by(now, now + seconds(30));
  EXPECT_EQ(ended, 1);
}

TEST_F(drainage_test, nobody_takes_back_the_end) {
  calls = 2;
  EXPECT_TRUE(one.ask(true, now));
  one.end_by(now, now + seconds(30));
  EXPECT_FALSE(one.ask(false, now));
  EXPECT_TRUE(refusing);
  EXPECT_TRUE(one.ask(true, now)) << "it drains as asked";
}

TEST_F(drainage_test, the_end_does_not_wait_for_calls_that_it_does_not_lose) {
  calls = 9;
  lost = 2;
  one.end_by(now, now + seconds(30));
  look_after(seconds(1));
  EXPECT_EQ(ended, 0) << "two are ringing";
  lost = 0;
  look_after(milliseconds(50));
  EXPECT_EQ(ended, 0) << "the last one was answered just now, its ACK is on its way";
  look_after(seconds(1));
  EXPECT_EQ(ended, 1);
}

TEST_F(drainage_test, an_operator_waits_for_all_calls) {
  calls = 9;
  lost = 0;
  EXPECT_TRUE(one.ask(true, now));
  look_after(seconds(1));
  EXPECT_THAT(states, ElementsAre("draining 9"));
  calls = 0;
  look_after(seconds(1));
  EXPECT_THAT(states, ElementsAre("draining 9", "drained 0"));
  EXPECT_EQ(ended, 0);
}

} // namespace
} // namespace linehunt::drainage_test
