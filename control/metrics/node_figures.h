// SPDX-License-Identifier: Apache-2.0
// Everything that is measured of one running linehunt, read at one moment.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/daemon/statistics.h"
#include "dataplane/dpdk/runtime.h"
#include "dataplane/post_dial_delay.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

namespace linehunt::metrics {

// Summed over workers.
struct destination_delays {
  std::uint32_t destination = 0; // the operator's number
  std::array<std::uint64_t, post_dial_bounds_ms.size() + 1> counts{};
  std::uint64_t sum_us = 0;
  std::uint64_t moved_on = 0;
};

struct node_figures {
  std::chrono::system_clock::time_point started_at;
  std::vector<admin::destination_state> destinations;
  std::vector<dpdk::worker_report> workers;
  node_statistics node;
  std::vector<destination_delays> post_dial;
  std::vector<admin::statistic> ways_in; // what the admin interface refused and dropped
  std::vector<admin::statistic> copies;  // of the calls, for a crash
};

} // namespace linehunt::metrics
