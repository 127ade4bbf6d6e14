// SPDX-License-Identifier: Apache-2.0
// Who we are on one link: MAC, VLAN, MTU, our addresses with their networks, the gateways. Fixed
// once the port is open; read by every worker. Knows nothing of devices and queues.
#pragma once

#include "dataplane/address.h"
#include "dataplane/dpdk/runtime.h"

#include <array>
#include <cstdint>
#include <optional>
#include <rte_ether.h>
#include <vector>

namespace linehunt::dpdk {

struct station {
  rte_ether_addr mac{};
  std::uint16_t vlan = 0; // 0: untagged
  std::uint16_t mtu_bytes = 1500;
  std::vector<port_address> addresses;
  std::vector<ip_prefix> elsewhere;                 // networks of the other ports
  ip_address link_local;                            // fe80::/64, made of the MAC (RFC 4291 A)
  std::array<std::optional<ip_address>, 2> gateway; // IPv4, IPv6
  bool offload_checksums = false;                   // the device fills IPv4 and UDP checksums

  [[nodiscard]] std::size_t l2_bytes() const noexcept { return vlan != 0 ? 18 : 14; }
  [[nodiscard]] bool owns(const ip_address& ip) const noexcept;
  // On a network of this link, so that it can be asked for by ARP or NDP.
  [[nodiscard]] bool on_link(const ip_address& ip) const noexcept;
  // Of another port's network and not of this link: whoever sends so has made it up (RFC 2827), or
  // comes a way that its answer does not go.
  [[nodiscard]] bool is_elsewhere(const ip_address& ip) const noexcept;
  // Our address from which to ask a neighbour; nullptr where there is none of its family.
  [[nodiscard]] const ip_address* source_towards(const ip_address& neighbour) const noexcept;
  // Whom to hand a packet for `destination`: itself or the gateway; nullopt: not reachable here.
  [[nodiscard]] std::optional<ip_address> next_hop(const ip_address& destination) const noexcept;
};

// The modified EUI-64 link-local address of RFC 4291 appendix A.
[[nodiscard]] ip_address link_local_of(const rte_ether_addr& mac) noexcept;
[[nodiscard]] bool is_link_local(const ip_address& ip) noexcept;
[[nodiscard]] bool is_multicast(const ip_address& ip) noexcept;
// Unspecified, loopback, multicast or broadcast: nothing that may stand as a source.
[[nodiscard]] bool is_impossible_source(const ip_address& ip) noexcept;
// ff02::1:ffXX:XXXX (RFC 4291 2.7.1) and 33:33:.. (RFC 2464 7).
[[nodiscard]] ip_address solicited_node_of(const ip_address& ip) noexcept;
[[nodiscard]] rte_ether_addr multicast_mac_of(const ip_address& v6_group) noexcept;
// Where IPv6 neighbours send what is for us (RFC 4861 7.2.1), each once, and first those without
// which no address works; none where no address is of IPv6.
[[nodiscard]] std::vector<rte_ether_addr> group_macs(const station& us);

// ff02::XX (RFC 4291 2.7).
[[nodiscard]] constexpr ip_address link_scope_group(std::uint8_t number) noexcept {
  ip_address ip;
  ip.is_v6 = true;
  ip.bytes[0] = 0xff;
  ip.bytes[1] = 0x02;
  ip.bytes[15] = number;
  return ip;
}

[[nodiscard]] inline ip_address ip_from(const void* network_order, bool is_v6) noexcept {
  ip_address ip;
  ip.is_v6 = is_v6;
  __builtin_memcpy(ip.bytes.data(), network_order, is_v6 ? 16 : 4);
  return ip;
}

} // namespace linehunt::dpdk
