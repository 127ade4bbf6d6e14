// SPDX-License-Identifier: Apache-2.0
// The client side of an INVITE, towards the destination: timers A, B, C and E, the hop-by-hop ACK
// and the CANCEL (RFC 3261 17.1.1, 16.6 (11), 9.1).
#include "dataplane/engine/state.h"
#include "sipparse/scan.h"

#include <algorithm>

namespace linehunt {

// Timer A repeats the INVITE until something comes, timer E the CANCEL until it is answered.
void engine::state::on_client_timer(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  if (t.attempt_count == 0) return;
  const std::size_t number = t.attempt_count - 1u;
  if (t.client == client_state::calling) {
    send_invite(transaction);
    t.client_interval_ms *= 2;
  } else if (t.current().cancelled && !t.current().answered) {
    send_cancel(transaction, number, {});
    t.client_interval_ms = std::min(t.client_interval_ms * 2, world->timers.t2_ms);
  } else {
    return;
  }
  count(counters.retransmissions_sent);
  timers.arm(client_timer(transaction), after_ms(t.client_interval_ms));
}

// fr_timeout and fr_inv_timeout, the parking deadline, and the end of what lingers.
void engine::state::on_deadline(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  if (t.server != server_state::proceeding) {
    finish_transaction(transaction);
    return;
  }
  if (t.client == client_state::parked) {
    ledger.withdraw(std::uint64_t{t.generation} << 32 | transaction);
    t.client = client_state::none;
    answer_invite(transaction, t.plan.refusal_status,
                  {t.plan.refusal_reason.data(), t.plan.refusal_reason_len});
    return;
  }
  if (t.cancel_wanted) {
    // RFC 3261 9.1: no final answer 64*T1 after the CANCEL, or none at all.
    t.client = client_state::none;
    answer_invite(transaction, 487, "Request Terminated");
    return;
  }
  const bool rings = t.client == client_state::proceeding;
  if (rings) send_cancel(transaction, t.attempt_count - 1u, {});
  if (wants_failover(t, 0)) {
    fail_over(transaction, 408, 0);
    return;
  }
  if (!rings) t.client = client_state::none;
  answer_invite(transaction, 408, "Request Timeout");
}

void engine::state::send_ack(std::uint32_t transaction, std::size_t number) {
  const std::string_view invite = sent_invite(transaction, number);
  if (invite.empty() || !sip::scan(invite, stored_view)) return;
  const std::size_t len =
      sip::build_ack(stored_view, view.value_of(sip::header_id::to), buffer_b());
  const attempt& a = transactions[transaction].attempts[number];
  if (len != 0) out->send({&scratch_b[0], len}, {a.to, a.listener});
}

void engine::state::send_cancel(std::uint32_t transaction, std::size_t number,
                                std::string_view reason) {
  invite_transaction& t = transactions[transaction];
  attempt& a = t.attempts[number];
  const bool first = !a.cancelled;
  a.cancelled = true;
  const std::string_view invite = sent_invite(transaction, number);
  if (invite.empty() || !sip::scan(invite, stored_view)) return;
  const std::size_t len = sip::build_cancel(stored_view, reason, buffer_b());
  if (len == 0) return;
  out->send({&scratch_b[0], len}, {a.to, a.listener});
  if (!first || number + 1u != t.attempt_count) return;
  t.client_interval_ms = world->timers.t1_ms;
  timers.arm(client_timer(transaction), after_ms(t.client_interval_ms));
}

} // namespace linehunt
