// SPDX-License-Identifier: Apache-2.0
// ICMP and ICMPv6 echo (RFC 792, RFC 4443 4): we answer pings, the rest is counted and ignored.
#pragma once

#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/station.h"

#include <rte_mbuf.h>

namespace linehunt::dpdk {

// The reply is written over the request and goes back to the MAC it came from. The packet must be
// one segment.
[[nodiscard]] answer answer_icmp(const station& we, rte_mbuf& m, const frame& f) noexcept;
// Echo only; neighbour discovery is in ndp.h. The checksum has been verified.
[[nodiscard]] answer answer_echo_v6(const station& we, rte_mbuf& m, const frame& f) noexcept;

} // namespace linehunt::dpdk
