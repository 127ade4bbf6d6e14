// SPDX-License-Identifier: Apache-2.0
// Sums over workers and the names that operators know.
#include "control/daemon/statistics.h"

#include <gtest/gtest.h>
#include <map>

namespace linehunt::statistics_test {
namespace {

TEST(statistics, sums_workers_and_names_every_verdict) {
  engine_counters first, second;
  first.calls_started = 10;
  first.calls_answered = 6;
  first.calls_failed = 3;
  first.calls_ended = 5; // three before an answer, two after
  first.calls_live = 5;
  first.ended_by[static_cast<std::size_t>(end_cause::failed)] = 3;
  first.ended_by[static_cast<std::size_t>(end_cause::ping_lost)] = 2;
  second.calls_started = 1;
  first.no_destination = 2;
  second.no_destination = 1;
  first.unknown_resource = 4;
  first.calls_uncounted = 5;
  second.calls_uncounted = 6;
  const resource_id needed[] = {1};
  second.no_capacity.add(1, needed);
  second.calls_live = 1;
  std::vector<dpdk::worker_report> workers(2);
  workers[0].engine = &first;
  workers[0].rx_packets = 100;
  workers[0].longest_adopt_us = 70;
  workers[0].verdicts[static_cast<std::size_t>(verdict::dropped_other_port)] = 4;
  workers[1].id = 1;
  workers[1].engine = &second;
  workers[1].rx_packets = 20;
  workers[1].verdicts[static_cast<std::size_t>(verdict::dropped_other_port)] = 5;
  node_statistics node;
  node.mbufs_in_use = 3;
  node.degraded = degraded_by({.database_unread = true});
  node.ports = {{"access", true, 5, 6, 7, 8}, {"core", false, 0, 0, 0, 0}};

  std::map<std::string, std::uint64_t> by_name;
  for (const admin::statistic& s : statistics_of(workers, node))
    EXPECT_TRUE(by_name.emplace(s.group + ":" + s.name, s.value).second) << s.name << " twice";
  EXPECT_EQ(by_name.at("load_balancer:calls_started"), 11u);
  EXPECT_EQ(by_name.at("load_balancer:calls_failed"), 3u);
  EXPECT_EQ(by_name.at("load_balancer:ended_failed"), 3u);
  EXPECT_EQ(by_name.at("load_balancer:ended_ping_lost"), 2u);
  EXPECT_EQ(by_name.at("load_balancer:ended_bye"), 0u);
  EXPECT_EQ(by_name.at("load_balancer:refused_no_capacity"), 1u);
  EXPECT_EQ(by_name.at("load_balancer:refused_no_destination"), 3u);
  EXPECT_EQ(by_name.at("load_balancer:refused_unknown_resource"), 4u);
  EXPECT_EQ(by_name.at("load_balancer:calls_uncounted"), 11u);
  EXPECT_EQ(by_name.at("dialog:active_dialogs"), 6u);
  EXPECT_EQ(by_name.at("dialog:early_dialogs"), 2u); // 6 answered, 2 of them over: 4 of 6 are up
  EXPECT_EQ(by_name.at("linehunt:rx_packets"), 120u);
  EXPECT_EQ(by_name.at("linehunt:mbufs_in_use"), 3u);
  EXPECT_EQ(by_name.at("degraded:database_unread"), 1u);
  EXPECT_EQ(by_name.at("degraded:names_stale"), 0u);
  EXPECT_EQ(by_name.at("port_access:link_up"), 1u);
  EXPECT_EQ(by_name.at("port_access:rx_missed"), 5u);
  EXPECT_EQ(by_name.at("port_access:rx_no_buffer"), 6u);
  EXPECT_EQ(by_name.at("port_access:rx_errors"), 7u);
  EXPECT_EQ(by_name.at("port_access:tx_errors"), 8u);
  EXPECT_EQ(by_name.at("port_core:link_up"), 0u);
  EXPECT_EQ(by_name.at("worker0:longest_adopt_us"), 70u);
  EXPECT_EQ(by_name.at("verdict:dropped_other_port"), 9u);
  EXPECT_EQ(by_name.at("worker1:verdict_dropped_other_port"), 5u);
  for (std::size_t v = 0; v < verdict_count; ++v)
    EXPECT_TRUE(by_name.contains("verdict:" + std::string{name_of(static_cast<verdict>(v))}));
}

} // namespace
} // namespace linehunt::statistics_test
