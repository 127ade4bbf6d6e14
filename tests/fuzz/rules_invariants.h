// SPDX-License-Identifier: Apache-2.0
// What must hold of the rules, and of the small texts that an operator writes, for any bytes
// whatever. The fuzzer and the replay of its findings ask here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linehunt {

// Takes the bytes as a datagram through rules that look at every field, and as the text of
// resources and addresses. Empty where all is well, else what was violated.
[[nodiscard]] std::string violated_rules_invariant(std::string_view bytes);

// What plain code says of each rule for that datagram; empty where it is no request with all that a
// call needs.
[[nodiscard]] std::vector<bool> answers_by_plain_code(std::string_view bytes);

} // namespace linehunt
