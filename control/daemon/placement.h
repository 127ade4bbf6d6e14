// SPDX-License-Identifier: Apache-2.0
// Whether ports and the workers that poll them are near each other.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <string>
#include <vector>

namespace linehunt {

// A line for each port whose card lies on another NUMA node than a worker, with what to do; where
// they lie on several nodes, one for all of them. A node below 0 is not known, and fits any.
[[nodiscard]] std::vector<std::string> misplaced(const std::vector<dpdk::port_report>& ports,
                                                 const std::vector<dpdk::worker_report>& workers);

} // namespace linehunt
