// SPDX-License-Identifier: Apache-2.0
// The client side of an INVITE, towards the destination: timers A, B, C, the hop-by-hop ACK, and
// the CANCEL with its timers E and F (RFC 3261 17.1.1, 17.1.2, 16.6 (11), 9.1).
#include "dataplane/engine/state.h"
#include "sipparse/scan.h"

#include <algorithm>

namespace linehunt {

// Timer A repeats the INVITE until something comes; before that, the question to another worker.
void engine::state::on_client_timer(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  if (t.client == client_state::parked && t.asks) return ask_again(transaction);
  if (t.client != client_state::calling) return;
  send_invite(transaction);
  t.client_interval_ms *= 2;
  count(counters.retransmissions_sent);
  timers.arm(client_timer(transaction), after_ms(t.client_interval_ms));
}

// An unanswered call lasts no longer than an answered one, however often it says that it rings.
time_us engine::state::longest_wait(const invite_transaction& t) const noexcept {
  return t.started_at + world->timers.max_call_s * 1'000'000ull;
}

void engine::state::wait_for_answer(std::uint32_t transaction, std::uint64_t most_ms) {
  invite_transaction& t = transactions[transaction];
  t.patience_until = after_ms(most_ms);
  timers.arm(deadline_timer(transaction), std::min(t.patience_until, longest_wait(t)));
}

// Less than a quarter of the time leaves enough of it, and a worker that is away all the time for a
// moment is not to wait for ever.
void engine::state::note_absence(time_us since, time_us until) noexcept {
  if ((until - since) * 4 >= world->timers.fr_timeout_ms * 1000ull) back_at = until;
}

// fr_timeout and fr_inv_timeout, the longest duration, the parking deadline, and the end of what
// lingers.
void engine::state::on_deadline(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  if (t.server != server_state::proceeding) {
    finish_transaction(transaction);
    return;
  }
  if (t.client == client_state::parked && t.asks) {
    count(counters.calls_unheard);
    return go_on(transaction);
  }
  if (t.client == client_state::parked) {
    ledger.withdraw(waiter_of(transaction));
    t.client = client_state::none;
    (void)refuse_call(transaction, selection_outcome::no_capacity);
    return;
  }
  if (t.cancel_wanted) {
    // RFC 3261 9.1: no final answer 64*T1 after the CANCEL, or none at all.
    t.client = client_state::none;
    answer_invite(transaction, 487, "Request Terminated");
    return;
  }
  if (const time_us due = std::min(t.patience_until, longest_wait(t)); now < due) {
    timers.arm(deadline_timer(transaction), due); // a reload has moved the longest duration
    return;
  }
  // Asked before we were away: an answer may wait to be read, or was lost when there was no more
  // room for it. Silence counts from when we are back, and timer A goes on meanwhile.
  if (const time_us heard_until = back_at + world->timers.fr_timeout_ms * 1000ull;
      back_at != 0 && t.client == client_state::calling && t.patience_until < heard_until &&
      now < std::min(heard_until, longest_wait(t))) {
    t.patience_until = heard_until;
    timers.arm(deadline_timer(transaction), std::min(heard_until, longest_wait(t)));
    return;
  }
  const bool rings = t.client == client_state::proceeding;
  // Then nobody else has time to answer either, and whoever has the INVITE has not failed.
  const bool too_long = now >= longest_wait(t);
  if (!rings && !too_long && try_next_address(transaction, 0)) return;
  if (rings) send_cancel(transaction, t.attempt_count - 1u);
  // A destination that rang is well: that nobody answered is no reason to disable it.
  if (!too_long && may_fail_over(t) &&
      (rings ? t.plan.failover_no_answer : t.plan.failover_timeout)) {
    if (!rings) set_aside(t.current(), t.plan.failover_disable, 408, 0);
    fail_over(transaction);
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

void engine::state::send_cancel(std::uint32_t transaction, std::size_t number) {
  invite_transaction& t = transactions[transaction];
  attempt& a = t.attempts[number];
  if (a.cancelled) return;
  a.cancelled = true;
  // Given up for another destination, it has nothing to do with why the caller gives up.
  a.cancel_reason = t.cancel_wanted;
  a.cancel_tries = 1;
  a.cancel_due = after_ms(wait_after(0).next_ms);
  write_cancel(transaction, number);
  arm_cancel_timer(transaction);
  // RFC 3261 9.1: as long as that there may be a 487 to acknowledge.
  if (t.server != server_state::proceeding)
    timers.arm(deadline_timer(transaction), after_ms(transaction_timeout_ms()));
}

void engine::state::write_cancel(std::uint32_t transaction, std::size_t number) {
  invite_transaction& t = transactions[transaction];
  const attempt& a = t.attempts[number];
  const std::string_view invite = sent_invite(transaction, number);
  if (invite.empty() || !sip::scan(invite, stored_view)) return;
  std::array<char, max_reason_bytes> reason;
  const std::size_t reason_len =
      a.cancel_reason ? transactions.texts().copy_out(t.reason, reason) : 0;
  const std::size_t len = sip::build_cancel(stored_view, {reason.data(), reason_len}, buffer_b());
  if (len != 0) out->send({&scratch_b[0], len}, {a.to, a.listener});
}

// Timers E and F (RFC 3261 17.1.2.2) of all CANCELs of this INVITE: that of the current destination
// and those of destinations that were given up before.
void engine::state::on_cancel_timer(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  for (std::size_t i = 0; i < t.attempt_count; ++i) {
    attempt& a = t.attempts[i];
    if (!a.cancel_open() || a.cancel_due > now) continue;
    const retry_wait wait = wait_after(a.cancel_tries);
    if (wait.so_far_ms >= transaction_timeout_ms()) {
      a.cancel_done = true;
      continue;
    }
    ++a.cancel_tries;
    a.cancel_due = after_ms(wait.next_ms);
    write_cancel(transaction, i);
    count(counters.retransmissions_sent);
  }
  arm_cancel_timer(transaction);
}

void engine::state::arm_cancel_timer(std::uint32_t transaction) {
  const invite_transaction& t = transactions[transaction];
  time_us due = 0;
  for (std::size_t i = 0; i < t.attempt_count; ++i) {
    const attempt& a = t.attempts[i];
    if (a.cancel_open() && (due == 0 || a.cancel_due < due)) due = a.cancel_due;
  }
  if (due != 0)
    timers.arm(cancel_timer(transaction), due);
  else
    timers.disarm(cancel_timer(transaction));
}

} // namespace linehunt
