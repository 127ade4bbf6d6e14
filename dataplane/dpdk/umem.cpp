// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/umem.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <vector>

namespace linehunt::dpdk {

namespace {

constexpr std::uintptr_t page_bytes = 4096; // of x86; also the most that the kernel takes for one

std::size_t bytes_between(const rte_mempool& pool) noexcept {
  return rte_mempool_calc_obj_size(pool.elt_size, pool.flags, nullptr);
}

} // namespace

rte_mempool* create_umem_pool(const char* name, std::uint32_t mbufs, unsigned cache,
                              std::size_t buffer_bytes, int node) {
  rte_mempool* const pool = rte_pktmbuf_pool_create(
      name, mbufs_for_umem(mbufs), cache, 0,
      static_cast<std::uint16_t>(buffer_bytes_for_umem(buffer_bytes)), node);
  if (pool == nullptr || withhold_behind_umem(*pool) >= mbufs) return pool;
  rte_mempool_free(pool);
  rte_errno = ENOMEM;
  return nullptr;
}

std::size_t buffer_bytes_for_umem(std::size_t wanted) noexcept {
  if (rte_eal_has_hugepages() != 0) return wanted;
  std::size_t bytes = page_bytes - sizeof(rte_mbuf);
  // Mempools add some to what an mbuf needs, for the memory's channels.
  while (bytes > wanted &&
         rte_mempool_calc_obj_size(static_cast<std::uint32_t>(sizeof(rte_mbuf) + bytes), 0,
                                   nullptr) > page_bytes)
    bytes -= RTE_CACHE_LINE_SIZE;
  return std::max(bytes, wanted);
}

std::uint32_t mbufs_for_umem(std::uint32_t wanted) noexcept {
  return wanted + wanted / 32 + 16;
}

std::size_t withhold_behind_umem(rte_mempool& pool) {
  const rte_mempool_memhdr* const first = STAILQ_FIRST(&pool.mem_list);
  if (first == nullptr) return 0;
  const auto run = reinterpret_cast<std::uintptr_t>(first->addr);
  const std::uintptr_t begin = run - run % page_bytes;
  const std::uintptr_t end = run + std::uintptr_t{pool.populated_size} * bytes_between(pool);
  const auto is_seen = [&](const void* mbuf) {
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(mbuf) - pool.header_size;
    return at >= begin && at + bytes_between(pool) <= end;
  };
  std::vector<void*> mbufs(pool.populated_size);
  // All at once, and past the cache of this thread.
  if (rte_mempool_generic_get(&pool, mbufs.data(), pool.populated_size, nullptr) != 0) return 0;
  const auto behind = std::stable_partition(mbufs.begin(), mbufs.end(), is_seen);
  const auto seen = static_cast<std::size_t>(behind - mbufs.begin());
  rte_mempool_generic_put(&pool, mbufs.data(), static_cast<unsigned>(seen), nullptr);
  return seen;
}

} // namespace linehunt::dpdk
