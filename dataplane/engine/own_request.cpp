// SPDX-License-Identifier: Apache-2.0
// Requests of our own within a call: each goes to one party in the place of the other.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/state.h"

#include <algorithm>

namespace linehunt {
namespace {

// A party's From or To value.
std::string_view write_party(std::span<char> buffer, std::string_view uri, std::string_view target,
                             std::string_view tag) noexcept {
  const std::string_view known = uri.empty() ? target : uri;
  sip::writer value{buffer};
  value << "<" << (known.empty() ? std::string_view{"sip:unknown@invalid"} : known) << ">";
  if (!tag.empty()) value << ";tag=" << tag;
  return {buffer.data(), value.size()};
}

} // namespace

// False where that party cannot be reached at all, or the request cannot be built.
bool engine::state::send_own_request(std::uint32_t call, const own_request& what) {
  const call_record& record = calls[call];
  const bool to_callee = what.to_callee;
  const call_texts texts = calls.texts(call);
  const auto text = [&](call_text which) { return texts[static_cast<std::size_t>(which)]; };
  std::array<char, 2048> caller_buffer, callee_buffer;
  const std::string_view caller =
      write_party(caller_buffer, text(call_text::from_uri), text(call_text::caller_target),
                  text(call_text::from_tag));
  const std::string_view callee =
      write_party(callee_buffer, text(call_text::to_uri), text(call_text::callee_target),
                  text(call_text::to_tag));
  const std::string_view target =
      text(to_callee ? call_text::callee_target : call_text::caller_target);
  const std::string_view routes =
      text(to_callee ? call_text::callee_routes : call_text::caller_routes);
  const endpoint known =
      unpack_endpoint(text(to_callee ? call_text::callee_address : call_text::caller_address));

  // A proxy on the way would take a request to its own address for its own.
  if (target.empty() && !routes.empty()) return false;
  std::array<char, 64> known_uri;
  sip::writer uri{known_uri};
  uri << "sip:" << to_text(known);
  const std::string_view party =
      target.empty() ? std::string_view{known_uri.data(), uri.size()} : target;

  sip::request_parts parts;
  parts.request_uri = party;
  parts.route = routes;
  std::array<char, 6144> strict_routes;
  std::optional<endpoint> to;
  if (const auto route = sip::parse_address(routes); !routes.empty() && route) {
    to = uri_target(route->uri);
    if (!is_loose(route->uri)) {
      // RFC 3261 12.2.1.1: a strict router wants itself in the Request-URI, and the target at the
      // end of the routes.
      sip::writer line{strict_routes};
      line << route->rest << (route->rest.empty() ? "<" : ",<") << party << ">";
      parts.request_uri = route->uri;
      parts.route = {strict_routes.data(), line.size()};
    }
  }
  if (!to && routes.empty()) to = uri_target(target);
  const listener_index used = to_callee ? record.callee_listener : record.caller_listener;
  std::optional<listener_index> listener;
  if (to && is_sendable(*to) && !world->is_local(*to)) listener = listener_towards(*to, used);
  if (!listener) {
    to = known;
    listener = listener_towards(known, used);
    if (!listener || !is_sendable(known)) return false;
  }
  parts.method = what.method;
  parts.via_sent_by = world->listeners[*listener].sent_by;
  parts.from = to_callee ? caller : callee;
  parts.to = to_callee ? callee : caller;
  parts.call_id = text(call_text::call_id);
  parts.cseq = what.cseq;
  const own_branch id{call, record.generation, what.ordinal, to_callee};
  const branch_text branch = make_branch(
      {what.kind, id.number()}, call_hash(parts.call_id, setup.secret), what.cseq, setup.secret);
  parts.branch = branch;
  const std::size_t len = sip::build_request(parts, buffer_b());
  if (len == 0) return false;
  out->send({&scratch_b[0], len}, {*to, *listener});
  return true;
}

std::uint32_t engine::state::find_own(const own_branch& branch) const noexcept {
  if (branch.call >= calls.capacity()) return no_call;
  const call_record& record = calls[branch.call];
  const bool same = record.generation == branch.generation;
  return same && record.state != call_state::free ? branch.call : no_call;
}

engine::state::retry_wait engine::state::wait_after(std::uint8_t tries) const noexcept {
  retry_wait wait{0, world->timers.t1_ms};
  for (std::uint8_t i = 0; i < tries; ++i) {
    wait.so_far_ms += wait.next_ms;
    wait.next_ms = std::min<std::uint64_t>(wait.next_ms * 2, world->timers.t2_ms);
  }
  return wait;
}

} // namespace linehunt
