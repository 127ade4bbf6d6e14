// SPDX-License-Identifier: Apache-2.0
// Cards and workers on NUMA nodes.
#include "control/daemon/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::placement_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

dpdk::port_report port_on(const char* name, int node) {
  dpdk::port_report port;
  port.name = name;
  port.numa_node = node;
  return port;
}

dpdk::worker_report worker_on(unsigned core, int node) {
  dpdk::worker_report worker;
  worker.core = core;
  worker.numa_node = node;
  return worker;
}

TEST(placement, says_which_workers_are_far_from_which_card) {
  EXPECT_THAT(misplaced({port_on("access", 1), port_on("core", 1)},
                        {worker_on(2, 0), worker_on(3, 0), worker_on(18, 1)}),
              ElementsAre(AllOf(HasSubstr("port access is on NUMA node 1"), HasSubstr("(2, 3)"),
                                HasSubstr("cores of node 1")),
                          AllOf(HasSubstr("port core is on"), HasSubstr("(2, 3)"))));
}

TEST(placement, asks_for_no_cores_that_would_be_far_from_another_card) {
  const auto both = {port_on("access", 1), port_on("core", 0)};
  const auto several = AllOf(HasSubstr("(access on 1, core on 0)"), HasSubstr("whichever"),
                             Not(HasSubstr("choose")));
  EXPECT_THAT(misplaced(both, {worker_on(2, 0), worker_on(18, 1)}), ElementsAre(several));
  EXPECT_THAT(misplaced(both, {worker_on(2, 0)}), ElementsAre(several));
  EXPECT_THAT(misplaced(both, {worker_on(18, 1)}), ElementsAre(several));
  EXPECT_THAT(misplaced(both, {worker_on(2, 0), worker_on(34, 2)}),
              ElementsAre(several, AllOf(HasSubstr("processors 34 are"), HasSubstr("nodes 0, 1"))));
}

TEST(placement, says_nothing_where_all_is_near_or_unknown) {
  EXPECT_THAT(misplaced({port_on("access", 1)}, {worker_on(2, 1)}), IsEmpty());
  EXPECT_THAT(misplaced({port_on("memif", -1)}, {worker_on(2, 1)}), IsEmpty());
  EXPECT_THAT(misplaced({port_on("access", 0)}, {worker_on(2, -1)}), IsEmpty());
}

} // namespace
} // namespace linehunt::placement_test
