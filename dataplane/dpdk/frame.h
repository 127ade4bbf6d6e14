// SPDX-License-Identifier: Apache-2.0
// A received frame, read layer by layer: what it is, where its parts lie, or why it ends here.
// Pure: bytes in, judgement out; no device, no engine, no state.
//
//   | Ethernet [VLAN] | IPv4 or IPv6 with its extension headers | UDP | payload |
//   0                 l3_off                                    l4_off payload_off
//
// `inspect_network` reads up to l4_off, `inspect_udp` the rest: a fragment has to be put
// together between the two. One file a layer: ethernet.cpp, ipv4.cpp, ipv6.cpp, udp.cpp.
#pragma once

#include "dataplane/address.h"
#include "dataplane/dpdk/station.h"
#include "dataplane/verdict.h"

#include <cstdint>
#include <optional>
#include <rte_mbuf.h>

namespace linehunt::dpdk {

struct frame {
  std::uint16_t ethertype = 0; // host order, behind the VLAN tag
  bool to_group = false;       // the destination MAC has its group bit set
  bool is_fragment = false;
  std::uint16_t l3_off = 0;
  std::uint16_t l4_off = 0;
  std::uint32_t l4_len = 0; // as the IP header says
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 0;
  ip_address source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint16_t payload_off = 0, payload_len = 0;
};

// Nothing: go on. A verdict: the frame ends here.
using judgement = std::optional<verdict>;

// Ethernet, VLAN, then IPv4 or IPv6. For ARP only the Ethernet part is read.
[[nodiscard]] judgement inspect_network(const station& we, const rte_mbuf& m, frame& out) noexcept;
// The UDP header. `out` comes from inspect_network of the whole datagram.
[[nodiscard]] judgement inspect_udp(const rte_mbuf& m, frame& out) noexcept;

[[nodiscard]] judgement inspect_ethernet(const station& we, const rte_mbuf& m, frame& out) noexcept;
[[nodiscard]] judgement inspect_ipv4(const station& we, const rte_mbuf& m, frame& out) noexcept;
[[nodiscard]] judgement inspect_ipv6(const station& we, const rte_mbuf& m, frame& out) noexcept;

} // namespace linehunt::dpdk
