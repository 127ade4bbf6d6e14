// SPDX-License-Identifier: Apache-2.0
// Names and tokens are the same in any case (RFC 3261 7.3.1). ASCII alone; no locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace linehunt::sip {

constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}

} // namespace linehunt::sip
