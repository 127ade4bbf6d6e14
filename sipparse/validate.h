// SPDX-License-Identifier: Apache-2.0
// The checks a proxy makes on a whole message before it acts (RFC 3261 16.3, 18.3; RFC 4475 and
// RFC 5118 by the table in GRAMMAR.md). Says what to do, does not do it.
#pragma once

#include "sipparse/message_view.h"
#include "sipparse/routing_view.h"
#include "sipparse/scan.h"

#include <cstdint>
#include <string_view>

namespace linehunt::sip {

enum class disposition : std::uint8_t {
  accept, // go on
  reply,  // answer with `status` (never for an ACK: then drop)
  drop,   // discard in silence: a response, an ACK, or nothing that can be answered
};

struct [[nodiscard]] validation {
  disposition what = disposition::accept;
  std::uint16_t status = 0; // 400, 416, 420, 483, 505 where `what` is reply
  std::string_view reason;  // static text: "Bad Request - CSeq" and the like
};

// `scanned` and `routed` are what scan and make_routing_view said. `status` and `reason` are filled
// also where a fault ends in `drop`. Max-Forwards 0 gives 483 for every method but CANCEL, which
// goes no further than this hop; a caller that answers OPTIONS itself (RFC 3261 11) decides that
// first.
validation validate(const message_view& message, scan_result scanned, const routing_view& view,
                    routing_result routed) noexcept;

} // namespace linehunt::sip
