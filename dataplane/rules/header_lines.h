// SPDX-License-Identifier: Apache-2.0
// Finding header lines by any name, also those that the message view does not index.
#pragma once

#include "sipparse/message_view.h"

#include <string>
#include <string_view>

namespace linehunt::rules {

// A header's name with its compact form (RFC 3261 7.3.3), either of which finds both.
struct header_name {
  std::string long_form;
  char compact = '\0'; // lower case; '\0' for none
};
[[nodiscard]] header_name header_named(std::string_view name);
// RFC 3261 25.1: field-name is a token.
[[nodiscard]] bool is_header_name(std::string_view name) noexcept;

// The next line with that name at or after `at`, which is moved behind it; starts with
// headers_begin. False at the end. `value` has its outer white space trimmed; folds (CRLF and white
// space) stay inside as they were written.
[[nodiscard]] bool next_line(const sip::message_view& message, const header_name& name,
                             std::uint32_t& at, std::string_view& value) noexcept;

} // namespace linehunt::rules
