// SPDX-License-Identifier: Apache-2.0
// CSeq (RFC 3261 20.16).
#include "sipparse/grammar/primitives.h"
#include "sipparse/scan.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct cseq_target : cseq_field {
  const char* reached = nullptr;
  std::string_view digits;
};

const auto cseq = view<&cseq_target::digits>(run<digit>) >> mark >> lws >>
                  view<&cseq_target::method_text>(token) >> mark;

} // namespace
} // namespace grammar

field_result<cseq_field> parse_cseq(std::string_view value) noexcept {
  using namespace grammar;
  cseq_target state;
  const char* const end = run_rule(cseq, value, state);
  if (end == nullptr || end != value.data() + value.size())
    return failed_at<cseq_field>(value, state.reached, state);
  std::uint64_t number = 0;
  if (!to_number(state.digits, most_cseq, number))
    return failed_at<cseq_field>(value, value.data(), state);
  state.number = static_cast<std::uint32_t>(number);
  state.method = method_named(state.method_text);
  return {state, true, 0};
}

} // namespace linehunt::sip
