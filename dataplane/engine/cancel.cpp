// SPDX-License-Identifier: Apache-2.0
// CANCEL (RFC 3261 9.2, 16.10): answered hop by hop; what it does depends on how far the INVITE has
// come. A final answer that crosses it wins.
#include "dataplane/engine/state.h"

namespace linehunt {

verdict engine::state::on_cancel() {
  const std::uint64_t key = server_key(routing, view.text(view.request_uri), hash, setup.secret);
  const std::uint32_t transaction = transactions.find(key);
  if (transaction == no_transaction) {
    const std::uint32_t call = calls.find_server_key(hash, routing.call_id, key);
    if (call != no_call) {
      // Answered already: nothing is left to be cancelled.
      if (!is_party(call, in->source)) return verdict::dropped_wrong_source;
      return reply(200, "OK", verdict::request_answered);
    }
    // Of a re-INVITE, which went through without a transaction, and so does its CANCEL.
    if (!routing.to_tag.empty()) return on_in_dialog();
    if (is_dropped_by_rule()) return verdict::dropped_by_rule;
    return reply(481, "Call/Transaction Does Not Exist", verdict::rejected_no_dialog);
  }
  if (transactions[transaction].source.ip != in->source.ip) return verdict::dropped_wrong_source;
  (void)reply(200, "OK", verdict::request_answered);
  cancel_call(transaction);
  return verdict::request_answered;
}

// RFC 3326 2: why the caller gives up goes on with our CANCEL, which may have to wait for a
// provisional and is repeated. All its lines or, where they are too long, none.
void engine::state::keep_reason(std::uint32_t transaction) {
  std::array<char, max_reason_bytes> lines;
  std::size_t len = 0;
  for (std::uint16_t h = 0; h < view.header_count; ++h) {
    if (view.headers[h].id != sip::header_id::reason) continue;
    const std::string_view line = view.text(view.headers[h].line);
    if (line.size() > lines.size() - len) return;
    line.copy(&lines[len], line.size());
    len += line.size();
  }
  transactions[transaction].reason = transactions.texts().store({lines.data(), len});
}

void engine::state::cancel_call(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  if (t.server != server_state::proceeding || t.cancel_wanted) return;
  t.cancel_wanted = true;
  keep_reason(transaction);
  switch (t.client) {
  case client_state::parked:
    ledger.withdraw(waiter_of(transaction));
    [[fallthrough]];
  case client_state::none:
    t.client = client_state::none;
    timers.disarm(deadline_timer(transaction));
    answer_invite(transaction, 487, "Request Terminated");
    break;
  case client_state::proceeding:
    send_cancel(transaction, t.attempt_count - 1u);
    timers.arm(deadline_timer(transaction), after_ms(transaction_timeout_ms()));
    break;
  default:
    break; // calling: it goes out with the first provisional (RFC 3261 9.1)
  }
}

} // namespace linehunt
