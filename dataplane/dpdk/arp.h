// SPDX-License-Identifier: Apache-2.0
// ARP (RFC 826, RFC 5227): answers for our IPv4 addresses, learns, asks.
#pragma once

#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/station.h"

#include <rte_mbuf.h>

namespace linehunt::dpdk {

// `f` comes from inspect_network. The frame may be overwritten by its reply.
[[nodiscard]] answer answer_arp(const station& we, rte_mbuf& m, const frame& f) noexcept;

// Writes a whole frame into the empty `m`: who has `target`? `sender` == `target` announces it
// (RFC 5227 3). With `to` the question goes to that station alone (RFC 1122 2.3.2.1).
// False: no room.
[[nodiscard]] bool write_arp_request(const station& we, rte_mbuf& m, const ip_address& sender,
                                     const ip_address& target, const rte_ether_addr* to) noexcept;

} // namespace linehunt::dpdk
