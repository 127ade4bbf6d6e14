// SPDX-License-Identifier: Apache-2.0
// Character classes for the URI and SDP grammars, as X3 parsers over tables made at compile time.
#pragma once

#include <boost/spirit/home/x3.hpp>

#include <array>
#include <string_view>

namespace linehunt::sip::tables {

namespace x3 = boost::spirit::x3;

using char_table = std::array<bool, 256>;

// The members of `chars`, and where wanted letters, digits and the bytes above 0x7f (UTF-8).
struct char_groups {
  bool letters = false;
  bool digits = false;
  bool high = false;
};
consteval char_table table_of(std::string_view chars, char_groups groups = {}) {
  char_table table{};
  for (const char c : chars)
    table[static_cast<unsigned char>(c)] = true;
  for (unsigned c = 0; c < table.size(); ++c) {
    if (groups.digits && c >= '0' && c <= '9') table[c] = true;
    if (groups.letters && ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) table[c] = true;
    if (groups.high && c > 0x7f) table[c] = true;
  }
  return table;
}

// Everything visible (and the high bytes) but the members of `chars`.
consteval char_table table_of_all_but(std::string_view chars) {
  char_table table{};
  for (unsigned c = 0x21; c < table.size(); ++c)
    table[c] = c != 0x7f;
  for (const char c : chars)
    table[static_cast<unsigned char>(c)] = false;
  return table;
}

template <const char_table& Table>
struct in_table : x3::char_parser<in_table<Table>> {
  using attribute_type = char;
  static constexpr bool has_attribute = true;
  template <class Char, class Context>
  bool test(Char c, const Context&) const noexcept {
    return Table[static_cast<unsigned char>(c)];
  }
};

// A semantic action that stores the matched range, given by x3::raw, into a member of the struct
// that x3::with<Target> carries.
template <class Target>
constexpr auto into(std::string_view Target::*member) {
  return [member](auto& ctx) {
    const auto& range = x3::_attr(ctx);
    x3::get<Target>(ctx).*member = {range.begin(), range.size()};
  };
}

} // namespace linehunt::sip::tables
