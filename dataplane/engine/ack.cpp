// SPDX-License-Identifier: Apache-2.0
// ACK: of a 2xx it travels through the dialog; of a failure it ends at us (RFC 3261 17.2.1).
#include "dataplane/engine/state.h"

namespace linehunt {

verdict engine::state::on_ack() {
  // The ACK of a 2xx is by far the most frequent one, and it has our Route; look there first.
  sip::edit_list edits;
  const route_plan plan = plan_routes(view, routing.top_route_uri, *world, edits);
  if (!plan.ok) return verdict::dropped_malformed;
  const dialog_match match = find_dialog(plan.handle);
  if (match && calls[match.call].state != call_state::early)
    return forward_in_dialog(match, plan, edits);

  const std::uint64_t key = server_key(routing, view.text(view.request_uri), hash, setup.secret);
  if (const auto transaction = transactions.find(key); transaction != no_transaction) {
    invite_transaction& t = transactions[transaction];
    if (t.source.ip != in->source.ip) return verdict::dropped_wrong_source;
    if (t.server == server_state::completed) {
      t.server = server_state::confirmed;
      timers.disarm(server_timer(transaction));
      // Timer I. Where an INVITE went out, timer D of the client side is longer: who has failed may
      // not have got our ACK, and who was silent may answer yet.
      if (t.attempt_count == 0)
        timers.arm(deadline_timer(transaction), after_ms(world->timers.t4_ms));
    }
    return verdict::ack_absorbed;
  }
  // Of a reply that left no state: its tag is ours.
  if (routing.to_tag == std::string_view{make_tag(hash, routing.from_tag, setup.secret)})
    return verdict::ack_absorbed;
  if (!match) {
    if (const auto to = way_without_call(plan))
      return forward_without_call(plan.handle, *to, edits);
  }
  return verdict::dropped_stray_ack;
}

} // namespace linehunt
