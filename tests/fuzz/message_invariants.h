// SPDX-License-Identifier: Apache-2.0
// What must hold for any datagram whatever that sipparse is handed. The fuzzer, the replay of its
// findings and the truncation tests all ask here.
#pragma once

#include <string>
#include <string_view>

namespace linehunt::sip {

// Takes the datagram through the scan with every kernel, routing view, field grammars, validation,
// built replies and requests, and edits. Empty where all is well, else what was violated.
[[nodiscard]] std::string violated_invariant(std::string_view datagram);

} // namespace linehunt::sip
