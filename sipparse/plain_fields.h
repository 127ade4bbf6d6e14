// SPDX-License-Identifier: Apache-2.0
// Fields in the plain form that nearly every sender writes, read without backtracking and sixteen
// or 32 bytes at a time. Each function either reads the field as the grammar behind fields.h would,
// with the same result, or says false, and the caller asks the grammar: folds, white space inside,
// rare parameters and whatever is wrong are not known here. Private to sipparse.
#pragma once

#include "sipparse/fields.h"
#include "sipparse/grammar/char_class.h"
#include "sipparse/method_names.h"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace linehunt::sip::plain {

// The functions are inlined for certain: a `text` then lives in registers. Kept in memory it would
// be stored by halves and loaded whole, which stalls (a third of the routing view's time).

// A header's value, and the end of the message: bytes up to there may be loaded along with it.
struct text {
  const char* first;
  const char* last;
  const char* limit;
};

[[nodiscard, gnu::always_inline]] inline std::string_view between(const char* first,
                                                                  const char* last) noexcept {
  return {first, static_cast<std::size_t>(last - first)};
}

template <const grammar::char_set& Set>
[[nodiscard, gnu::always_inline]] inline const char* skip(const char* p, const text& t) noexcept {
  return grammar::skip<Set>(p, t.last, t.first, t.limit);
}

template <class Number>
[[nodiscard, gnu::always_inline]] inline std::uint64_t load_one(const char* p) noexcept {
  Number bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}
// Four to eight bytes as a number, the first of them lowest; `word` is what to compare with. Out of
// two loads that overlap where there is none of that width: a copy of so many bytes would be stored
// by parts and loaded whole, which stalls.
template <std::size_t N>
[[nodiscard, gnu::always_inline]] inline std::uint64_t load(const char* p) noexcept {
  static_assert(N >= 4 && N <= 8);
  if constexpr (N == 8) return load_one<std::uint64_t>(p);
  if constexpr (N == 4) return load_one<std::uint32_t>(p);
  return load_one<std::uint32_t>(p) | load_one<std::uint32_t>(p + N - 4) << 8 * (N - 4);
}
[[nodiscard, gnu::always_inline]] constexpr std::uint64_t word(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}
// Or-ed to a load of letters it leaves them in lower case; '=', ';' and '/' have to be as they are.
[[nodiscard, gnu::always_inline]] constexpr std::uint64_t
case_bits(std::string_view lower) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = lower.size(); i-- > 0;)
    bits = bits << 8 | (lower[i] >= 'a' && lower[i] <= 'z' ? 0x20U : 0U);
  return bits;
}
template <std::size_t N>
struct literal {
  char bytes[N];
  consteval literal(const char (&s)[N]) {
    for (std::size_t i = 0; i < N; ++i)
      bytes[i] = s[i];
  }
  [[nodiscard, gnu::always_inline]] constexpr std::string_view view() const {
    return {bytes, N - 1};
  }
};
// Does `p` go on with these letters, in either case? At most eight; the caller has seen to it that
// they lie before `limit`.
template <literal Lower>
[[nodiscard, gnu::always_inline]] inline bool goes_on_with(const char* p) noexcept {
  constexpr auto lower = Lower.view();
  return (load<lower.size()>(p) | case_bits(lower)) == word(lower);
}

// Reads decimal digits from `p` on and moves it behind them. Of more than 19 the number is wrong.
[[nodiscard, gnu::always_inline]] inline std::uint64_t digits(const char*& p,
                                                              const char* last) noexcept {
  std::uint64_t n = 0;
  for (; p != last; ++p) {
    const unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
    if (digit > 9) break;
    n = n * 10 + digit;
  }
  return n;
}

// Nothing but digits, nine of them at most.
[[nodiscard, gnu::always_inline]] inline bool number(const text& t, std::uint32_t& out) noexcept {
  const char* p = t.first;
  out = static_cast<std::uint32_t>(digits(p, t.last));
  return p == t.last && p != t.first && p - t.first <= 9;
}

