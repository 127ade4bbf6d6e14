// SPDX-License-Identifier: Apache-2.0
// SIP and SIPS URIs (RFC 3261 19.1), tel URIs (RFC 3966) as opaque numbers, other schemes by name
// only. Views into the text, nothing unescaped.
#pragma once

#include "sipparse/fields.h"

#include <cstdint>
#include <string_view>

namespace linehunt::sip {

enum class uri_scheme : std::uint8_t { other, sip, sips, tel };

struct uri {
  uri_scheme scheme = uri_scheme::other;
  std::string_view scheme_text;
  std::string_view user; // as escaped; includes what RFC 3261 allows (";", "?", ...)
  std::string_view password;
  std::string_view host; // IPv6 references without their brackets; tel: the number is `user`
  bool host_is_ipv6 = false;
  std::uint16_t port = 0;      // 0 where absent
  std::string_view parameters; // from the first ';' of the parameters on
  std::string_view headers;    // what follows '?', without it
};
field_result<uri> parse_uri(std::string_view text) noexcept;

// RFC 3261 16.12: ";lr" says that the hop routes loosely.
[[nodiscard]] bool is_loose_router(const uri& u) noexcept;

} // namespace linehunt::sip
