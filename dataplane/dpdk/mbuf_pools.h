// SPDX-License-Identifier: Apache-2.0
// One mempool of mbufs for each NUMA node that has a worker.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <cstdint>
#include <map>
#include <memory>
#include <rte_mbuf.h>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dpdk {

// How many a pool has: as configured, or more where the queues of all cards keep so many that too
// few would be left to receive into and to send from.
[[nodiscard]] std::uint32_t mbufs_for(const runtime_setup& setup, std::size_t kept) noexcept;

class mbuf_pools {
 public:
  [[nodiscard]] static tl::expected<mbuf_pools, error>
  make(const runtime_setup& setup, std::uint32_t mbufs, const std::vector<int>& nodes);
  [[nodiscard]] rte_mempool* of(int node) const noexcept { return pools_.at(node).get(); }
  [[nodiscard]] std::uint64_t in_use() const noexcept;

 private:
  struct free_pool {
    void operator()(rte_mempool* p) const noexcept { rte_mempool_free(p); }
  };
  std::map<int, std::unique_ptr<rte_mempool, free_pool>> pools_;
};

} // namespace linehunt::dpdk
