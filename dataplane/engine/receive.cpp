// SPDX-License-Identifier: Apache-2.0
// A datagram's first steps: scan, routing view, checks, and to whom it goes from there.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/state.h"
#include "sipparse/scan.h"
#include "sipparse/validate.h"

namespace linehunt {

verdict engine::state::receive(const datagram& datagram_in) {
  in = &datagram_in;
  const sip::scan_result scanned = sip::scan(in->bytes, view);
  if (scanned.error == sip::scan_error::empty) return verdict::keep_alive;
  if (scanned.error == sip::scan_error::not_sip) return verdict::dropped_not_sip;

  const sip::routing_result routed = sip::make_routing_view(view, routing);
  const sip::validation checked = sip::validate(view, scanned, routing, routed);
  hash = in->hash != 0 ? in->hash : call_hash(routing.call_id, setup.secret);
  if (checked.what == sip::disposition::drop) return verdict::dropped_malformed;
  if (checked.what == sip::disposition::reply) {
    if (checked.status == 483) {
      // RFC 3261 11: an OPTIONS that may go no further is for whom it has reached.
      if (view.method == sip::method::options) return answer_options();
      return reply(483, checked.reason, verdict::rejected_max_forwards);
    }
    if (checked.status == 420) return refuse_extensions(sip::header_id::proxy_require);
    return reply(checked.status, checked.reason, verdict::rejected_malformed);
  }
  return view.is_request ? on_request() : on_response();
}

verdict engine::state::on_request() {
  switch (view.method) {
  case sip::method::ack:
    return on_ack();
  case sip::method::cancel:
    return on_cancel();
  default:
    break;
  }
  if (!routing.to_tag.empty()) return on_in_dialog();
  if (view.method == sip::method::invite) return on_invite();
  // RFC 2543 parties have no tags, and their BYE must find its call.
  if (view.method == sip::method::bye && find_dialog(0)) return on_in_dialog();
  if (is_dropped_by_rule()) return verdict::dropped_by_rule;
  if (view.method == sip::method::options) return answer_options();
  return refuse_method();
}

verdict engine::state::on_response() {
  if (!sent_by_is_ours(*world, routing.top_via)) return verdict::dropped_foreign_via;
  const auto id = genuine_branch(routing.top_via.branch, hash, routing.cseq.number, setup.secret);
  if (!id) return verdict::dropped_foreign_via;
  switch (id->kind) {
  case branch_kind::invite:
    return on_invite_response(invite_branch::from(id->number));
  case branch_kind::stateless:
    return on_stateless_response(stateless_branch::from(id->number));
  case branch_kind::own_bye:
    return on_own_bye_response(own_branch::from(id->number));
  case branch_kind::probe:
    return on_probe_response(id->number);
  case branch_kind::own_ping:
    return on_own_ping_response(own_branch::from(id->number));
  }
  return verdict::dropped_stray_response;
}

} // namespace linehunt
