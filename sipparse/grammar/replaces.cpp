// SPDX-License-Identifier: Apache-2.0
// Replaces (RFC 3891 6.1).
#include "sipparse/grammar/primitives.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct replaces_target : replaces_field {
  const char* reached = nullptr;
  std::string_view name, value;
};

struct end_replaces_parameter {
  template <class Context>
  void operator()(const Context& context) const noexcept {
    auto& field = x3::get<target>(context);
    const auto take = [&](std::string_view& into) {
      const bool once = into.empty();
      into = field.value;
      if (!once || field.value.empty()) x3::_pass(context) = false;
    };
    if (equals_ignoring_case(field.name, "to-tag"))
      take(field.to_tag);
    else if (equals_ignoring_case(field.name, "from-tag"))
      take(field.from_tag);
    field.value = {};
  }
};

const auto replaces_parameter =
    x3::raw[view<&replaces_target::name>(token) >>
            -(separator('=') >> view<&replaces_target::value>(gen_value))]
           [end_replaces_parameter{}];
const auto replaced_call_id = run<word_chars> >> -(x3::lit('@') >> run<word_chars>);
const auto replaces = view<&replaces_target::call_id>(replaced_call_id) >> mark >>
                      *(separator(';') >> replaces_parameter >> mark);

} // namespace
} // namespace grammar

field_result<replaces_field> parse_replaces(std::string_view value) noexcept {
  using namespace grammar;
  replaces_target state;
  const char* const end = run_rule(replaces, value, state);
  if (end == nullptr || end != value.data() + value.size() || state.to_tag.empty() ||
      state.from_tag.empty())
    return failed_at<replaces_field>(value, state.reached, state);
  return {state, true, 0};
}

} // namespace linehunt::sip
