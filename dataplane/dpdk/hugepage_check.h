// SPDX-License-Identifier: Apache-2.0
// Says on which NUMA nodes hugepages are missing before DPDK does. It takes what a thread or a card
// needs from its own node alone, and aborts where that of the control thread has none.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace linehunt::dpdk {

// Who takes memory of a node: "control_core: processor 0", "port 'wan': 0000:3b:00.0".
struct memory_user {
  std::string who;
  int node = -1; // below 0: not known, any will do
  bool is_card = false;
};

struct node_memory {
  bool usable = true; // it has memory that the cpuset lets us have, and processors
  // Whoever uses them now: those that a process left behind which was killed DPDK gives free
  // itself.
  std::uint64_t hugepage_bytes = 0;
};

// The control thread and the workers.
[[nodiscard]] std::vector<memory_user> users_of_memory(unsigned control_core,
                                                       const std::vector<unsigned>& cores);
// The cards, of bonds as well. Cards whose node the machine does not tell are left out.
[[nodiscard]] std::vector<memory_user> cards_of(const port_setup& port);
// Nothing where the machine does not tell.
[[nodiscard]] std::optional<node_memory> memory_of_node(int node);

// The first user whose node has no hugepages.
[[nodiscard]] std::optional<error>
check_hugepages(const std::vector<memory_user>& users,
                const std::function<std::optional<node_memory>(int)>& memory_of);
// What a start needs for certain; nothing for a process that uses those of another
// (--proc-type=secondary), and without hugepages.
[[nodiscard]] std::optional<error> check_hugepages(const runtime_setup& setup,
                                                   const std::vector<unsigned>& cores);
// The same, and what its cards may need.
[[nodiscard]] std::optional<error> check_all_hugepages(const runtime_setup& setup,
                                                       const std::vector<unsigned>& cores);

// What to do where DPDK has too little: hugepages that are free it takes whatever memory_mb says.
[[nodiscard]] std::string how_to_get_more(bool hugepages, int node);

} // namespace linehunt::dpdk
