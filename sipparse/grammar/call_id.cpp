// SPDX-License-Identifier: Apache-2.0
// Call-ID (RFC 3261 20.8, 25.1 callid).
#include "sipparse/grammar/primitives.h"

namespace linehunt::sip {
namespace grammar {
namespace {

struct call_id_target {
  const char* reached = nullptr;
};

const auto call_id = run<word_chars> >> -(x3::lit('@') >> run<word_chars>);

} // namespace
} // namespace grammar

bool is_call_id(std::string_view value) noexcept {
  grammar::call_id_target state;
  const char* const end = grammar::run_rule(grammar::call_id, value, state);
  return end != nullptr && end == value.data() + value.size();
}

} // namespace linehunt::sip
