// SPDX-License-Identifier: Apache-2.0
// Leases for calls that prefer a destination: waited for, refused, and left where there is no
// place to wait.
#include "ledger_cluster.h"
#include "ledger_world.h"

#include <gtest/gtest.h>

namespace linehunt::ledger_preferred_test {
namespace {

using test::add_destination;
using test::cluster_call;
using test::ledger_cluster;
using stage = cluster_call::stage;

TEST(ledger_preferred, where_no_place_is_left_to_wait_for_the_preferred_one_another_is_taken) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 2}}, 1);
  add_destination(*world, 1, {{0, 2}}, 0);
  ledger_cluster cluster(2, 2, world, 1);
  cluster_call call;
  call.worker = 1; // which has the first at home
  call.resources = {0};
  call.preferred = 1;
  const std::uint32_t c = cluster.add_call(call), late = cluster.add_call(call);
  cluster.start(c);
  ASSERT_EQ(cluster.calls()[c].at, stage::pending);
  cluster.start(late);
  ASSERT_EQ(cluster.calls()[late].at, stage::held);
  EXPECT_EQ(cluster.calls()[late].lines.destination, 0u);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.calls()[c].lines.destination, 1u);
  ASSERT_EQ(cluster.broken_at_rest(), "");
}

TEST(ledger_preferred, the_preferred_one_is_waited_for_and_after_its_refusal_the_others_are_tried) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 2}}, 1);
  add_destination(*world, 1, {{0, 1}}, 0);
  ledger_cluster cluster(2, 2, world);
  cluster_call call;
  call.worker = 1; // which could take the first at once
  call.resources = {0};
  call.preferred = 1;
  const std::uint32_t c = cluster.add_call(call), late = cluster.add_call(call);
  cluster.start(c);
  cluster.start(late);
  EXPECT_EQ(cluster.calls()[c].at, stage::pending);
  EXPECT_EQ(cluster.calls()[late].at, stage::held) << "there is no line for two";
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.calls()[c].lines.destination, 1u);
  EXPECT_EQ(cluster.calls()[late].lines.destination, 0u);
  call.worker = 0;
  call.preferred = 0;
  cluster.end(late);
  const std::uint32_t last = cluster.add_call(call);
  cluster.start(last);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.calls()[last].lines.destination, 0u);
  ASSERT_EQ(cluster.broken_at_rest(), "");
}

TEST(ledger_preferred, a_preferred_one_that_turns_out_to_be_full_is_left) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 1}}, 0);
  add_destination(*world, 1, {{0, 1}}, 1);
  ledger_cluster cluster(2, 2, world);
  cluster_call call;
  call.resources = {0};
  cluster.start(cluster.add_call(call)); // of which worker 1 has not heard
  call.worker = 1;
  call.preferred = 0;
  const std::uint32_t c = cluster.add_call(call);
  cluster.start(c);
  EXPECT_EQ(cluster.calls()[c].at, stage::pending);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.calls()[c].lines.destination, 1u);
  ASSERT_EQ(cluster.broken_at_rest(), "");
}

} // namespace
} // namespace linehunt::ledger_preferred_test
