// SPDX-License-Identifier: Apache-2.0
// Replies to the request at hand that leave no state (RFC 3261 8.2.7): a repeated request gets the
// same reply, with the same tag, so nothing needs to be kept.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/state.h"
#include "sipparse/fields.h"

#include <algorithm>
#include <array>

namespace linehunt {
namespace {

// Outside a call; within one everything is passed on (RFC 3261 20.5).
constexpr std::string_view allowed = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n";

} // namespace

bool engine::state::via_needs_received() const noexcept {
  const sip::via_field& via = routing.top_via;
  if (via.has_rport || !via.received.empty()) return true;
  const auto ip = parse_ip(via.sent_by_host);
  return !ip || *ip != in->source.ip;
}

verdict engine::state::reply(std::uint16_t status, std::string_view reason, verdict v,
                             std::string_view extra_headers) {
  // RFC 3261 8.1.1.6, 17.1.1.3: nobody answers an ACK.
  if (view.method == sip::method::ack) return verdict::dropped_malformed;
  const address_text source = to_text(in->source.ip);
  tag_text tag{};
  if (status > 100) tag = make_tag(hash, routing.from_tag, setup.secret); // RFC 3261 8.2.6.2
  sip::reply_parts parts;
  parts.status = status;
  parts.reason = reason;
  parts.to_tag = tag;
  if (via_needs_received()) parts.received = source;
  parts.rport = in->source.port;
  parts.extra_headers = extra_headers;
  parts.server_line = world->server_line;
  parts.top_via = &routing.top_via;
  const std::size_t len = sip::build_reply(view, parts, buffer_b());
  if (len == 0) return verdict::dropped_malformed;
  const endpoint to =
      routing.top_via.sent_by_host.empty() ? in->source : reply_target(routing.top_via, in->source);
  out->send({&scratch_b[0], len}, {to, in->listener});
  return v;
}

verdict engine::state::answer_options() {
  const auto uri = view.text(view.request_uri);
  // To us: by address, or to a host without a user, since names that people have given us are not
  // known here. One that may go no further and is for somebody else has had its hops (RFC 3261 11).
  const bool ours = names_us(*world, uri) || uri.find('@') == std::string_view::npos;
  if (!ours && routing.max_forwards == 0)
    return reply(483, "Too Many Hops", verdict::rejected_max_forwards);
  if (!ours) return refuse_method();
  // RFC 3261 8.2.2.3, 11.2: here we are the end point, and know no extension.
  const auto end = view.headers.begin() + view.header_count;
  if (std::any_of(view.headers.begin(), end, [](const sip::header& h) {
        return h.id == sip::header_id::require && h.value.len > 0;
      }))
    return refuse_extensions(sip::header_id::require);
  return reply(200, "OK", verdict::request_answered,
               "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, "
               "MESSAGE\r\nAccept: application/sdp\r\n");
}

verdict engine::state::refuse_extensions(sip::header_id id) {
  std::array<char, 1024> line; // RFC 3261 20.40, with as many of the tags as fit
  sip::writer text{line};
  for (std::size_t i = 0; i < view.header_count; ++i) {
    if (view.headers[i].id != id) continue;
    for (auto rest = view.text(view.headers[i].value); !rest.empty();) {
      const auto tag = sip::next_token(rest);
      const std::string_view before = text.size() == 0 ? "Unsupported: " : ", ";
      if (!tag) // a tag may stand behind what is none
        rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
      else if (text.size() + before.size() + tag->size() + 2 <= line.size())
        text << before << *tag;
    }
  }
  if (text.size() != 0) text << "\r\n";
  return reply(420, "Bad Extension", verdict::rejected_malformed, {line.data(), text.size()});
}

verdict engine::state::refuse_method() {
  return reply(405, "Method Not Allowed", verdict::rejected_method, allowed);
}

} // namespace linehunt
