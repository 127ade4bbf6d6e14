// SPDX-License-Identifier: Apache-2.0
// See placement.h.
#include "control/daemon/placement.h"

#include <fmt/format.h>

namespace linehunt {

std::vector<std::string> misplaced(const std::vector<dpdk::port_report>& ports,
                                   const std::vector<dpdk::worker_report>& workers) {
  std::vector<std::string> lines;
  for (const dpdk::port_report& port : ports) {
    std::string far;
    for (const dpdk::worker_report& worker : workers)
      if (port.numa_node >= 0 && worker.numa_node >= 0 && port.numa_node != worker.numa_node)
        far += fmt::format("{}{}", far.empty() ? "" : ", ", worker.core);
    if (!far.empty())
      lines.push_back(fmt::format("port {} is on NUMA node {}, and workers on processors of other "
                                  "nodes ({}): each packet crosses between them; choose [runtime] "
                                  "cores of node {}",
                                  port.name, port.numa_node, far, port.numa_node));
  }
  return lines;
}

} // namespace linehunt
