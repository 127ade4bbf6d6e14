// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/station.h"

#include <algorithm>

namespace linehunt::dpdk {

bool station::owns(const ip_address& ip) const noexcept {
  if (std::ranges::any_of(addresses, [&](const port_address& a) { return a.ip == ip; }))
    return true;
  return ip.is_v6 && ip == link_local;
}

bool station::on_link(const ip_address& ip) const noexcept {
  if (is_link_local(ip)) return true;
  return std::ranges::any_of(addresses, [&](const port_address& a) {
    return ip_prefix{a.ip, a.prefix_bits}.contains(ip);
  });
}

bool station::is_elsewhere(const ip_address& ip) const noexcept {
  return std::ranges::any_of(elsewhere, [&](const ip_prefix& net) { return net.contains(ip); }) &&
         !on_link(ip);
}

const ip_address* station::source_towards(const ip_address& neighbour) const noexcept {
  if (is_link_local(neighbour)) return &link_local;
  const ip_address* same_family = nullptr;
  for (const port_address& a : addresses) {
    if (a.ip.is_v6 != neighbour.is_v6) continue;
    if (ip_prefix{a.ip, a.prefix_bits}.contains(neighbour)) return &a.ip;
    if (same_family == nullptr) same_family = &a.ip;
  }
  return same_family;
}

std::optional<ip_address> station::next_hop(const ip_address& destination) const noexcept {
  if (is_impossible_source(destination)) return std::nullopt;
  if (on_link(destination)) return destination;
  return gateway[destination.is_v6 ? 1 : 0];
}

ip_address link_local_of(const rte_ether_addr& mac) noexcept {
  const std::uint8_t* m = mac.addr_bytes;
  ip_address ip;
  ip.is_v6 = true;
  ip.bytes = {0xfe,
              0x80,
              0,
              0,
              0,
              0,
              0,
              0,
              static_cast<std::uint8_t>(m[0] ^ 0x02), // the universal/local bit, turned round
              m[1],
              m[2],
              0xff,
              0xfe,
              m[3],
              m[4],
              m[5]};
  return ip;
}

bool is_link_local(const ip_address& ip) noexcept {
  return ip.is_v6 && ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80;
}

bool is_multicast(const ip_address& ip) noexcept {
  return ip.is_v6 ? ip.bytes[0] == 0xff : (ip.bytes[0] & 0xf0) == 0xe0;
}

bool is_impossible_source(const ip_address& ip) noexcept {
  if (ip.is_unspecified() || is_multicast(ip)) return true;
  if (!ip.is_v6) // RFC 1122 3.2.1.3: 0/8, 127/8, and the limited broadcast with the rest of 240/4
    return ip.bytes[0] == 0 || ip.bytes[0] == 127 || ip.bytes[0] >= 240;
  return std::all_of(ip.bytes.begin(), ip.bytes.end() - 1, [](auto b) { return b == 0; }) &&
         ip.bytes[15] == 1; // ::1
}

ip_address solicited_node_of(const ip_address& ip) noexcept {
  ip_address group;
  group.is_v6 = true;
  group.bytes = {0xff,         0x02,         0,           0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff,
                 ip.bytes[13], ip.bytes[14], ip.bytes[15]};
  return group;
}

rte_ether_addr multicast_mac_of(const ip_address& v6_group) noexcept {
  const auto& b = v6_group.bytes;
  return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

std::vector<rte_ether_addr> group_macs(const station& us) {
  std::vector<rte_ether_addr> out;
  const auto add = [&](const ip_address& group) {
    const rte_ether_addr mac = multicast_mac_of(group);
    if (std::ranges::none_of(out, [&](const auto& m) { return rte_is_same_ether_addr(&m, &mac); }))
      out.push_back(mac);
  };
  if (std::ranges::none_of(us.addresses, [](const port_address& a) { return a.ip.is_v6; }))
    return out;
  add(link_scope_group(1)); // all nodes
  add(solicited_node_of(us.link_local));
  for (const port_address& a : us.addresses)
    if (a.ip.is_v6) add(solicited_node_of(a.ip));
  return out;
}

} // namespace linehunt::dpdk
