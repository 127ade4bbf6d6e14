// SPDX-License-Identifier: Apache-2.0
// Fields that are a number: Max-Forwards, Content-Length (RFC 3261 20.14, 20.22), and Retry-After
// and Session-Expires with what may stand behind theirs (RFC 3261 20.33, RFC 4028 4).
#include "sipparse/grammar/primitives.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct number_target {
  const char* reached = nullptr;
  std::string_view digits;
};

// RFC 3261 25.1 comment: parentheses, nested, with quoted pairs. Counts its depth instead of
// calling itself, so that no sender chooses how deep our stack is.
struct comment_parser : primitive<comment_parser> {
  template <class Context, class RuleContext, class Attribute>
  bool parse(const char*& first, const char* const& last, const Context&, RuleContext&,
             Attribute&) const noexcept {
    if (first == last || *first != '(') return false;
    std::size_t depth = 0;
    for (const char* p = first; p != last; ++p) {
      if (*p == '(') ++depth;
      if (*p == ')' && --depth == 0) {
        first = p + 1;
        return true;
      }
      if (*p == '\\' && ++p == last) break;
    }
    return false;
  }
};

const auto number = view<&number_target::digits>(run<digit>) >> mark;
const auto parameters = *(separator(';') >> token >> -(separator('=') >> gen_value) >> mark);
const auto retry_after = number >> sws >> -comment_parser{} >> mark >> parameters;
const auto session_expires = number >> parameters;

template <class Rule>
field_result<std::uint32_t> parse(const Rule& rule, std::string_view value,
                                  std::uint32_t most) noexcept {
  number_target state;
  const char* const end = run_rule(rule, value, state);
  if (end == nullptr || end != value.data() + value.size())
    return failed_at<std::uint32_t>(value, state.reached, 0);
  std::uint64_t n = 0;
  if (!to_number(state.digits, most, n)) return failed_at<std::uint32_t>(value, value.data(), 0);
  return {static_cast<std::uint32_t>(n), true, 0};
}

} // namespace
} // namespace grammar

field_result<std::uint32_t> parse_number(std::string_view value, std::uint32_t most) noexcept {
  return grammar::parse(grammar::number, value, most);
}

field_result<std::uint32_t> parse_retry_after(std::string_view value) noexcept {
  return grammar::parse(grammar::retry_after, value, 0xffffffffU);
}

field_result<std::uint32_t> parse_session_expires(std::string_view value) noexcept {
  return grammar::parse(grammar::session_expires, value, 0xffffffffU);
}

} // namespace linehunt::sip
