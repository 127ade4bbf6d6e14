// SPDX-License-Identifier: Apache-2.0
// Edits chosen by the bytes of a datagram itself, against plain string surgery.
#pragma once

#include <string_view>

namespace linehunt::sip {

// False where an edit list does not do to `datagram` what the same edits do to a string, gathered
// or in place.
[[nodiscard]] bool edits_agree(std::string_view datagram);

} // namespace linehunt::sip