// Four digits at once, as most ports have. A byte with '0' taken off is above 9 where it, or the
// sum, has the top bit. Two neighbours make a pair, two pairs the number:
//   "5060"   05 00 06 00   50 60   5060
[[nodiscard, gnu::always_inline]] inline bool four_digits(const char* p,
                                                          std::uint32_t& out) noexcept {
  const auto bytes = static_cast<std::uint32_t>(load<4>(p)) ^ 0x30303030U;
  if ((((bytes + 0x76767676U) | bytes) & 0x80808080U) != 0) return false;
  const std::uint32_t pairs = (bytes * (10 << 8 | 1)) >> 8 & 0x00ff00ffU;
  out = (pairs * (100 << 16 | 1)) >> 16;
  return true;
}

// A port behind its colon or '=', of six digits at most; moves `p` behind it.
[[nodiscard, gnu::always_inline]] inline bool port(const char*& p, const char* last,
                                                   std::uint16_t& out) noexcept {
  const char* const first = p;
  std::uint32_t four = 0;
  std::uint64_t n;
  if (last - p >= 4 && four_digits(p, four) && (last - p == 4 || !grammar::digit.has(p[4]))) {
    p += 4;
    n = four;
  } else {
    n = digits(p, last);
  }
  out = static_cast<std::uint16_t>(n);
  return p != first && p - first <= 6 && n <= 65535;
}

// [ DQUOTE ... DQUOTE SP ] "<" sip-or-tel-uri ">" [ ";tag=" value ] or addr-spec [ ";tag=" value ],
// nothing behind it. `uri` and `tag` are what parse_address gives.
[[nodiscard, gnu::always_inline]] inline bool address(const text& t, std::string_view& uri,
                                                      std::string_view& tag) noexcept {
  const char* p = t.first;
  const char* uri_end;
  if (t.limit - p < 8) return false;
  if (*p == '"') {
    p = skip<grammar::plain_quoted_chars>(p + 1, t);
    if (t.last - p < 3 || *p != '"') return false;
    ++p;
    p += *p == ' ';
    if (*p != '<') return false;
  }
  const bool brackets = *p == '<';
  p += brackets;
  if (t.last - p < 5) return false;
  // "sip:", "sips:" or "tel:" and at least one byte.
  const std::ptrdiff_t scheme = goes_on_with<"sip:">(p) || goes_on_with<"tel:">(p) ? 4
                                : goes_on_with<"sips">(p) && p[4] == ':'           ? 5
                                                                                   : 0;
  if (scheme == 0) return false;
  const char* const uri_begin = p;
  p += scheme;
  if (brackets) {
    uri_end = skip<grammar::ascii_uri_chars>(p, t);
    if (uri_end == p || uri_end == t.last || *uri_end != '>') return false;
    p = uri_end + 1;
  } else {
    uri_end = skip<grammar::bare_uri_chars>(p, t);
    if (uri_end == p) return false;
    p = uri_end;
  }
  uri = between(uri_begin, uri_end);
  if (p == t.last) {
    tag = {};
    return true;
  }
  if (t.last - p < 6 || *p != ';' || !goes_on_with<"tag=">(p + 1)) return false;
  p += 5;
  const char* const tag_end = skip<grammar::value_chars>(p, t);
  tag = between(p, tag_end);
  return tag_end == t.last && tag_end != p;
}

// The topmost Route: "<" uri ">", and then the end or a comma, behind which nobody looks.
[[nodiscard, gnu::always_inline]] inline bool route(const text& t, std::string_view& uri) noexcept {
  const char* p = t.first;
  if (t.last - p < 7 || *p != '<') return false;
  if (!goes_on_with<"sip:">(p + 1)) return false;
  const char* const end = skip<grammar::ascii_uri_chars>(p + 5, t);
  if (end == p + 5 || end == t.last || *end != '>') return false;
  uri = between(p + 1, end);
  return end + 1 == t.last || end[1] == ',';
}

