// SPDX-License-Identifier: Apache-2.0
// The program linehuntctl: what its live screen counts.
#include "linehuntctl_run.h"

#include <gmock/gmock.h>
#include <utility>

namespace linehunt::admin {
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
                                    {"verdict", "rejected_table_full"},
                                    {"verdict", "dropped_draining"}}) {
    served.view.rising = {{group, name, 0}};
    EXPECT_THAT(run("top").out, AllOf(HasSubstr(" refused"), Not(HasSubstr(" 0.0 refused"))))
        << name;
  }
}

} // namespace
} // namespace linehunt::admin
