// SPDX-License-Identifier: Apache-2.0
// A destination for a call: selection, the INVITE that goes there, waiting for a lease, and going
// on to the next destination. Does not know how replies travel upstream.
#include "dataplane/engine/state.h"

#include <algorithm>
#include <cstring>

namespace linehunt {
namespace {

// The last step of splitmix64: neighbours have nothing in common.
constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

} // namespace

const linehunt::destination* engine::state::find_destination(destination_index index) const {
  if (index >= positions.size() || positions[index] == no_index) return nullptr;
  return &world->destinations[positions[index]];
}

const linehunt::destination* engine::state::destination_of(const attempt& a) const {
  const linehunt::destination* const d = find_destination(a.destination);
  return d != nullptr && d->id == a.destination_id ? d : nullptr;
}

post_dial_delay* engine::state::delays_of(const attempt& a) noexcept {
  const linehunt::destination* const d = destination_of(a);
  return d != nullptr ? &delays[d->index] : nullptr;
}

selection_outcome engine::state::choose(std::uint32_t transaction, holding& held) {
  invite_transaction& t = transactions[transaction];
  static_assert(max_attempts + max_passed_over < max_excluded, "or it could not wait for a line");
  std::array<std::uint32_t, max_attempts + max_passed_over> excluded;
  std::size_t count_excluded = 0;
  for (std::size_t i = 0; i < t.attempt_count; ++i) {
    const std::uint32_t tried = t.attempts[i].destination_id; // its addresses, one after the other
    if (i == 0 || tried != t.attempts[i - 1].destination_id) excluded[count_excluded++] = tried;
  }
  for (std::size_t i = 0; i < t.passed_over_count; ++i)
    excluded[count_excluded++] = t.passed_over[i];
  selection_request request;
  request.group = t.plan.group;
  request.resources = {t.plan.resources.data(), t.plan.resource_count};
  request.flags = t.plan.flags;
  request.preferred = t.preferred;
  t.shed = false;
  for (;;) {
    request.excluded_ids = {excluded.data(), count_excluded};
    const selection_outcome outcome = ledger.select(request, waiter_of(transaction), held);
    if (outcome != selection_outcome::selected) return outcome;
    if (!sheds(t, held.destination)) {
      hold(t.call, held);
      if (held.destination == request.preferred) count(counters.calls_replacing);
      return outcome;
    }
    // Passed over, and so on until one takes the call.
    const linehunt::destination* d = find_destination(held.destination);
    ledger.release(held);
    t.shed = true;
    count(counters.passed_over);
    if (d == nullptr || count_excluded == excluded.size()) return selection_outcome::no_capacity;
    excluded[count_excluded++] = d->id;
  }
}

void engine::state::decided(waiter who, selection_outcome outcome, const holding& held) {
  const auto transaction = static_cast<std::uint32_t>(who);
  holding mine = held;
  if (transaction >= transactions.capacity() || waiter_of(transaction) != who ||
      transactions[transaction].client != client_state::parked) {
    if (outcome == selection_outcome::selected) ledger.release(mine);
    return;
  }
  invite_transaction& t = transactions[transaction];
  t.client = client_state::none;
  if (t.attempt_count > 0 && t.bye_tag != 0) { // the caller has hung up meanwhile
    if (outcome == selection_outcome::selected) ledger.release(mine);
    timers.disarm(deadline_timer(transaction));
    answer_invite(transaction, 487, "Request Terminated");
    return;
  }
  if (outcome == selection_outcome::selected && sheds(t, mine.destination)) {
    // It sheds this call, as could not be known before there was a line.
    const linehunt::destination* d = find_destination(mine.destination);
    ledger.release(mine);
    count(counters.passed_over);
    outcome = selection_outcome::no_capacity;
    if (d != nullptr && t.passed_over_count < t.passed_over.size()) {
      t.passed_over[t.passed_over_count++] = d->id;
      outcome = choose(transaction, mine);
    }
    t.shed = true;
    if (outcome == selection_outcome::pending) {
      t.client = client_state::parked; // and the deadline goes on
      return;
    }
  } else if (outcome == selection_outcome::selected) {
    hold(t.call, mine);
    if (mine.destination == t.preferred) count(counters.calls_replacing);
  }
  timers.disarm(deadline_timer(transaction));
  if (outcome == selection_outcome::selected && begin_attempt(transaction, mine)) {
    send_invite(transaction);
    return;
  }
  (void)refuse_call(transaction, outcome);
}

verdict engine::state::refuse_call(std::uint32_t transaction, selection_outcome outcome) {
  invite_transaction& t = transactions[transaction];
  // One that was sent to somebody is counted as failed, where its record ends.
  const bool was_sent = t.attempt_count > 0;
  // No Retry-After: that would stop all calls of that client, where only some are too many (RFC
  // 7339 5.10 leaves the 503 to us).
  if (t.shed && outcome != selection_outcome::selected) {
    if (!was_sent) count(counters.calls_shed);
    answer_invite(transaction, 503, "Destination Overload");
    return verdict::rejected_overload;
  }
  answer_invite(transaction, t.plan.refusal_status,
                {t.plan.refusal_reason.data(), t.plan.refusal_reason_len});
  switch (outcome) {
  case selection_outcome::no_capacity:
    if (!was_sent)
      counters.no_capacity.add(t.plan.group, {t.plan.resources.data(), t.plan.resource_count});
    return verdict::rejected_no_capacity;
  case selection_outcome::unknown_resource:
    if (!was_sent) count(counters.unknown_resource); // a reload may take it away from who is left
    return verdict::rejected_unknown_resource;
  default:
    if (!was_sent) count(counters.no_destination);
    return verdict::rejected_no_destination;
  }
}

// Another worker may have seen a longer one than this, or a shorter.
void engine::state::pause(destination_index d, std::uint64_t seconds) {
  if (find_destination(d) == nullptr || seconds == 0) return;
  const std::uint32_t timer = pause_timer(d);
  const time_us until = after_ms(seconds * 1000);
  if (timers.armed(timer) ? timers.due(timer) >= until : !ledger.enabled(d)) return;
  ledger.set_enabled(d, false);
  timers.arm(timer, until);
}

bool engine::state::begin_attempt(std::uint32_t transaction, const holding& held) {
  const linehunt::destination* d = find_destination(held.destination);
  if (d == nullptr) return false;
  const auto where = next_outbound(transactions[transaction], *d);
  if (!where) return false;
  begin_attempt_to(transaction, *where, d->index, d->id);
  return true;
}

std::optional<outbound> engine::state::next_outbound(const invite_transaction& t,
                                                     const linehunt::destination& d) const {
  if (d.addresses.empty()) return std::nullopt;
  std::size_t at = 0;
  if (d.addresses.size() > 1) {
    std::uint16_t tried = 0;
    for (std::size_t a = 0; a < t.attempt_count; ++a) {
      if (t.attempts[a].destination_id != d.id) continue;
      for (std::size_t i = 0; i < std::min(d.addresses.size(), max_addresses); ++i)
        if (d.addresses[i] == t.attempts[a].to) tried |= static_cast<std::uint16_t>(1u << i);
    }
    const std::uint64_t random = mixed(t.hash ^ t.cseq ^ std::uint64_t{t.attempt_count} << 32);
    const auto rests = static_cast<std::uint16_t>(tried | resting.among(d, now));
    at = next_address(d.turns, d.addresses.size(), rests, random);
    if (at == no_address) at = next_address(d.turns, d.addresses.size(), tried, random);
    if (at == no_address) return std::nullopt;
  }
  outbound where{d.addresses[at], d.listener};
  if (at != 0 && world->listener_for(where.to.ip, where.listener) == nullptr) return std::nullopt;
  if (where.listener >= world->listeners.size()) return std::nullopt;
  return where;
}

bool engine::state::try_next_address(std::uint32_t transaction, std::uint32_t retry_after_s) {
  invite_transaction& t = transactions[transaction];
  const attempt& failed = t.current();
  const linehunt::destination* d = find_destination(failed.destination);
  if (d == nullptr || d->addresses.size() < 2 || d->id != failed.destination_id) return false;
  // Silence: RFC 3261 17.1.1.2 has waited 64*T1 for it elsewhere; so long others come first.
  const bool silent = t.client == client_state::calling;
  const std::uint64_t rest_ms = silent ? transaction_timeout_ms() : retry_after_s * 1000ull;
  if (rest_ms > 0) resting.rest(d->index, failed.to, after_ms(rest_ms));
  if (t.cancel_wanted || t.bye_tag != 0) return false; // the caller has hung up
  if (t.attempt_count >= t.most_attempts || !ledger.enabled(d->index)) return false;
  const auto tried = std::count_if(t.attempts.begin(), t.attempts.begin() + t.attempt_count,
                                   [&](const attempt& a) { return a.destination_id == d->id; });
  if (static_cast<std::size_t>(tried) >= max_addresses_tried) return false;
  const auto where = next_outbound(t, *d);
  if (!where) return false;
  timers.disarm(client_timer(transaction));
  timers.disarm(deadline_timer(transaction));
  begin_attempt_to(transaction, *where, d->index, d->id);
  send_invite(transaction);
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
  a.sent_at = now;
  t.preferred = no_index;
  call.callee_listener = where.listener;
  if ((call.flags & call_record::counted) == 0) {
    call.flags |= call_record::counted;
    count(counters.calls_started);
    count(counters.calls_live);
  } else if (t.attempt_count > 1) {
    const attempt& before = t.attempts[t.attempt_count - 2u];
    const bool same = before.destination_id == id;
    count(same ? counters.address_turns : counters.failovers);
    if (post_dial_delay* const of_it = same ? nullptr : delays_of(before)) of_it->add_moved_on();
  }
  t.client = client_state::calling;
  transactions.move_to(transaction_list::unanswered, transaction);
  t.client_interval_ms = world->timers.t1_ms;
  timers.arm(client_timer(transaction), after_ms(t.client_interval_ms));
  wait_for_answer(transaction, world->timers.fr_timeout_ms);
}

own_headers engine::state::headers_of(std::uint32_t transaction, std::size_t number) const {
  const invite_transaction& t = transactions[transaction];
  const attempt& a = t.attempts[number];
  const invite_branch id{transaction, t.generation, static_cast<std::uint8_t>(number),
                         t.reply_to.listener};
  const branch_text branch =
      make_branch({branch_kind::invite, id.number()}, t.hash, t.cseq, setup.secret);
  // The Record-Route names the call also when it is over: an ACK of a failure is built from this.
  const std::uint64_t handle = t.call != no_call ? calls.handle_of(t.call) : calls.handle_of_none();
  return make_invite_headers(*world, t.reply_to.listener, a.listener, branch, handle,
                             world->overload.enabled && a.destination != no_index);
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
  transactions.move_to(transaction_list::unanswered, transaction);
  timers.arm(deadline_timer(transaction), after_ms(setup.limits.parked_deadline_ms));
}

bool engine::state::may_fail_over(const invite_transaction& t) {
  return t.plan.may_fail_over && !t.cancel_wanted && t.bye_tag == 0;
}

bool engine::state::wants_failover(const invite_transaction& t, std::uint16_t status) {
  if (!may_fail_over(t)) return false;
  const std::size_t code_class = status / 100u;
  if (code_class < t.plan.failover_class.size() && t.plan.failover_class[code_class]) return true;
  const auto* codes = t.plan.failover_codes.data();
  return std::find(codes, codes + t.plan.failover_code_count, status) !=
         codes + t.plan.failover_code_count;
}

// Whoever is disabled comes back by a probe or an admin; who only asked for a pause, by itself.
void engine::state::set_aside(const attempt& failed, bool disable, std::uint16_t status,
                              std::uint32_t retry_after_s) {
  if (failed.destination == no_index || !(disable || retry_after_s > 0)) return;
  // A reload may have given it another address meanwhile, which has not failed.
  const linehunt::destination* const d = find_destination(failed.destination);
  if (d == nullptr || std::ranges::find(d->addresses, failed.to) == d->addresses.end()) return;
  const bool pauses = timers.armed(pause_timer(failed.destination));
  if (ledger.enabled(failed.destination) || (disable && pauses)) {
    event what;
    what.kind = disable ? event_kind::destination_disabled : event_kind::destination_paused;
    what.from = setup.self;
    what.cause = status;
    what.generation = static_cast<std::uint16_t>(world->generation);
    what.destination = failed.destination;
    what.subject = disable ? 0 : retry_after_s;
    what.at = now;
    // Disabled here and nowhere else it would stay so for ever: its next failure says it again.
    if (!out->raise(what)) return;
    ledger.set_enabled(failed.destination, false);
    if (disable)
      timers.disarm(pause_timer(failed.destination));
    else
      timers.arm(pause_timer(failed.destination), after_ms(retry_after_s * 1000ull));
  }
}

void engine::state::fail_over(std::uint32_t transaction) {
  invite_transaction& t = transactions[transaction];
  timers.disarm(client_timer(transaction));
  timers.disarm(deadline_timer(transaction));
  t.client = client_state::none;
  t.shed = false;
  t.passed_over_count = 0;
  release(t.call);
  holding held;
  auto outcome = selection_outcome::no_destination;
  if (t.attempt_count < t.most_attempts) outcome = choose(transaction, held);
  if (outcome == selection_outcome::pending) return park(transaction);
  if (outcome == selection_outcome::selected && begin_attempt(transaction, held))
    return send_invite(transaction);
  (void)refuse_call(transaction, outcome);
}

} // namespace linehunt
