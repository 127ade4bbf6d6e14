// SPDX-License-Identifier: Apache-2.0
// The sockets behind a port of net_af_xdp. What the kernel had no place for counts there, and the
// driver (DPDK 22.11) tells a part of it.
#pragma once

#include <cstdint>
#include <vector>

namespace linehunt::dpdk {

struct xdp_drops {
  std::uint64_t rx_ring_full = 0; // we were late
  // The fill ring was empty, or the frame was longer than a buffer. Where the kernel copies (seen
  // on veth); a card that needs no copy may drop before it gets here.
  std::uint64_t no_buffer = 0;
};

// By number, in order: all of this process.
[[nodiscard]] std::vector<int> open_xdp_sockets();
// Of all of them together, since they are open. One that is none any more counts nothing.
[[nodiscard]] xdp_drops dropped_by_kernel(const std::vector<int>& sockets) noexcept;

} // namespace linehunt::dpdk
