// SPDX-License-Identifier: Apache-2.0
// The fields by their grammars alone. parse_via, parse_address and parse_uri try the short ways of
// plain_fields.h and plain_uri.h first; tests compare the two. Private to sipparse.
#pragma once

#include "sipparse/uri.h"

namespace linehunt::sip::grammar {

[[nodiscard]] field_result<via_field> via_by_grammar(std::string_view value) noexcept;
[[nodiscard]] field_result<address_field> address_by_grammar(std::string_view value) noexcept;
[[nodiscard]] field_result<uri> uri_by_grammar(std::string_view text) noexcept;

} // namespace linehunt::sip::grammar
