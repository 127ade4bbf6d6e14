// SPDX-License-Identifier: Apache-2.0
// Session-Expires (RFC 4028 4).
#include "sipparse/grammar/primitives.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct session_expires_target : session_expires_field {
  const char* reached = nullptr;
  std::string_view digits, name, value;
};

struct end_parameter {
  template <class Context>
  void operator()(const Context& context) const noexcept {
    auto& field = x3::get<target>(context);
    if (equals_ignoring_case(field.name, "refresher")) {
      if (equals_ignoring_case(field.value, "uac"))
        field.refresher = refresher::uac;
      else if (equals_ignoring_case(field.value, "uas"))
        field.refresher = refresher::uas;
      else
        x3::_pass(context) = false;
    }
    field.value = {};
  }
};

const auto parameter =
    x3::raw[view<&session_expires_target::name>(token) >>
            -(separator('=') >> view<&session_expires_target::value>(gen_value))][end_parameter{}];
const auto session_expires = view<&session_expires_target::digits>(run<digit>) >> mark >>
                             *(separator(';') >> parameter >> mark);

} // namespace
} // namespace grammar

field_result<session_expires_field> parse_session_expires(std::string_view value) noexcept {
  using namespace grammar;
  session_expires_target state;
  const char* const end = run_rule(session_expires, value, state);
  if (end == nullptr || end != value.data() + value.size())
    return failed_at<session_expires_field>(value, state.reached, state);
  std::uint64_t seconds = 0;
  if (!to_number(state.digits, 0xffffffffU, seconds))
    return failed_at<session_expires_field>(value, value.data(), state);
  state.delta_seconds = static_cast<std::uint32_t>(seconds);
  return {state, true, 0};
}

} // namespace linehunt::sip
