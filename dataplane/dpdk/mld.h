// SPDX-License-Identifier: Apache-2.0
// Multicast listener discovery for IPv6, versions 2 (RFC 3810) and 1 (RFC 2710), as far as a host
// needs it: a switch that listens to it sends neighbour solicitations for our addresses only to
// ports where somebody has said that he wants them.
#pragma once

#include "dataplane/dpdk/answer.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/station.h"

#include <cstddef>
#include <optional>
#include <rte_mbuf.h>

namespace linehunt::dpdk {

inline constexpr std::uint8_t mld_query = 130;

// Why a report is sent: we have joined, or somebody asks (RFC 3810 5.2.12: the record's type).
enum class mld_reason : std::uint8_t { joined = 4, asked = 2 };

// A query, whose checksum is right: ignored, or with `answer::report` and what its sender
// understands.
[[nodiscard]] answer take_mld_query(const rte_mbuf& m, const frame& f) noexcept;

// Writes the `number`-th frame of a whole report for our solicited-node groups into the empty `m`.
// False: there are no so many, or there is no room.
[[nodiscard]] bool write_mld_report(const station& we, rte_mbuf& m, mld_version version,
                                    mld_reason why, std::size_t number) noexcept;

} // namespace linehunt::dpdk
