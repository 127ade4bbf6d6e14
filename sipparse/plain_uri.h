// SPDX-License-Identifier: Apache-2.0
// SIP and SIPS URIs in the plain form that nearly every sender writes: user or none, no password,
// no headers. As plain_fields.h: read with the same result as by the grammar, or false, and then
// the grammar is asked. Private to sipparse.
#pragma once

#include "sipparse/plain_fields.h"
#include "sipparse/uri.h"

namespace linehunt::sip::plain {

inline constexpr grammar::char_set uri_user_chars = grammar::visible - grammar::char_set("@:<>\"");
inline constexpr grammar::char_set uri_parameter_chars =
    grammar::visible - grammar::char_set("@?<>\"");

// "sip:" [ user "@" ] host [ ":" port ] *( ";" parameter )
[[nodiscard, gnu::always_inline]] inline bool sip_uri(const text& t, sip::uri& out) noexcept {
  const char* p = t.first;
  if (t.last - p < 6) return false;
  if (goes_on_with<"sip:">(p)) {
    out.scheme = uri_scheme::sip;
    p += 4;
  } else if (goes_on_with<"sips">(p) && p[4] == ':') {
    out.scheme = uri_scheme::sips;
    p += 5;
  } else {
    return false;
  }
  out.scheme_text = between(t.first, p - 1);

  const char* const user_end = skip<uri_user_chars>(p, t);
  if (user_end != t.last && *user_end == '@') {
    if (user_end == p) return false;
    out.user = between(p, user_end);
    p = user_end + 1;
    if (p == t.last) return false;
  } else if (user_end != t.last &&
             std::memchr(user_end, '@', static_cast<std::size_t>(t.last - user_end)) != nullptr) {
    return false; // a password, most likely
  }

  if (*p == '[') {
    const char* const end = skip<grammar::ipv6_chars>(p + 1, t);
    if (end == p + 1 || end == t.last || *end != ']') return false;
    out.host = between(p + 1, end);
    out.host_is_ipv6 = true;
    p = end + 1;
  } else {
    const char* const end = skip<grammar::host_chars>(p, t);
    if (end == p) return false;
    out.host = between(p, end);
    p = end;
  }
  if (p != t.last && *p == ':') {
    ++p;
    if (!port(p, t.last, out.port)) return false;
  }
  if (p != t.last && *p == ';') {
    const char* const end = skip<uri_parameter_chars>(p, t);
    out.parameters = between(p, end);
    p = end;
  }
  return p == t.last;
}

} // namespace linehunt::sip::plain
