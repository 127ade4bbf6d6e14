// SPDX-License-Identifier: Apache-2.0
// IPv6 neighbour discovery (RFC 4861): answers solicitations for our addresses, learns, asks.
// Router discovery, redirects and duplicate address detection of our own are not done: addresses
// and gateways are configured.
#pragma once

#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/station.h"

#include <rte_mbuf.h>

namespace linehunt::dpdk {

// Any ICMPv6 message, echo included. The frame may be overwritten by its reply.
[[nodiscard]] answer answer_icmp6(const station& we, rte_mbuf& m, const frame& f) noexcept;

// Writes a whole frame into the empty `m`. With `to` the question goes to that station alone
// (RFC 4861 7.3.3), else to the solicited-node group. False: no room.
[[nodiscard]] bool write_neighbour_solicitation(const station& we, rte_mbuf& m,
                                                const ip_address& sender, const ip_address& target,
                                                const rte_ether_addr* to) noexcept;
// An unsolicited advertisement of `target`, which is ours, to all nodes (RFC 4861 7.2.6).
[[nodiscard]] bool write_announcement(const station& we, rte_mbuf& m,
                                      const ip_address& target) noexcept;

} // namespace linehunt::dpdk
