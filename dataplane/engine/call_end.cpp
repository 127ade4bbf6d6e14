// SPDX-License-Identifier: Apache-2.0
// The lines that a call holds, the timers of a call, and its end, each exactly once. Where we end a
// live call ourselves, both parties get a BYE.
#include "dataplane/engine/state.h"

#include <algorithm>
#include <array>

namespace linehunt {

// What may have passed in a call after the copy of it that a crash has left was made.
constexpr std::uint32_t unseen_requests = 1000;

std::string_view name_of(end_cause cause) noexcept {
  static constexpr std::array<std::string_view, end_cause_count> names{
      "failed", "bye", "no_ack", "session_expired", "max_duration", "ping_lost", "admin"};
  return names[static_cast<std::size_t>(cause)];
}

holding engine::state::held_by(std::uint32_t call) const noexcept {
  const call_record& record = calls[call];
  holding held;
  if (record.slot_count == 0) return held;
  held.destination = record.destination;
  held.slot_count = record.slot_count;
  std::copy_n(record.slots.begin(), record.slot_count, held.slots.begin());
  return held;
}

void engine::state::hold(std::uint32_t call, const holding& held) noexcept {
  move_call(call, held.destination);
  call_record& record = calls[call];
  record.slot_count = held.slot_count;
  for (std::size_t i = 0; i < held.slot_count; ++i)
    record.slots[i] = static_cast<std::uint16_t>(held.slots[i]);
}

void engine::state::move_call(std::uint32_t call, destination_index to) noexcept {
  destination_index& at = calls[call].destination;
  if (at == to) return; // others must not see it leave
  count_at(to, 1);
  count_at(at, -1);
  at = to;
}

void engine::state::count_at(destination_index d, std::int64_t by) noexcept {
  if (d < destination_calls.size()) count(destination_calls[d], by);
}

void engine::state::release(std::uint32_t call) noexcept {
  holding held = held_by(call);
  calls[call].slot_count = 0;
  if (held.slot_count > 0) ledger.release(held);
}

void engine::state::end_call(std::uint32_t call, end_cause cause) {
  call_record& record = calls[call];
  const bool answered = record.state != call_state::early;
  pass_on(call);
  release(call);
  // The record of an ended call keeps the number, which may be another one's soon: what it is
  // compared with are addresses.
  count_at(record.destination, -1);
  if ((record.flags & call_record::counted) != 0) {
    record.flags &= static_cast<std::uint8_t>(~call_record::counted);
    count(counters.calls_ended);
    count(counters.ended_by[static_cast<std::size_t>(cause)]);
    count(counters.calls_live, -1);
    if (!answered) count(counters.calls_failed);
    event what;
    what.kind = event_kind::call_ended;
    what.from = setup.self;
    what.cause = static_cast<std::uint16_t>(cause);
    what.destination = record.destination;
    what.subject = calls.handle_of(call);
    what.at = now;
    (void)out->raise(what);
  }
  if (!answered) {
    timers.disarm(call);
    calls.give_back(call);
    return;
  }
  record.state = call_state::ended;
  // How a transfer goes is told for as long as it may ring (RFC 3515 2.4.4, RFC 3261 16.6 (11)).
  const bool transfers = (record.origin & call_record::referred) != 0;
  timers.arm(call, after_ms(transaction_timeout_ms() + (transfers ? world->timers.timer_c_ms : 0)));
}

// When an answered call ends if nothing more is heard of it: the ACK's absence, the session's
// expiry, the longest duration.
engine::state::end_to_come engine::state::end_due(std::uint32_t call) const noexcept {
  const call_record& record = calls[call];
  end_to_come end{record.answered_at() + world->timers.max_call_s * 1'000'000ull,
                  end_cause::max_duration};
  const auto sooner = [&end](time_us at, end_cause cause) {
    if (at < end.at) end = {at, cause};
  };
  if (record.expires_after_s != 0)
    sooner(record.started_at + record.expires_after_s * 1'000'000ull, end_cause::session_expired);
  if ((record.flags & call_record::acked) == 0)
    sooner(record.answered_at() + world->timers.ack_wait_ms * 1000ull, end_cause::no_ack);
  return end;
}

// When an answered call has to be looked at next: its end, or a sign of life.
void engine::state::arm_call_timer(std::uint32_t call) {
  const call_record& record = calls[call];
  if (record.state != call_state::answered) return;
  time_us due = end_due(call).at;
  const bool acked = (record.flags & call_record::acked) != 0;
  if (acked && pings(call)) due = std::min(due, next_ping(call));
  if (is_to_be_asked(call)) due = std::min(due, record.asks_at());
  timers.arm(call, due);
}

void engine::state::on_call_timer(std::uint32_t call) {
  const call_record& record = calls[call];
  switch (record.state) {
  case call_state::answered: {
    const end_to_come end = end_due(call);
    if (now >= end.at) {
      close_call(call, end.cause);
    } else if (is_to_be_asked(call) && now >= record.asks_at()) {
      ask_both(call);
    } else if ((record.flags & call_record::acked) != 0 && pings(call)) {
      send_pings(call);
    } else {
      arm_call_timer(call); // a reload has moved the end
    }
    break;
  }
  case call_state::leaving:
    if (record.has_bye_astray())
      close_call(call, end_cause::bye);
    else if (ends_with_another_way(call))
      leave(call);
    else
      end_call(call, end_cause::bye);
    break;
  case call_state::closing:
    send_byes(call);
    break;
  case call_state::ended:
    calls.give_back(call);
    break;
  default:
    break;
  }
}

// The same call on another way through us waits for BYEs of ours, or will, and this one goes with
// it: see end_closed.
bool engine::state::ends_with_another_way(std::uint32_t call) {
  return std::ranges::any_of(calls.find_same_dialogs(call), [this](const dialog_match& again) {
    const call_record& other = calls[again.call];
    return other.state == call_state::closing ||
           (other.state == call_state::leaving && other.has_bye_astray());
  });
}

void engine::state::close_call(std::uint32_t call, end_cause cause) {
  call_record& record = calls[call];
  record.state = call_state::closing;
  record.tries = 0;
  record.note_cause(cause);
  send_byes(call);
}

// Timer E and F of both BYEs in one: they are sent and repeated together, until both are answered.
void engine::state::send_byes(std::uint32_t call) {
  call_record& record = calls[call];
  const retry_wait wait = wait_after(record.tries);
  if (wait.so_far_ms >= transaction_timeout_ms()) {
    end_closed(call);
    return;
  }
  if (record.tries > 0) count(counters.retransmissions_sent);
  for (const bool to_callee : {false, true}) {
    const auto done = to_callee ? call_record::callee_bye_done : call_record::caller_bye_done;
    if ((record.flags & done) != 0) continue;
    // In the place of the other party, so in its sequence of numbers. It is the last request, so it
    // may leave some out.
    const std::uint32_t ahead =
        1 + ((record.origin & call_record::uncertain) != 0 ? unseen_requests : 0);
    const std::uint32_t cseq =
        std::min(to_callee ? record.caller_cseq : record.callee_cseq, sip::most_cseq - ahead) +
        ahead;
    if (!send_own_request(call, {"BYE", branch_kind::own_bye, to_callee, cseq}))
      record.flags |= done;
  }
  constexpr std::uint8_t both = call_record::caller_bye_done | call_record::callee_bye_done;
  if ((record.flags & both) == both) {
    end_closed(call);
    return;
  }
  ++record.tries;
  timers.arm(call, after_ms(wait.next_ms));
}

// The same call on its other ways through us ends with it: our BYEs go to the parties themselves,
// so they may not see them.
void engine::state::end_closed(std::uint32_t call) {
  const auto cause = calls[call].cause();
  const same_dialogs others = calls.find_same_dialogs(call);
  end_call(call, cause);
  for (const dialog_match& again : others)
    if (const call_state s = calls[again.call].state;
        s == call_state::answered || s == call_state::leaving)
      end_call(again.call, cause);
}

verdict engine::state::on_own_bye_response(const own_branch& branch) {
  if (view.status < 200) return verdict::response_consumed;
  const std::uint32_t call = find_own(branch);
  if (call == no_call) return verdict::dropped_stray_response;
  call_record& record = calls[call];
  if (record.state != call_state::closing) return verdict::response_consumed; // repeated
  record.flags |= branch.to_callee ? call_record::callee_bye_done : call_record::caller_bye_done;
  constexpr std::uint8_t both = call_record::caller_bye_done | call_record::callee_bye_done;
  if ((record.flags & both) == both) end_closed(call);
  return verdict::response_consumed;
}

void engine::state::end_by_handle(std::uint64_t handle) {
  const std::uint32_t call = calls.find_handle(handle);
  if (call == no_call) return;
  const call_record& record = calls[call];
  if (is_kept(call)) {
    close_others(call, end_cause::admin);
    if (record.state == call_state::answered || record.state == call_state::leaving)
      close_call(call, end_cause::admin);
  } else if (record.state == call_state::early && record.transaction != no_transaction) {
    const std::uint32_t transaction = record.transaction;
    invite_transaction& t = transactions[transaction];
    if (t.client == client_state::parked) ledger.withdraw(waiter_of(transaction));
    if (t.client == client_state::proceeding)
      send_cancel(transaction, t.attempt_count - 1u);
    else
      t.client = client_state::none; // a CANCEL follows should it answer yet
    answer_invite(transaction, 480, "Temporarily Unavailable");
  }
}

} // namespace linehunt
