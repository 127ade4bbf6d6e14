// SPDX-License-Identifier: Apache-2.0
// Appending to a fixed buffer. Knows nothing of what is written.
#include "sipparse/build.h"

#include <array>
#include <charconv>

namespace linehunt::sip {

writer& writer::operator<<(std::uint64_t number) noexcept {
  std::array<char, 20> digits; // 2^64 - 1 has 20
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return *this << std::string_view{digits.data(), static_cast<std::size_t>(end - digits.data())};
}

} // namespace linehunt::sip
