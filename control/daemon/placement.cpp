// SPDX-License-Identifier: Apache-2.0
// See placement.h.
#include "control/daemon/placement.h"

#include <fmt/format.h>
#include <set>

namespace linehunt {

std::vector<std::string> misplaced(const std::vector<dpdk::port_report>& ports,
                                   const std::vector<dpdk::worker_report>& workers) {
  std::vector<std::string> lines;
  std::string cards;
  std::set<int> nodes;
  for (const dpdk::port_report& port : ports) {
    std::string far;
    bool some_near = false;
    for (const dpdk::worker_report& worker : workers) {
      some_near |= port.numa_node == worker.numa_node;
      if (port.numa_node >= 0 && worker.numa_node >= 0 && port.numa_node != worker.numa_node)
        far += fmt::format("{}{}", far.empty() ? "" : ", ", worker.core);
    }
    if (far.empty()) continue;
    cards += fmt::format("{}{} on {}", cards.empty() ? "" : ", ", port.name, port.numa_node);
    if (some_near) nodes.insert(port.numa_node);
    lines.push_back(fmt::format("port {} is on NUMA node {}, and workers on processors of other "
                                "nodes ({}): each packet crosses between them; choose [runtime] "
                                "cores of node {}",
                                port.name, port.numa_node, far, port.numa_node));
  }
  // No choice of cores is near to all of them.
  if (nodes.size() > 1)
    return {fmt::format("ports are on several NUMA nodes ({}), and so are their workers: many "
                        "packets cross between them, whichever the [runtime] cores; with cards "
                        "and cores of one node none would",
                        cards)};
  return lines;
}

} // namespace linehunt
