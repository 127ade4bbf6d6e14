// SPDX-License-Identifier: Apache-2.0
// What net_af_xdp makes of a mempool. The driver (DPDK 22.11) shows the kernel one run of memory,
// as long as all mbufs would be without space between them. A mempool leaves the end of a page free
// where the next mbuf does not fit, so its last mbufs lie behind that run. The kernel takes such a
// one out of the fill ring and never gives it back, until nothing is received any more; one that is
// to be sent is dropped, and kept. Also for programs beside the balancer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <rte_mempool.h>
#include <string_view>

namespace linehunt::dpdk {

// By the device as configured, or its name.
[[nodiscard]] constexpr bool is_af_xdp(std::string_view device) noexcept {
  return device.starts_with("net_af_xdp");
}

// As rte_pktmbuf_pool_create, with as much more as it takes for `mbufs` that the kernel sees.
// ENOMEM in rte_errno as well where the memory is in pieces, of which it would see one.
[[nodiscard]] rte_mempool* create_umem_pool(const char* name, std::uint32_t mbufs, unsigned cache,
                                            std::size_t buffer_bytes, int node);

// What that consists of.

// Bytes of an mbuf's buffer, at least `wanted`, that leave as little of a page unused as can be.
// Ordinary pages (--no-huge) hold one mbuf each, and with gaps the kernel would see half of them.
// Once EAL runs.
[[nodiscard]] std::size_t buffer_bytes_for_umem(std::size_t wanted) noexcept;

// How many to make, so that `wanted` of them can be used.
[[nodiscard]] std::uint32_t mbufs_for_umem(std::uint32_t wanted) noexcept;

// Takes the mbufs that the kernel will not see out of the pool, for good. Right after it was made.
// How many are left. Throws std::bad_alloc.
[[nodiscard]] std::size_t withhold_behind_umem(rte_mempool& pool);

} // namespace linehunt::dpdk
