// SPDX-License-Identifier: Apache-2.0
// The split of a start line into its three parts (RFC 3261 7.1, 7.2). Private to sipparse.
#pragma once

#include "sipparse/message_view.h"
#include "sipparse/scan.h"

#include <cstdint>

namespace linehunt::sip {

// [begin, end) is the line without its line end. Fills method to reason of `out`; after an error
// other than not_sip too, as far as the parts can be told apart.
scan_result split_start_line(std::uint32_t begin, std::uint32_t end, message_view& out) noexcept;

} // namespace linehunt::sip
