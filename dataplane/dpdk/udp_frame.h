// SPDX-License-Identifier: Apache-2.0
// UDP datagrams of ours: headers before a payload, and fragments where it exceeds the MTU. The
// destination MAC is left open; whoever sends the frame fills it in.
#pragma once

#include "dataplane/address.h"
#include "dataplane/dpdk/station.h"

#include <cstdint>
#include <rte_mbuf.h>
#include <span>

namespace linehunt::dpdk {

// The most that stands before a payload: Ethernet, VLAN tag, IPv6, UDP.
inline constexpr std::size_t max_header_bytes = 14 + 4 + 40 + 8;
// More fragments of one datagram than this are not sent: 65,507 bytes at the IPv6 minimum MTU.
inline constexpr std::size_t max_fragments = 56;

[[nodiscard]] bool fits_one_packet(std::uint16_t mtu_bytes, const endpoint& to,
                                   std::size_t payload_bytes) noexcept;

// `m` holds the payload, in one segment, and nothing else. False: no headroom.
[[nodiscard]] bool prepend_headers(const station& we, rte_mbuf& m, const endpoint& from,
                                   const endpoint& to, std::uint16_t ip_id) noexcept;

// Builds the fragments of a datagram (RFC 791 2.3, RFC 8200 4.5), of `mtu_bytes` at most, into new
// mbufs of `pool`.
// Returns how many, 0 where the pool ran dry or the datagram is too long.
[[nodiscard]] std::size_t build_fragments(const station& we, std::uint16_t mtu_bytes,
                                          rte_mempool& pool, std::span<const char> payload,
                                          const endpoint& from, const endpoint& to,
                                          std::uint32_t ip_id,
                                          std::span<rte_mbuf*, max_fragments> out) noexcept;

} // namespace linehunt::dpdk
