// SPDX-License-Identifier: Apache-2.0
// A destination for a call: selection, the INVITE that goes there, waiting for a lease, and going
// on to the next destination. Does not know how replies travel upstream.
#include "dataplane/engine/state.h"

#include <algorithm>
#include <cstring>

namespace linehunt {
namespace {

constexpr waiter waiter_of(std::uint32_t transaction, std::uint32_t generation) noexcept {
  return std::uint64_t{generation} << 32 | transaction;
}

} // namespace

const linehunt::destination* engine::state::find_destination(destination_index index) const {
  if (index >= positions.size() || positions[index] == no_index) return nullptr;
  return &world->destinations[positions[index]];
}

selection_outcome engine::state::choose(std::uint32_t transaction, holding& held) {
  const invite_transaction& t = transactions[transaction];
  std::array<std::uint32_t, max_attempts> tried;
  for (std::size_t i = 0; i < t.attempt_count; ++i)
    tried[i] = t.attempts[i].destination_id;
  selection_request request;
  request.group = t.plan.group;
  request.resources = {t.plan.resources.data(), t.plan.resource_count};
  request.flags = t.plan.flags;
  request.excluded_ids = {tried.data(), t.attempt_count};
  const selection_outcome outcome =
      ledger.select(request, waiter_of(transaction, t.generation), held);
  if (outcome == selection_outcome::selected) hold(t.call, held);
  return outcome;
}

void engine::state::decided(waiter who, selection_outcome outcome, const holding& held) {
  const auto transaction = static_cast<std::uint32_t>(who);
  holding mine = held;
  if (transaction >= transactions.capacity() ||
      waiter_of(transaction, transactions[transaction].generation) != who ||
      transactions[transaction].client != client_state::parked) {
    if (outcome == selection_outcome::selected) ledger.release(mine);
    return;
  }
  invite_transaction& t = transactions[transaction];
  timers.disarm(deadline_timer(transaction));
  t.client = client_state::none;
  if (outcome == selection_outcome::selected) {
    hold(t.call, mine);
    if (begin_attempt(transaction, mine)) {
      send_invite(transaction);
      return;
    }
  }
  answer_invite(transaction, t.plan.refusal_status,
                {t.plan.refusal_reason.data(), t.plan.refusal_reason_len});
}

bool engine::state::begin_attempt(std::uint32_t transaction, const holding& held) {
  const linehunt::destination* d = find_destination(held.destination);
  if (d == nullptr || d->addresses.empty() || d->listener >= world->listeners.size()) return false;
  begin_attempt_to(transaction, {d->addresses.front(), d->listener}, d->index, d->id);
  return true;
}

void engine::state::begin_attempt_to(std::uint32_t transaction, const outbound& where,
                                     destination_index index, std::uint32_t id) {
  invite_transaction& t = transactions[transaction];
  call_record& call = calls[t.call];
  attempt& a = t.attempts[t.attempt_count++];
  a = {};
  a.destination = index;
  a.destination_id = id;
  a.to = where.to;
  a.listener = where.listener;
  call.callee_listener = where.listener;
  if ((call.flags & call_record::counted) == 0) {
    call.flags |= call_record::counted;
    count(counters.calls_started);
    count(counters.calls_live);
  } else if (t.attempt_count > 1) {
    count(counters.failovers);
  }
  t.client = client_state::calling;
  transactions.move_to(transaction_list::unanswered, transaction);
  t.client_interval_ms = world->timers.t1_ms;
  timers.arm(client_timer(transaction), after_ms(t.client_interval_ms));
  timers.arm(deadline_timer(transaction), after_ms(world->timers.fr_timeout_ms));
}

own_headers engine::state::headers_of(std::uint32_t transaction, std::size_t number) const {
  const invite_transaction& t = transactions[transaction];
  const attempt& a = t.attempts[number];
  const invite_branch id{transaction, t.generation, static_cast<std::uint8_t>(number),
                         t.reply_to.listener};
  const branch_text branch =
      make_branch({branch_kind::invite, id.number()}, t.hash, t.cseq, setup.secret);
  // The Record-Route names the call also when it is over: an ACK of a failure is built from this.
  const std::uint64_t handle = t.call != no_call ? calls.handle_of(t.call) : 1;
  return make_invite_headers(*world, t.reply_to.listener, a.listener, branch, handle);
}

std::string_view engine::state::sent_invite(std::uint32_t transaction, std::size_t number) {
  invite_transaction& t = transactions[transaction];
  const own_headers own = headers_of(transaction, number);
  if (own.len == 0 || t.invite.len + own.len > scratch_bytes) return {};
  char* at = &scratch_a[0];
  const std::size_t len = transactions.texts().copy_out(t.invite, buffer_a());
  std::memmove(at + t.own_at + own.len, at + t.own_at, len - t.own_at);
  std::memcpy(at + t.own_at, own.bytes.data(), own.len);
  return {at, len + own.len};
}

void engine::state::send_invite(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  const std::string_view bytes = sent_invite(transaction, t.attempt_count - 1u);
  if (!bytes.empty()) out->send(bytes, {t.current().to, t.current().listener});
}

void engine::state::park(std::uint32_t transaction) {
  transactions[transaction].client = client_state::parked;
  timers.arm(deadline_timer(transaction), after_ms(setup.limits.parked_deadline_ms));
}

bool engine::state::wants_failover(const invite_transaction& t, std::uint16_t status) const {
  if (!t.plan.may_fail_over || t.cancel_wanted) return false;
  if (status == 0) return t.plan.failover_timeout;
  const std::size_t code_class = status / 100u;
  if (code_class < t.plan.failover_class.size() && t.plan.failover_class[code_class]) return true;
  const auto* codes = t.plan.failover_codes.data();
  return std::find(codes, codes + t.plan.failover_code_count, status) !=
         codes + t.plan.failover_code_count;
}

void engine::state::fail_over(std::uint32_t transaction, std::uint16_t status,
                              std::uint32_t retry_after_s) {
  invite_transaction& t = transactions[transaction];
  const attempt& failed = t.current();
  if (failed.destination != no_index && (t.plan.failover_disable || retry_after_s > 0)) {
    // Whoever is disabled comes back by a probe or an admin; who only asked for a pause, by itself.
    const bool pause = !t.plan.failover_disable;
    if (ledger.enabled(failed.destination)) {
      ledger.set_enabled(failed.destination, false);
      event what;
      what.kind = pause ? event_kind::destination_paused : event_kind::destination_disabled;
      what.from = setup.self;
      what.cause = status;
      what.destination = failed.destination;
      what.subject = pause ? retry_after_s : 0;
      what.at = now;
      out->raise(what);
      if (pause) timers.arm(pause_timer(failed.destination), after_ms(retry_after_s * 1000ull));
    } else if (!pause) {
      timers.disarm(pause_timer(failed.destination));
    }
  }
  timers.disarm(client_timer(transaction));
  timers.disarm(deadline_timer(transaction));
  t.client = client_state::none;
  release(t.call);
  holding held;
  if (t.attempt_count < max_attempts) {
    switch (choose(transaction, held)) {
    case selection_outcome::selected:
      if (!begin_attempt(transaction, held)) break;
      send_invite(transaction);
      return;
    case selection_outcome::pending:
      park(transaction);
      return;
    default:
      break;
    }
  }
  answer_invite(transaction, t.plan.refusal_status,
                {t.plan.refusal_reason.data(), t.plan.refusal_reason_len});
}

} // namespace linehunt
