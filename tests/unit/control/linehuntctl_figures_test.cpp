// SPDX-License-Identifier: Apache-2.0
// The program linehuntctl: figures that people give it and that it shows, and those it waits for.
#include "linehuntctl_run.h"

#include <chrono>
#include <gmock/gmock.h>
#include <thread>
#include <utility>

namespace linehunt::admin::linehuntctl_figures_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(linehuntctl, top_counts_every_kind_of_refusal) {
  EXPECT_THAT(run("top").out, HasSubstr(" 0.0 refused"));
  for (const auto& [group, name] : {std::pair{"load_balancer", "refused_no_capacity"},
                                    {"load_balancer", "refused_no_destination"},
                                    {"load_balancer", "refused_unknown_resource"},
                                    {"load_balancer", "calls_shed"},
                                    {"verdict", "rejected_loop"},
                                    {"verdict", "rejected_table_full"},
                                    {"verdict", "dropped_draining"}}) {
    served.view.rising = {{group, name, 0}};
    EXPECT_THAT(run("top").out, AllOf(HasSubstr(" refused"), Not(HasSubstr(" 0.0 refused"))))
        << name;
  }
}

TEST_F(linehuntctl, numbers_are_decimal) {
  EXPECT_EQ(run("resize 002 vm 010").out, "destination 2 takes 10 calls of vm\n");
  EXPECT_THAT(run("resize 2 vm 0x10").err, HasSubstr("0x10"));
}

TEST_F(linehuntctl, status_has_the_words_of_the_list) {
  EXPECT_EQ(run("status 1").out, "destination 1 is enabled, rack=a\n");
  served.view.all[0].enabled = false;
  EXPECT_EQ(run("status 1").out, "destination 1 is failed, rack=a\n");
  served.view.all[0].auto_reenable = false;
  EXPECT_EQ(run("status 1").out, "destination 1 is disabled, rack=a\n");
}

TEST_F(linehuntctl, drain_waits_for_the_last_call) {
  std::thread last([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    served.view.active = 0;
  });
  EXPECT_EQ(run("drain --wait").out, "no new calls, and none in progress\n");
  last.join();
}

TEST_F(linehuntctl, drain_that_somebody_takes_back_is_not_waited_for) {
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    served.view.draining = false;
  });
  const told t = run("drain --wait");
  other.join();
  EXPECT_EQ(t.status, 1);
  EXPECT_EQ(t.out, "");
  EXPECT_THAT(t.err, HasSubstr("somebody has it take new calls again, 2 are in progress"));
}

} // namespace
} // namespace linehunt::admin::linehuntctl_figures_test
