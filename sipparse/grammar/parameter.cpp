// SPDX-License-Identifier: Apache-2.0
// The look-up of one parameter in ";a=b;c" (RFC 3261 25.1 generic-param).
#include "sipparse/grammar/primitives.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct parameter_target {
  const char* reached = nullptr;
  std::string_view name, value;
};

const auto parameter = separator(';') >> view<&parameter_target::name>(token) >>
                       -(separator('=') >> view<&parameter_target::value>(gen_value));

} // namespace
} // namespace grammar

std::optional<std::string_view> find_parameter(std::string_view parameters,
                                               std::string_view name) noexcept {
  using namespace grammar;
  const char* const last = parameters.data() + parameters.size();
  for (const char* at = parameters.data(); at != last;) {
    parameter_target state;
    at = run_rule(parameter, {at, static_cast<std::size_t>(last - at)}, state);
    if (at == nullptr) return std::nullopt;
    if (equals_ignoring_case(state.name, name)) return state.value;
  }
  return std::nullopt;
}

} // namespace linehunt::sip
