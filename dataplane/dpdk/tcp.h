// SPDX-License-Identifier: Apache-2.0
// TCP, which we do not speak: who wants to connect is refused. RFC 3261 18.1.1 has senders try TCP
// for a request above 1300 bytes, and go on with UDP as soon as they are refused.
#pragma once

#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/station.h"

#include <rte_mbuf.h>

namespace linehunt::dpdk {

// A reset (RFC 9293 3.10.7.1), written over the SYN, to the MAC it came from.
[[nodiscard]] answer answer_tcp(const station& we, rte_mbuf& m, const frame& f) noexcept;

} // namespace linehunt::dpdk
