// SPDX-License-Identifier: Apache-2.0
// Appending to a fixed buffer. Knows nothing of what is written.
#include "sipparse/build.h"

#include <array>
#include <cstring>

namespace linehunt::sip {
namespace {

// "00" to "99", one behind the other.
constexpr auto pairs = [] {
  std::array<char, 200> digits{};
  for (unsigned i = 0; i < 100; ++i) {
    digits[2 * i] = static_cast<char>('0' + i / 10);
    digits[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return digits;
}();

} // namespace

// Two digits at a time, from the last on. They are few, and std::to_chars would count them first:
// 45 instructions a message of the basic call.
writer& writer::operator<<(std::uint64_t number) noexcept {
  std::array<char, 20> digits; // 2^64 - 1 has 20
  char* const end = digits.data() + digits.size();
  char* at = end;
  for (; number >= 100; number /= 100)
    std::memcpy(at -= 2, &pairs[2 * (number % 100)], 2);
  if (number >= 10)
    std::memcpy(at -= 2, &pairs[2 * number], 2);
  else
    *--at = static_cast<char>('0' + number);
  return *this << std::string_view{at, static_cast<std::size_t>(end - at)};
}

} // namespace linehunt::sip
