// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/tally.h"

namespace linehunt::pktgen {

std::string_view name_of(message_kind kind) noexcept {
  static constexpr std::array<std::string_view, message_kind_count> names{
      "INVITE", "180", "200 INVITE", "ACK", "BYE", "200 BYE"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name_of(fault f) noexcept {
  static constexpr std::array<std::string_view, fault_count> names{"unreadable",
                                                                   "not_ours",
                                                                   "wrong_place",
                                                                   "unexpected_message",
                                                                   "via_missing",
                                                                   "via_changed",
                                                                   "via_left",
                                                                   "record_route",
                                                                   "route_left",
                                                                   "max_forwards",
                                                                   "from_tag",
                                                                   "to_tag",
                                                                   "cseq",
                                                                   "request_uri",
                                                                   "body",
                                                                   "not_offered",
                                                                   "moved",
                                                                   "second_destination",
                                                                   "trying_forwarded",
                                                                   "changed",
                                                                   "too_long"};
  return names[static_cast<std::size_t>(f)];
}

} // namespace linehunt::pktgen
