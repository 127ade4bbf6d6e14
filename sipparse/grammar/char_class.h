// SPDX-License-Identifier: Apache-2.0
// Sets of characters, and the walk over a run of them: the primitive that the grammars are made of.
// A set is two 16-byte tables, so that sixteen bytes are looked up at once. Private to sipparse.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace linehunt::sip::grammar {

// 256 members; `table` for one byte at a time.
struct char_set {
  std::array<bool, 256> table{};

  constexpr char_set() = default;
  constexpr explicit char_set(std::string_view members) {
    for (const char c : members)
      table[static_cast<unsigned char>(c)] = true;
  }
  [[nodiscard]] static constexpr char_set range(unsigned first, unsigned last) {
    char_set s;
    for (unsigned c = first; c <= last; ++c)
      s.table[c] = true;
    return s;
  }
  [[nodiscard]] friend constexpr char_set operator|(char_set a, const char_set& b) {
    for (std::size_t c = 0; c < 256; ++c)
      a.table[c] = a.table[c] || b.table[c];
    return a;
  }
  [[nodiscard]] friend constexpr char_set operator-(char_set a, const char_set& b) {
    for (std::size_t c = 0; c < 256; ++c)
      a.table[c] = a.table[c] && !b.table[c];
    return a;
  }
  [[nodiscard]] constexpr bool has(char c) const { return table[static_cast<unsigned char>(c)]; }
};

inline constexpr char_set alpha = char_set::range('A', 'Z') | char_set::range('a', 'z');
inline constexpr char_set digit = char_set::range('0', '9');
inline constexpr char_set alphanum = alpha | digit;
inline constexpr char_set visible = char_set::range(0x21, 0x7e);

// RFC 3261 25.1.
inline constexpr char_set token_chars = alphanum | char_set("-.!%*_+`'~");
inline constexpr char_set word_chars = token_chars | char_set("()<>:\\\"/[]?{}");
inline constexpr char_set scheme_chars = alphanum | char_set("+-.");
// hostname and IPv4address; '_' is in no host name of the RFC and in many of the field.
inline constexpr char_set host_chars = alphanum | char_set("-._");
inline constexpr char_set ipv6_chars =
    digit | char_set::range('A', 'F') | char_set::range('a', 'f') | char_set(":.");
// gen-value is token / host / quoted-string. Taken wider: any visible character that does not end
// a parameter, since branches with '@', '=' and '/' are about, and `received` comes with IPv6
// addresses without brackets (RFC 5118 4.5).
inline constexpr char_set value_chars = visible - char_set("\",;<>");
// Within < > of a name-addr; bytes of UTF-8 are passed on as they came.
inline constexpr char_set bracketed_uri_chars =
    (visible | char_set::range(0x80, 0xff)) - char_set("<>\"");
// addr-spec without < >: RFC 3261 20 forbids comma and semicolon here (the question mark too, but
// RFC 4475 3.1.2.13 leaves inferring the brackets to us).
inline constexpr char_set bare_uri_chars = bracketed_uri_chars - char_set(",;");
// *(token LWS), as RFC 3261 25.1 has it for display names, and UTF-8, brackets and the like too;
// what could be a URI, a list or a parameter cannot be in it without quotes (RFC 4475 3.1.2.15).
inline constexpr char_set display_chars =
    (visible | char_set::range(0x80, 0xff)) - char_set("<>\",;:");
inline constexpr char_set not_wsp_chars = char_set::range(0, 0xff) - char_set(" \t");

// The first byte from `first` on that is not in the set, or `last`.
template <const char_set& Set>
[[nodiscard]] inline const char* skip(const char* first, const char* last) noexcept {
  while (first != last && Set.has(*first))
    ++first;
  return first;
}

// SWS and LWS (RFC 3261 25.1): white space, and line ends that are followed by white space.
[[nodiscard]] inline const char* skip_lws(const char* first, const char* last) noexcept {
  while (first != last) {
    if (*first == ' ' || *first == '\t') {
      ++first;
      continue;
    }
    const char* p = first;
    if (*p == '\r') ++p;
    if (p == last || *p != '\n' || p + 1 == last || (p[1] != ' ' && p[1] != '\t')) break;
    first = p + 2;
  }
  return first;
}

} // namespace linehunt::sip::grammar
