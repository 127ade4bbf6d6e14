// SPDX-License-Identifier: Apache-2.0
// The statistics that operators read, from what the workers have published.
#pragma once

#include "control/admin/daemon_view.h"
#include "dataplane/dpdk/runtime.h"

#include <cstdint>
#include <span>
#include <vector>

namespace linehunt {

// What may not be as it should be although calls go on.
struct shortcomings {
  bool reload_refused = false;  // the last one
  bool database_unread = false; // since the start
  bool changes_unsaved = false; // of operators
  bool names_stale = false;     // of destinations or forwards
  bool log_unwritten = false;   // its disk, or the journal, does not take it
  bool state_unwritten = false; // since the start
};

// Those that no single worker has.
struct node_statistics {
  std::uint64_t generation = 0;
  std::uint64_t mbufs_in_use = 0;
  std::uint64_t uptime_s = 0;
  bool draining = false;
  std::uint64_t destinations = 0;
  std::uint64_t destinations_disabled = 0;
  std::vector<dpdk::port_report> ports;
  std::vector<admin::statistic> degraded; // see degraded_by
};

// Every shortcoming by its name, 1 or 0.
[[nodiscard]] std::vector<admin::statistic> degraded_by(const shortcomings& which);

[[nodiscard]] std::vector<admin::statistic>
statistics_of(std::span<const dpdk::worker_report> workers, const node_statistics& node);

} // namespace linehunt
