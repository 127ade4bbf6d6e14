// SPDX-License-Identifier: Apache-2.0
// How the lease mails fill the fields of `mail`. The protocol is in dataplane/LEASES.md.
//
//   lease_request  slot, value = calls that want a line; one mail for each slot of the set, the
//                  last one flagged; subject = destination, adoption
//   lease_grant    value = calls granted, each a line of every slot of the request;
//                  subject = destination, spare lines of every slot besides
//   lease_refuse   subject = destination: the rest of the request is refused
//   lease_recall   slot: all free lines, and those to come
//   lease_return   slot, value = lines given back, below zero: taken by force; flagged where it
//                  answers a recall
#pragma once

#include "dataplane/mail.h"

#include <cstdint>

namespace linehunt::ledger {

inline constexpr std::uint8_t last_of_request = 1;
inline constexpr std::uint8_t answers_recall = 1;

[[nodiscard]] inline std::uint64_t make_subject(std::uint32_t destination,
                                                std::uint32_t second) noexcept {
  return destination | std::uint64_t{second} << 32;
}
[[nodiscard]] inline std::uint32_t destination_of(const mail& m) noexcept {
  return static_cast<std::uint32_t>(m.subject);
}
[[nodiscard]] inline std::uint32_t second_of(const mail& m) noexcept {
  return static_cast<std::uint32_t>(m.subject >> 32);
}

} // namespace linehunt::ledger
