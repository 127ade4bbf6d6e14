// SPDX-License-Identifier: Apache-2.0
// URIs: the scheme decides which grammar reads the rest.
#include "sipparse/uri.h"

#include "sipparse/grammar/by_grammar.h"
#include "sipparse/grammar/uri_grammar.h"
#include "sipparse/plain_uri.h"

#include <algorithm>

namespace linehunt::sip {
namespace {

namespace x3 = boost::spirit::x3;

// Schemes compare without case (RFC 3261 19.1.4, RFC 3986 3.1). `lower` is in lower case.
bool is_scheme(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return static_cast<char>(a | 0x20) == b; });
}

uri_scheme scheme_named(std::string_view text) noexcept {
  if (is_scheme(text, "sip")) return uri_scheme::sip;
  if (is_scheme(text, "sips")) return uri_scheme::sips;
  if (is_scheme(text, "tel")) return uri_scheme::tel;
  return uri_scheme::other;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The next character with its escape undone (RFC 3261 19.1.4: escaped and plain are the same).
char take_unescaped(std::string_view& text) noexcept {
  char c = text.front();
  std::size_t used = 1;
  if (c == '%' && text.size() >= 3) {
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    if (high >= 0 && low >= 0) {
      c = static_cast<char>(high << 4 | low);
      used = 3;
    }
  }
  text.remove_prefix(used);
  return c;
}

} // namespace

field_result<uri> parse_uri(std::string_view text) noexcept {
  const char* const last = text.data() + text.size();
  field_result<uri> result;
  result.ok = plain::sip_uri({text.data(), last, last}, result.value);
  if (!result) result = grammar::uri_by_grammar(text);
  return result;
}

field_result<uri> grammar::uri_by_grammar(std::string_view text) noexcept {
  field_result<uri> result;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto parse = [&](const auto& rule) {
    return x3::parse(at, end, x3::with<grammar::target>(result.value)[rule]);
  };

  bool ok = parse(uri_grammar::scheme_text) && at != end && *at == ':';
  if (ok) {
    ++at;
    result.value.scheme = scheme_named(result.value.scheme_text);
    switch (result.value.scheme) {
    case uri_scheme::sip:
    case uri_scheme::sips:
      ok = parse(uri_grammar::sip_rest);
      break;
    case uri_scheme::tel:
      ok = parse(uri_grammar::tel_rest);
      break;
    case uri_scheme::other:
      ok = parse(uri_grammar::opaque_rest);
      break;
    }
  }
  result.ok = ok && at == end;
  result.at = static_cast<std::uint16_t>(at - text.data());
  if (result.ok) result.at = 0;
  return result;
}

bool is_loose_router(const uri& u) noexcept {
  std::string_view left = u.parameters;
  while (!left.empty()) {
    left.remove_prefix(1); // ';'
    std::string_view parameter = left.substr(0, left.find(';'));
    left.remove_prefix(parameter.size());
    std::string_view name = parameter.substr(0, parameter.find('='));
    static constexpr std::string_view lr = "lr";
    std::size_t same = 0;
    while (!name.empty() && same < lr.size() && (take_unescaped(name) | 0x20) == lr[same])
      ++same;
    if (same == lr.size() && name.empty()) return true;
  }
  return false;
}

} // namespace linehunt::sip
