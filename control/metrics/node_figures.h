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
#include <optional>
#include <string>
#include <vector>

namespace linehunt::metrics {

struct destination_figures {
  std::uint32_t id = 0, group = 0;
  std::string uri;
  bool enabled = true;
  bool resolved = true;       // it has an address
  bool draining = false;      // no longer configured, but calls are still there
  std::uint32_t paused_s = 0; // no new calls for so long
  std::optional<std::uint32_t> probe_round_trip_us = {}; // of the last answer to a probe
};

struct resource_figures {
  std::uint32_t destination = 0; // its id
  std::string name;              // as configured, with its suffix
  std::int32_t capacity = 0;
  std::int64_t load = 0;                    // over the workers
  std::optional<bool> heartbeat_fresh = {}; // of one whose capacity follows a heartbeat
};

// Summed over workers.
struct destination_delays {
  std::uint32_t destination = 0; // the operator's number
  std::array<std::uint64_t, post_dial_bounds_ms.size() + 1> counts{};
  std::uint64_t sum_us = 0;
  std::uint64_t moved_on = 0;
};

struct node_figures {
  std::chrono::system_clock::time_point started_at;
  std::vector<destination_figures> destinations; // those that drain come last
  std::vector<resource_figures> resources;       // in the order of their destinations
  std::vector<dpdk::worker_report> workers;
  node_statistics node;
  std::vector<destination_delays> post_dial;
  std::vector<admin::statistic> ways_in; // what the admin interface refused and dropped
  std::vector<admin::statistic> copies;  // of the calls, for a crash
};

} // namespace linehunt::metrics
