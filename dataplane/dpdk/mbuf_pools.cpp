// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/mbuf_pools.h"

#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/hugepage_check.h"
#include "dataplane/dpdk/umem.h"

#include <algorithm>
#include <rte_errno.h>

namespace linehunt::dpdk {

namespace {

constexpr unsigned cache_per_worker = 256;

// A frame of the largest MTU, and room behind it for what the engine adds to a message.
std::uint16_t buffer_bytes(const runtime_setup& setup) {
  constexpr std::size_t link_header = 18, growth = 512;
  std::size_t wanted = RTE_MBUF_DEFAULT_BUF_SIZE;
  for (const port_setup& p : setup.ports) {
    wanted = std::max(wanted, RTE_PKTMBUF_HEADROOM + link_header +
                                  std::max<std::size_t>(p.mtu_bytes, 1500) + growth);
    wanted = std::max(wanted, RTE_PKTMBUF_HEADROOM + af_packet_slot_bytes(p.device));
  }
  return static_cast<std::uint16_t>(std::min<std::size_t>(wanted, UINT16_MAX));
}

} // namespace

std::uint32_t mbufs_for(const runtime_setup& setup, std::size_t kept) noexcept {
  // A worker's cache, its bursts and a deep look into its queues, and what waits in its rings.
  constexpr std::size_t of_worker = 2048;
  if (kept == 0) return setup.mbufs;
  const std::size_t wanted = kept + setup.workers * of_worker;
  return std::max(setup.mbufs, static_cast<std::uint32_t>(std::min<std::size_t>(wanted, 1u << 30)));
}

tl::expected<mbuf_pools, error> mbuf_pools::make(const runtime_setup& setup, std::uint32_t mbufs,
                                                 const std::vector<int>& nodes) {
  mbuf_pools out;
  const bool any_umem =
      std::ranges::any_of(setup.ports, [](const port_setup& p) { return is_af_xdp(p.device); });
  for (const int node : nodes) {
    if (out.pools_.contains(node)) continue;
    const std::string name = "linehunt_" + std::to_string(node + 1);
    const int socket = node < 0 ? SOCKET_ID_ANY : node;
    rte_mempool* const pool =
        any_umem
            ? create_umem_pool(name.c_str(), mbufs, cache_per_worker, buffer_bytes(setup), socket)
            : rte_pktmbuf_pool_create(name.c_str(), mbufs, cache_per_worker, 0, buffer_bytes(setup),
                                      socket);
    if (pool == nullptr)
      return tl::unexpected(error{"no memory for " + std::to_string(mbufs) +
                                  " mbufs: " + rte_strerror(rte_errno) + "; " +
                                  how_to_get_more(setup.hugepages, node) +
                                  ", or lower mbufs, or the descriptors of the ports"});
    out.pools_[node].reset(pool);
  }
  return out;
}

std::uint64_t mbuf_pools::in_use() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [node, pool] : pools_)
    sum += rte_mempool_in_use_count(pool.get());
  return sum;
}

} // namespace linehunt::dpdk
