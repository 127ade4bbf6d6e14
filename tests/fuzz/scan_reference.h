// SPDX-License-Identifier: Apache-2.0
// The header section of any datagram whatever, read byte by byte as RFC 3261 7.3 and GRAMMAR.md
// have it. The kernels share what makes lines into headers, so they could all be wrong alike. It
// shares no code with sipparse.
#pragma once

#include "sipparse/message_view.h"
#include "sipparse/scan.h"

namespace linehunt::sip {

// Of a view whose start line the scan has read: are its header lines, their values, counts and ends
// those that are there, and is `scanned` what has to be said of them?
[[nodiscard]] bool is_as_the_bytes_say(const message_view& view, scan_result scanned);

} // namespace linehunt::sip
