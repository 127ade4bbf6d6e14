// SPDX-License-Identifier: Apache-2.0
// Parsers of our own for Spirit X3, from which the rules of the fields are put together: runs of a
// character class, white space with folds, quoted strings. They have no attribute; a rule that
// wants the text takes it with x3::raw, as a view. Private to sipparse.
#pragma once

#include "sipparse/ascii_case.h"
#include "sipparse/fields.h"
#include "sipparse/grammar/char_class.h"

#include <boost/spirit/home/x3.hpp>

#include <string_view>

namespace linehunt::sip::grammar {

namespace x3 = boost::spirit::x3;

// The tag under which a rule's actions find what they fill in.
struct target;

template <class Derived>
struct primitive : x3::parser<Derived> {
  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false;
};

// One or more characters of the set.
template <const char_set& Set>
struct run_parser : primitive<run_parser<Set>> {
  template <class Context, class RuleContext, class Attribute>
  bool parse(const char*& first, const char* const& last, const Context&, RuleContext&,
             Attribute&) const noexcept {
    const char* const end = skip<Set>(first, last);
    if (end == first) return false;
    first = end;
    return true;
  }
};
template <const char_set& Set>
inline constexpr run_parser<Set> run{};

// SWS: matches always. LWS, which needs at least one character, is `lws`.
template <bool Needed>
struct lws_parser : primitive<lws_parser<Needed>> {
  template <class Context, class RuleContext, class Attribute>
  bool parse(const char*& first, const char* const& last, const Context&, RuleContext&,
             Attribute&) const noexcept {
    if (first != last && *first > ' ') [[likely]]
      return !Needed;
    const char* const end = skip_lws(first, last);
    if (Needed && end == first) return false;
    first = end;
    return true;
  }
};
inline constexpr lws_parser<false> sws{};
inline constexpr lws_parser<true> lws{};

// RFC 3261 25.1 quoted-string, from quote to quote; a backslash takes the character behind it
// along, whatever that is (RFC 4475 3.1.1.2 escapes a NUL).
struct quoted_string_parser : primitive<quoted_string_parser> {
  template <class Context, class RuleContext, class Attribute>
  bool parse(const char*& first, const char* const& last, const Context&, RuleContext&,
             Attribute&) const noexcept {
    if (first == last || *first != '"') return false;
    for (const char* p = first + 1; p != last; ++p) {
      if (*p == '"') {
        first = p + 1;
        return true;
      }
      if (*p == '\\' && ++p == last) break;
    }
    return false;
  }
};
inline constexpr quoted_string_parser quoted_string{};

// IPv6reference with its brackets. The inside is not checked more closely than to be of the right
// characters: RFC 5118 4.10 wants three colons in a row tolerated.
inline constexpr auto ipv6_reference = x3::lit('[') >> run<ipv6_chars> >> x3::lit(']');
inline constexpr auto token = run<token_chars>;
inline constexpr auto gen_value = run<value_chars> | quoted_string;

// x3::lit('c') with white space on both sides: SLASH, SEMI, EQUAL, COMMA, COLON.
constexpr auto separator(char c) {
  return sws >> x3::lit(c) >> sws;
}

// Notes how far a rule has come, so that an error can say where the trouble begins.
struct mark_parser : primitive<mark_parser> {
  template <class Context, class RuleContext, class Attribute>
  bool parse(const char*& first, const char* const&, const Context& context, RuleContext&,
             Attribute&) const noexcept {
    x3::get<target>(context).reached = first;
    return true;
  }
};
inline constexpr mark_parser mark{};

// Action: keeps the matched text in a member of the target.
template <auto Member>
struct store {
  template <class Context>
  void operator()(const Context& context) const noexcept {
    const auto& range = x3::_attr(context);
    x3::get<target>(context).*Member = std::string_view(range.begin(), range.size());
  }
};
template <auto Member, class Parser>
constexpr auto view(Parser parser) {
  return x3::raw[parser][store<Member>{}];
}

// Runs a rule over `text` with its target. Returns where the rule ended, or nullptr.
template <class Rule, class Target>
const char* run_rule(const Rule& rule, std::string_view text, Target& state) noexcept {
  const char* first = text.data();
  const char* const last = first + text.size();
  state.reached = first;
  const auto context = x3::make_context<target>(state);
  x3::unused_type none;
  return rule.parse(first, last, context, none, none) ? first : nullptr;
}

template <class Value>
field_result<Value> failed_at(std::string_view text, const char* at, const Value& value) noexcept {
  return {value, false, static_cast<std::uint16_t>(at - text.data())};
}

// One or more digits as a number not above `most`; what is no digit, or needs more than 64 bits,
// is refused.
constexpr bool to_number(std::string_view digits, std::uint64_t most, std::uint64_t& out) noexcept {
  std::uint64_t n = 0;
  for (const char c : digits) {
    if (!digit.has(c)) return false;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
    if (n > most) return false;
  }
  out = n;
  return !digits.empty();
}

} // namespace linehunt::sip::grammar
