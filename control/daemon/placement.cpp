// SPDX-License-Identifier: Apache-2.0
// See placement.h.
#include "control/daemon/placement.h"

#include <fmt/format.h>
#include <set>

namespace linehunt {

namespace {

// "2, 3"
void append(std::string& list, const std::string& one) {
  list += (list.empty() ? "" : ", ") + one;
}

// No choice of cores is near to all of them.
std::vector<std::string> of_several_nodes(const std::vector<dpdk::port_report>& ports,
                                          const std::vector<dpdk::worker_report>& workers,
                                          const std::set<int>& nodes) {
  std::string cards, far, choice;
  for (const dpdk::port_report& port : ports)
    if (port.numa_node >= 0) append(cards, fmt::format("{} on {}", port.name, port.numa_node));
  for (const dpdk::worker_report& worker : workers)
    if (worker.numa_node >= 0 && !nodes.contains(worker.numa_node))
      append(far, std::to_string(worker.core));
  for (const int node : nodes)
    append(choice, std::to_string(node));
  std::vector<std::string> lines{
      fmt::format("ports are on several NUMA nodes ({}): packets cross between them, whichever the "
                  "[runtime] cores; with cards and cores of one node none would",
                  cards)};
  if (!far.empty())
    lines.push_back(fmt::format("workers on processors {} are on the NUMA node of no port: choose "
                                "[runtime] cores of nodes {}",
                                far, choice));
  return lines;
}

} // namespace

std::vector<std::string> misplaced(const std::vector<dpdk::port_report>& ports,
                                   const std::vector<dpdk::worker_report>& workers) {
  std::vector<std::string> lines;
  std::set<int> nodes;
  for (const dpdk::port_report& port : ports) {
    if (port.numa_node < 0) continue;
    nodes.insert(port.numa_node);
    std::string far;
    for (const dpdk::worker_report& worker : workers)
      if (worker.numa_node >= 0 && port.numa_node != worker.numa_node)
        append(far, std::to_string(worker.core));
    if (!far.empty())
      lines.push_back(fmt::format("port {} is on NUMA node {}, and workers on processors of other "
                                  "nodes ({}): each packet crosses between them; choose [runtime] "
                                  "cores of node {}",
                                  port.name, port.numa_node, far, port.numa_node));
  }
  if (nodes.size() > 1 && !lines.empty()) return of_several_nodes(ports, workers, nodes);
  return lines;
}

} // namespace linehunt
