// SPDX-License-Identifier: Apache-2.0
// Grammars of single header fields (RFC 3261 25.1), run only when somebody asks. All results are
// views into the text handed in; nothing is allocated. Input is a header's value as message_view
// gives it: outer white space trimmed, folds (CRLF + white space) possible inside, where they count
// as white space.
#pragma once

#include "sipparse/message_view.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace linehunt::sip {

// Where a field breaks its grammar. `at` is an offset into the text handed in.
template <class Value>
struct [[nodiscard]] field_result {
  Value value{};
  bool ok = false;
  std::uint16_t at = 0;
  explicit operator bool() const noexcept { return ok; }
  const Value* operator->() const noexcept { return &value; }
  const Value& operator*() const noexcept { return value; }
};

// RFC 3261 20.42, 18.2.1; rport RFC 3581. One Via element of a possibly comma-separated value.
struct via_field {
  std::string_view transport;     // "UDP"
  std::string_view sent_by_host;  // IPv6 references without their brackets
  std::uint16_t sent_by_port = 0; // 0 where absent
  std::string_view branch;        // empty where absent
  std::string_view received;      // brackets removed
  std::string_view maddr;
  bool has_rport = false;      // ";rport" with or without a value
  std::uint16_t rport = 0;     // its value, 0 where absent
  bool has_oc = false;         // ";oc" with or without a value (RFC 7339), see overload.h
  std::string_view rport_text; // the whole parameter as written, to be replaced
  std::string_view element;    // this element alone, without the comma or outer white space
  std::string_view rest;       // what follows the comma; empty for the last element
};
field_result<via_field> parse_via(std::string_view value) noexcept;

// RFC 3261 20.10, 20.20, 20.30, 20.34, 20.39: From, To, Contact, Route, Record-Route.
// One element; name-addr or addr-spec. In addr-spec form parameters belong to the header.
struct address_field {
  std::string_view display_name; // quotes included where written; may be empty
  std::string_view uri;          // without < >
  std::string_view parameters;   // of the header, from its first ';' on; empty where none
  std::string_view tag;          // value of the header parameter "tag"
  std::string_view element;      // this element alone
  std::string_view rest;         // what follows the comma; empty for the last element
  bool angle_brackets = false;
  bool star = false; // Contact: *
};
field_result<address_field> parse_address(std::string_view value) noexcept;

// RFC 3261 20.16. A number of 2^31 and above is an error (RFC 3261 8.1.1.5, RFC 4475 3.1.2.4):
// nobody could count on from there.
inline constexpr std::uint32_t most_cseq = 0x7fffffff;
struct cseq_field {
  std::uint32_t number = 0;
  sip::method method = sip::method::unknown;
  std::string_view method_text;
};
field_result<cseq_field> parse_cseq(std::string_view value) noexcept;

// Digits only (Max-Forwards, Content-Length). A value above `most` is an error.
field_result<std::uint32_t> parse_number(std::string_view value, std::uint32_t most) noexcept;

// RFC 3261 20.33: seconds; comment and parameters are allowed and ignored.
field_result<std::uint32_t> parse_retry_after(std::string_view value) noexcept;

// RFC 4028 4: seconds; parameters are allowed and ignored: who is to refresh is up to the parties.
field_result<std::uint32_t> parse_session_expires(std::string_view value) noexcept;

// RFC 3891 6.1: the dialog that an INVITE replaces. Each tag once, with a value; `early-only` and
// what else stands there is for whom it reaches.
struct replaces_field {
  std::string_view call_id, to_tag, from_tag;
};
field_result<replaces_field> parse_replaces(std::string_view value) noexcept;

// Walks a comma-separated list of tokens (Require, Proxy-Require). Empty optional at the end or
// where the rest is no token; `rest` is moved on.
[[nodiscard]] std::optional<std::string_view> next_token(std::string_view& rest) noexcept;

// The value of parameter `name` (case-insensitive) in ";a=b;c", quotes kept; nullopt where absent,
// empty where it has no value. Knows quoted strings.
[[nodiscard]] std::optional<std::string_view> find_parameter(std::string_view parameters,
                                                             std::string_view name) noexcept;

} // namespace linehunt::sip
