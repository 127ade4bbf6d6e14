// SPDX-License-Identifier: Apache-2.0
// Internet checksums (RFC 1071) over mbufs and byte ranges.
#pragma once

#include "dataplane/address.h"

#include <cstdint>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <span>

namespace linehunt::dpdk {

// The one's complement sum of the pseudo header, not inverted (RFC 768; RFC 8200 8.1).
[[nodiscard]] std::uint16_t pseudo_header_sum(const ip_address& source,
                                              const ip_address& destination, std::uint8_t protocol,
                                              std::uint32_t len_bytes) noexcept;

// True where pseudo header and `len_bytes` bytes from `off_bytes` on sum up to 0xffff. The packet
// may have several segments.
[[nodiscard]] bool transport_sum_ok(const rte_mbuf& m, std::uint32_t off_bytes,
                                    std::uint32_t len_bytes, std::uint16_t pseudo_sum) noexcept;

// What to write into a checksum field that is zero in `bytes`. For UDP a zero result is sent as
// 0xffff (RFC 768), which `transport_checksum` does for every protocol: both mean the same sum.
[[nodiscard]] std::uint16_t transport_checksum(std::span<const std::uint8_t> bytes,
                                               std::uint16_t pseudo_sum) noexcept;

[[nodiscard]] bool header_sum_ok(const rte_ipv4_hdr& ip) noexcept;

} // namespace linehunt::dpdk
