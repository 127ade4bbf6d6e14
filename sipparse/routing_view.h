// SPDX-License-Identifier: Apache-2.0
// The routing view: all that the call engine looks at in nearly every message, taken in one go.
#pragma once

#include "sipparse/fields.h"
#include "sipparse/message_view.h"
#include "sipparse/uri.h"

#include <cstdint>
#include <string_view>

namespace linehunt::sip {

// Which field a routing view could not be made of. The mandatory six of RFC 3261 8.1.1.
enum class routing_error : std::uint8_t {
  none,
  via,
  from,
  to,
  call_id,
  cseq,
  max_forwards,
  route,
  content_length,
  repeated,      // From, To, Call-ID, CSeq, Max-Forwards or a differing Content-Length twice
  cseq_mismatch, // CSeq method differs from the request's method
  body_short,    // Content-Length says more than the datagram holds (RFC 3261 18.3)
};

inline constexpr std::uint16_t no_max_forwards = 0xffff;

struct routing_fields {
  via_field top_via;
  std::string_view from_tag, to_tag; // empty where absent
  std::string_view from_uri, to_uri; // without < >
  std::string_view call_id;
  cseq_field cseq;
  std::uint16_t max_forwards = no_max_forwards;
  std::string_view top_route_uri;   // URI of the topmost Route element; empty where none
  std::uint32_t content_length = 0; // of the body: as declared, or to the end of the datagram
  bool has_content_length = false;
  std::string_view body; // exactly content_length bytes; what follows is ignored
};

struct routing_view : routing_fields {
  // Of a response, the Via below the topmost: where it goes next (RFC 3261 16.7 (9)). False: there
  // is none, or it breaks its grammar, and `next_via` holds anything.
  bool has_next_via = false;
  via_field next_via;
  // Of a request, parse_uri of its Request-URI. Of a response it holds anything.
  field_result<uri> request_uri;
};

struct [[nodiscard]] routing_result {
  routing_error error = routing_error::none;
  std::uint16_t at = 0; // offset into the datagram of the field that is wrong or repeated
  explicit operator bool() const noexcept { return error == routing_error::none; }
};

// Whatever `out` was before; on an error it holds every field that could be read, so that a reply
// can be built.
routing_result make_routing_view(const message_view& message, routing_view& out) noexcept;

} // namespace linehunt::sip
