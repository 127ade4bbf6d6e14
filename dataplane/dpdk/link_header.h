// SPDX-License-Identifier: Apache-2.0
// Writing of the Ethernet header with our VLAN tag, and of the IPv6 header, and turning a received
// frame and its IPv4 header round.
#pragma once

#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/mbuf.h"
#include "dataplane/dpdk/station.h"

#include <cstdint>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

namespace linehunt::dpdk {

// Writes station::l2_bytes() bytes at `at`.
void write_link_header(const station& we, std::uint8_t* at, const rte_ether_addr& to,
                       std::uint16_t ethertype) noexcept;
inline constexpr std::uint8_t initial_ttl = 64; // RFC 1700
// The checksum of what follows is the caller's.
inline void write_v6_header(std::uint8_t* at, const ip_address& from, const ip_address& to,
                            std::uint8_t next_header, std::uint8_t hop_limit,
                            std::size_t payload_bytes) noexcept {
  auto& ip = *static_cast<rte_ipv6_hdr*>(static_cast<void*>(at));
  ip.vtc_flow = rte_cpu_to_be_32(6u << 28);
  ip.payload_len = rte_cpu_to_be_16(static_cast<std::uint16_t>(payload_bytes));
  ip.proto = next_header;
  ip.hop_limits = hop_limit;
  __builtin_memcpy(ip.src_addr, from.bytes.data(), 16);
  __builtin_memcpy(ip.dst_addr, to.bytes.data(), 16);
}
// Back to the sender, with so many bytes behind the header and its options.
inline void turn_v4_header(rte_ipv4_hdr& ip, std::uint32_t payload_bytes) noexcept {
  const rte_be32_t sender = ip.src_addr;
  ip.src_addr = ip.dst_addr;
  ip.dst_addr = sender;
  ip.total_length =
      rte_cpu_to_be_16(static_cast<std::uint16_t>(rte_ipv4_hdr_len(&ip) + payload_bytes));
  ip.time_to_live = initial_ttl;
  ip.hdr_checksum = 0;
  ip.hdr_checksum = static_cast<std::uint16_t>(~rte_raw_cksum(&ip, rte_ipv4_hdr_len(&ip)));
}
inline void set_destination_mac(rte_mbuf& m, const rte_ether_addr& to) noexcept {
  header_at<rte_ether_hdr>(m, 0).dst_addr = to;
}

// Makes the received frame one of ours to `to`, with the tag that our VLAN wants in front of its
// layer 3, and cuts the packet after `l3_len_bytes`. False: no headroom for the tag.
[[nodiscard]] bool turn_round(const station& we, rte_mbuf& m, const frame& f,
                              const rte_ether_addr& to, std::uint32_t l3_len_bytes) noexcept;

// Clears what reception left in the mbuf's flags, so that it can be sent.
inline void clear_rx_flags(rte_mbuf& m) noexcept {
  m.ol_flags &= (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
  m.vlan_tci = 0;
  m.tx_offload = 0;
}

} // namespace linehunt::dpdk
