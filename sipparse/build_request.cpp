// SPDX-License-Identifier: Apache-2.0
// Requests that a proxy makes itself: the hop-by-hop ACK and the CANCEL of an INVITE that it sent,
// and requests of its own.
#include "sipparse/build.h"

#include "sipparse/fields.h"

namespace linehunt::sip {
namespace {

// RFC 3261 17.1.1.3 and 9.1 want the same: Request-URI, Call-ID, From, CSeq number and Routes of
// the INVITE, its topmost Via alone, and no body.
std::size_t build_of_invite(const message_view& invite, std::string_view method,
                            std::string_view to_value, std::string_view extra_headers,
                            std::span<char> buffer) noexcept {
  const auto via = parse_via(invite.value_of(header_id::via));
  const auto cseq = parse_cseq(invite.value_of(header_id::cseq));
  const auto from = invite.value_of(header_id::from);
  const auto call_id = invite.value_of(header_id::call_id);
  if (!invite.is_request || invite.request_uri.empty() || !via || !cseq || from.empty() ||
      to_value.empty() || call_id.empty()) {
    return 0;
  }
  writer out{buffer};
  out << method << " " << invite.text(invite.request_uri) << " SIP/2.0\r\n"
      << "Via: " << via->element << "\r\n"
      << "Max-Forwards: 70\r\n"; // RFC 3261 8.1.1.6
  for (std::size_t i = 0; i < invite.header_count; ++i) {
    const header& h = invite.headers[i];
    if (h.id == header_id::route) out << "Route: " << invite.text(h.value) << "\r\n";
  }
  out << "From: " << from << "\r\n"
      << "To: " << to_value << "\r\n"
      << "Call-ID: " << call_id << "\r\n"
      << "CSeq: " << std::uint64_t{cseq->number} << " " << method << "\r\n"
      << extra_headers << "Content-Length: 0\r\n\r\n";
  return out.size();
}

} // namespace

std::size_t build_ack(const message_view& sent_invite, std::string_view to_value,
                      std::span<char> out) noexcept {
  return build_of_invite(sent_invite, "ACK", to_value, {}, out);
}

std::size_t build_cancel(const message_view& sent_invite, std::string_view reason_header,
                         std::span<char> out) noexcept {
  return build_of_invite(sent_invite, "CANCEL", sent_invite.value_of(header_id::to), reason_header,
                         out);
}

std::size_t build_request(const request_parts& parts, std::span<char> buffer) noexcept {
  if (parts.method.empty() || parts.request_uri.empty() || parts.via_sent_by.empty() ||
      parts.branch.empty() || parts.from.empty() || parts.to.empty() || parts.call_id.empty()) {
    return 0;
  }
  writer out{buffer};
  out << parts.method << " " << parts.request_uri << " SIP/2.0\r\n"
      << "Via: SIP/2.0/UDP " << parts.via_sent_by << ";branch=" << parts.branch << "\r\n"
      << "Max-Forwards: 70\r\n"; // RFC 3261 8.1.1.6
  if (!parts.route.empty()) out << "Route: " << parts.route << "\r\n";
  out << "From: " << parts.from << "\r\n"
      << "To: " << parts.to << "\r\n"
      << "Call-ID: " << parts.call_id << "\r\n"
      << "CSeq: " << std::uint64_t{parts.cseq} << " " << parts.method << "\r\n"
      << parts.extra_headers << "Content-Length: 0\r\n\r\n";
  return out.size();
}

} // namespace linehunt::sip
