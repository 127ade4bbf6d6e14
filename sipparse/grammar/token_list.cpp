// SPDX-License-Identifier: Apache-2.0
// Comma-separated tokens: Require, Proxy-Require, Supported (RFC 3261 20.29, 20.32, 20.37).
#include "sipparse/grammar/primitives.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct token_target {
  const char* reached = nullptr;
  std::string_view text;
};

// RFC 3261 25.1 writes #element lists without empty elements.
const auto element = sws >> view<&token_target::text>(token) >> sws;

} // namespace
} // namespace grammar

std::optional<std::string_view> next_token(std::string_view& rest) noexcept {
  using namespace grammar;
  token_target state;
  const char* const last = rest.data() + rest.size();
  const char* end = run_rule(element, rest, state);
  if (end == nullptr || (end != last && *end != ',')) return std::nullopt;
  if (end != last) ++end;
  rest = {end, static_cast<std::size_t>(last - end)};
  return state.text;
}

} // namespace linehunt::sip