// "SIP/2.0/" transport SP host [ ":" port ] with the parameters that are common, nothing behind it.
[[nodiscard, gnu::always_inline]] inline bool via(const text& t, via_field& out) noexcept {
  const char* p = t.first;
  // Eight bytes of protocol, three of transport, a blank; the loads below end within that.
  if (t.last - p < 14 || load<8>(p) != word("SIP/2.0/")) return false;
  if (load<4>(p + 8) != word("UDP ") &&
      (p[11] != ' ' || !grammar::token_chars.has(p[8]) || !grammar::token_chars.has(p[9]) ||
       !grammar::token_chars.has(p[10])))
    return false;
  out.transport = between(p + 8, p + 11);
  p += 12;
  if (*p == '[') {
    const char* const end = skip<grammar::ipv6_chars>(p + 1, t);
    if (end == p + 1 || end == t.last || *end != ']') return false;
    out.sent_by_host = between(p + 1, end);
    p = end + 1;
  } else {
    const char* const end = skip<grammar::host_chars>(p, t);
    if (end == p) return false;
    out.sent_by_host = between(p, end);
    p = end;
  }
  if (p != t.last && *p == ':') {
    ++p;
    if (!port(p, t.last, out.sent_by_port)) return false;
  }
  while (p != t.last) {
    if (*p != ';') return false;
    const char* const name = ++p;
    const auto loadable = t.limit - p;
    const char* value = nullptr;
    std::string_view* into = nullptr;
    if (loadable > 7 && goes_on_with<"branch=">(p)) {
      value = p + 7;
      into = &out.branch;
    } else if (loadable >= 5 && goes_on_with<"rport">(p)) {
      if (out.has_rport) return false;
      p += 5;
      if (p < t.last && *p == '=') {
        ++p;
        if (!port(p, t.last, out.rport)) return false;
      }
      // `p` may lie behind `last` where the value ends in the middle of the name.
      if (p > t.last || (p != t.last && *p != ';')) return false;
      out.has_rport = true;
      out.rport_text = between(name, p);
      continue;
    } else if (loadable > 9 && goes_on_with<"received">(p) && p[8] == '=') {
      value = p + 9;
      into = &out.received;
    } else if (loadable > 3 && (p[0] | 0x20) == 'o' && (p[1] | 0x20) == 'c') {
      // As we send it ourselves, so every response of a destination has it: oc, oc-algo="loss".
      const char* const end = skip<grammar::token_chars>(p, t);
      if (end - p == 2)
        out.has_oc = true;
      else if (end - p < 2 || p[2] != '-')
        return false;
      p = end;
      if (p == t.last || *p == ';') continue;
      if (*p != '=' || ++p == t.last) return false;
      const bool quoted = *p == '"';
      const char* const begin = p + quoted;
      p = quoted ? skip<grammar::plain_quoted_chars>(begin, t)
                 : skip<grammar::value_chars>(begin, t);
      if (quoted ? p == t.last || *p != '"' : p == begin) return false;
      p += quoted;
      continue;
    } else {
      return false;
    }
    if (value >= t.last || *value == '[' || !into->empty()) return false;
    p = skip<grammar::value_chars>(value, t);
    if (p == value) return false;
    *into = between(value, p);
  }
  out.element = between(t.first, t.last);
  return true;
}

// 1*DIGIT SP method. A name that is known needs no look at its characters.
[[nodiscard, gnu::always_inline]] inline bool cseq(const text& t, cseq_field& out) noexcept {
  const char* p = t.first;
  const std::uint64_t n = digits(p, t.last);
  if (p == t.first || p == t.last || *p != ' ' || p - t.first > 10 || n > most_cseq) return false;
  ++p;
  if (p == t.last) return false;
  out.number = static_cast<std::uint32_t>(n);
  out.method_text = between(p, t.last);
  out.method = classify_method(out.method_text);
  return out.method != method::unknown || skip<grammar::token_chars>(p, t) == t.last;
}

// word [ "@" word ]
[[nodiscard, gnu::always_inline]] inline bool call_id(const text& t) noexcept {
  const char* p = skip<grammar::word_chars>(t.first, t);
  if (p == t.first) return false;
  if (p == t.last) return true;
  if (*p != '@' || ++p == t.last) return false;
  return skip<grammar::word_chars>(p, t) == t.last;
}

} // namespace linehunt::sip::plain
