// SPDX-License-Identifier: Apache-2.0
// See printable.h.
#include "dataplane/printable.h"

#include <algorithm>
#include <cstddef>

namespace linehunt {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) noexcept {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
}

// Length of the character at the front (RFC 3629 4); 0 where it is no UTF-8.
std::size_t length_of(std::string_view text) noexcept {
  const unsigned first = byte_at(text, 0), second = byte_at(text, 1);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xc2 || first > 0xf4 ? 0
                             : first < 0xe0               ? 2
                             : first < 0xf0               ? 3
                                                          : 4;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  // Longer than need be, surrogates, and beyond U+10FFFF.
  const bool none = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
                    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
  return none ? 0 : length;
}

std::string hex(unsigned value) {
  constexpr std::string_view digits = "0123456789abcdef";
  return {digits[value >> 4 & 15], digits[value & 15]};
}

// A character, or a byte that is none.
bool is_control(std::string_view character) noexcept {
  const unsigned first = byte_at(character, 0);
  return first < ' ' || first == 0x7f || (first == 0xc2 && byte_at(character, 1) < 0xa0);
}

// Calls `take(character, is_utf8)` one after the other.
template <typename Take>
void for_each_character(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t length = length_of(text);
    take(text.substr(0, std::max<std::size_t>(length, 1)), length != 0);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

std::string shown(std::string_view text, bool keeps_lines) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::string_view character, bool is_utf8) {
    const unsigned first = byte_at(character, 0);
    if (keeps_lines && first == '\n')
      out += '\n';
    else if (!is_utf8 || first < ' ')
      out += "\\x" + hex(first);
    else if (is_control(character))
      out += "\\u00" + hex(byte_at(character, character.size() - 1)); // so that JSON stays JSON
    else
      out += character;
  });
  return out;
}

} // namespace

bool has_control_character(std::string_view text) noexcept {
  bool any = false;
  for_each_character(text, [&](std::string_view character, bool is_utf8) {
    any = any || (is_utf8 && is_control(character));
  });
  return any;
}

std::string printable(std::string_view text) {
  return shown(text, false);
}

std::string printable_lines(std::string_view text) {
  return shown(text, true);
}

} // namespace linehunt
