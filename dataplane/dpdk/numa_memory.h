// SPDX-License-Identifier: Apache-2.0
// Where a worker's tables come from: its own NUMA node. From DPDK's heap where that has
// hugepages, else pages of the kernel, of the node where it has them, with transparent hugepages
// asked for.
#pragma once

#include "dataplane/engine.h"

#include <cstddef>

namespace linehunt::dpdk {

// The node of a processor; -1 where the machine does not tell.
[[nodiscard]] int numa_node_of(unsigned core) noexcept;

class numa_memory final : public memory_source {
 public:
  numa_memory(int node, bool hugepages) : node_(node), hugepages_(hugepages) {}
  [[nodiscard]] void* take(std::size_t size_bytes, std::size_t alignment) override;
  void give_back(void* memory, std::size_t size_bytes) noexcept override;

 private:
  int node_;
  bool hugepages_;
};

} // namespace linehunt::dpdk
