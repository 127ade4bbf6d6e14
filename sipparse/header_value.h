// SPDX-License-Identifier: Apache-2.0
// Where a header's value begins and ends in its line (RFC 3261 7.3.1). Private to sipparse.
#pragma once

#include "sipparse/message_view.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linehunt::sip {

// SP and HTAB (RFC 3261 25.1 WSP).
[[nodiscard]] constexpr bool is_wsp(char c) noexcept {
  return c == ' ' || c == '\t';
}

[[nodiscard]] constexpr bool is_fold_byte(char c) noexcept {
  return is_wsp(c) || c == '\r' || c == '\n';
}

// Without outer white space, folds included.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_fold_byte(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_fold_byte(text.back()))
    text.remove_suffix(1);
  return text;
}

[[nodiscard]] constexpr slice from_to(std::uint32_t begin, std::uint32_t end) noexcept {
  return {static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(end - begin)};
}

// The first CR that no LF follows, as an offset; npos where there is none. Other parsers end a line
// there (RFC 3261 7 does not).
[[nodiscard]] inline std::size_t find_bare_return(std::string_view text) noexcept {
  std::size_t at = text.find('\r');
  while (at != text.npos && at + 1 < text.size() && text[at + 1] == '\n')
    at = text.find('\r', at + 2);
  return at;
}

// The value between the colon and the line end; `end` is the byte behind the last LF. Outer white
// space is left out. The LF ends the way forth and the colon the way back, so neither needs a
// bound.
[[nodiscard]] inline slice trimmed_value(const char* base, std::uint32_t colon, std::uint32_t end,
                                         bool folded) noexcept {
  std::uint32_t begin = colon + 1;
  --end;
  if (base[end - 1] == '\r') --end;
  if (!folded) [[likely]] {
    while (is_wsp(base[begin]))
      ++begin;
    while (is_wsp(base[end - 1]))
      --end;
  } else {
    while (begin < end && is_fold_byte(base[begin]))
      ++begin;
    while (is_fold_byte(base[end - 1]))
      --end;
  }
  return begin < end ? from_to(begin, end) : from_to(colon + 1, colon + 1);
}

} // namespace linehunt::sip
