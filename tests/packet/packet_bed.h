// SPDX-License-Identifier: Apache-2.0
// What every packet test stands on: EAL without hugepages or devices, one mempool, and mbufs from
// bytes and back. EAL starts once in a process, so each test program is a process of its own.
#pragma once

#include "dataplane/dpdk/mbuf.h"
#include "dataplane/dpdk/station.h"

#include <rte_mempool.h>
#include <string>
#include <string_view>

namespace linehunt::test {

// Whether EAL opens its telemetry socket; a test program that wants it says so before main.
inline bool wants_telemetry = false;

// EAL has the lcores of two workers, and ends with the tests.
[[nodiscard]] rte_mempool& pool();
[[nodiscard]] dpdk::mbuf_ptr to_mbuf(std::string_view frame);
// In pieces of `segment_bytes`, chained.
[[nodiscard]] dpdk::mbuf_ptr to_chain(std::string_view frame, std::size_t segment_bytes);
[[nodiscard]] std::string bytes_of(const rte_mbuf& m);
[[nodiscard]] std::uint64_t mbufs_out();

// 192.0.2.1/24 and 2001:db8::1/64 with our_mac, gateways 192.0.2.254 and 2001:db8::254.
[[nodiscard]] dpdk::station our_station();

} // namespace linehunt::test
