// SPDX-License-Identifier: Apache-2.0
// The checks of RFC 3261 16.3 in its order: syntax, Request-URI scheme, Max-Forwards,
// Proxy-Require. One fault decides; who may be answered is decided at the end, in one place.
#include "sipparse/validate.h"

#include "sipparse/header_value.h"
#include "sipparse/uri.h"

#include <algorithm>

namespace linehunt::sip {
namespace {

struct fault {
  std::uint16_t status = 0; // 0: none
  std::string_view reason;
};

constexpr std::string_view no_text; // where a switch has to end in a value

std::string_view reason_of(scan_error error) noexcept {
  switch (error) {
  case scan_error::bad_start_line:
    return "Bad Request - Request-Line";
  case scan_error::no_header_end:
    return "Bad Request - Headers Without End";
  case scan_error::bad_header_line:
    return "Bad Request - Header Line";
  default:
    return "Bad Request";
  }
}

std::string_view reason_of(routing_error error) noexcept {
  switch (error) {
  case routing_error::none:
    return no_text;
  case routing_error::via:
    return "Bad Request - Via";
  case routing_error::from:
    return "Bad Request - From";
  case routing_error::to:
    return "Bad Request - To";
  case routing_error::call_id:
    return "Bad Request - Call-ID";
  case routing_error::cseq:
    return "Bad Request - CSeq";
  case routing_error::max_forwards:
    return "Bad Request - Max-Forwards";
  case routing_error::route:
    return "Bad Request - Route";
  case routing_error::content_length:
    return "Bad Request - Content-Length";
  case routing_error::repeated:
    return "Bad Request - Repeated Header Field";
  case routing_error::cseq_mismatch:
    return "Bad Request - CSeq Method";
  case routing_error::body_short:
    return "Bad Request - Body Shorter Than Content-Length";
  }
  return no_text;
}

// We know none of the option tags that a Proxy-Require names (RFC 3261 16.3 5.).
bool requires_extension(const message_view& request) noexcept {
  if (!request.has(header_id::proxy_require)) return false;
  return std::any_of(
      request.headers.begin(), request.headers.begin() + request.header_count,
      [](const header& h) { return h.id == header_id::proxy_require && h.value.len > 0; });
}

fault fault_of_request(const message_view& request, scan_result scanned, const routing_view& view,
                       routing_result routed) noexcept {
  if (scanned.error == scan_error::bad_version) return {505, "Version Not Supported"};
  if (!scanned) return {400, reason_of(scanned.error)};
  // The index holds more headers than any honest message has; what lies past it we cannot judge.
  if (request.index_full) return {400, "Bad Request - Too Many Header Fields"};
  if (!routed) return {400, reason_of(routed.error)};

  const auto& uri = view.request_uri;
  if (!uri) return {400, "Bad Request - Request-URI"};
  if (uri->scheme == uri_scheme::other) return {416, "Unsupported URI Scheme"};
  // RFC 3261 19.1.1: no headers in a Request-URI. They must not travel on (RFC 4475 3.1.2.11).
  if (!uri->headers.empty()) return {400, "Bad Request - Headers In Request-URI"};

  // A CANCEL is for this hop and goes no further as it is (RFC 3261 9.2, 16.10); Proxy-Require in
  // CANCEL and ACK is ignored (RFC 3261 8.2.2.3).
  if (request.method == method::cancel) return {};
  if (view.max_forwards == 0) return {483, "Too Many Hops"};
  if (request.method == method::ack) return {};
  if (requires_extension(request)) return {420, "Bad Extension"};
  return {};
}

// RFC 4475 3.3.10: a response must not be sent to the broadcast address. The target is chosen as
// RFC 3261 18.2.2 says, but for maddr, which nothing is sent to.
bool goes_to_broadcast(const routing_view& view) noexcept {
  if (!view.has_next_via) return false;
  const via_field& via = view.next_via;
  const auto target = !via.received.empty() ? via.received : via.sent_by_host;
  return target == "255.255.255.255";
}

// What a reply has of its request (RFC 3261 8.2.6.2).
bool is_copied(header_id id) noexcept {
  return id == header_id::via || id == header_id::from || id == header_id::to ||
         id == header_id::call_id || id == header_id::cseq;
}

// An answer needs a Via to find its way and is never given to an ACK (RFC 3261 17.1.1.3) or to
// what is no request. Vias past the index could not be copied, and a bare CR must not be.
[[gnu::noinline]] bool can_be_answered(const message_view& message) noexcept {
  if (!message.is_request || message.method == method::ack) return false;
  std::uint16_t vias = 0;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    const header& h = message.headers[i];
    if (h.id == header_id::via) ++vias;
    if (is_copied(h.id) && find_bare_return(message.text(h.line)) != std::string_view::npos)
      return false;
  }
  return vias > 0 && vias == message.count_of(header_id::via);
}

bool is_sip(scan_error error) noexcept {
  return error != scan_error::empty && error != scan_error::too_long &&
         error != scan_error::not_sip;
}

} // namespace

validation validate(const message_view& message, scan_result scanned, const routing_view& view,
                    routing_result routed) noexcept {
  if (!is_sip(scanned.error)) return {disposition::drop, 0, "Not SIP"};
  if (!message.is_request) {
    if (scanned && routed && !message.index_full && !goes_to_broadcast(view)) return {};
    return {disposition::drop, 0, "Bad Response"};
  }
  const fault found = fault_of_request(message, scanned, view, routed);
  if (found.status == 0) return {};
  return {can_be_answered(message) ? disposition::reply : disposition::drop, found.status,
          found.reason};
}

} // namespace linehunt::sip
