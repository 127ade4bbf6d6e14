// SPDX-License-Identifier: Apache-2.0
// An INVITE that replaces a call (RFC 3891) goes, of all candidates of its rule, to the destination
// that has that call. Where the Call-ID of that one belongs to another worker, this one asks by
// mail and the INVITE is parked; it asks again, in case a ring was full, until the deadline for
// parked INVITEs, after which the selection is as if nothing were known. So it is at once where as
// many wait already as may wait for a lease, and where it cannot be read which call is meant: to
// refuse that is for whom the INVITE reaches (RFC 3261 16.3, RFC 3891 3).
//
//   find_replaced    value = hash of the Call-ID, subject = marks of to-tag and from-tag,
//                    slot and flags = the INVITE that waits
//   found_replaced   slot and flags as they came, subject = destination_index, or no_index,
//                    value = its id
#include "dataplane/engine/state.h"
#include "sipparse/scan.h"

#include <algorithm>

namespace linehunt {
namespace {

// A worker takes its mail in each of its loops. Twice as long each time, since whoever has full
// rings has much to do.
constexpr std::uint32_t ask_again_ms = 20;

// Of a call that is looked for, all of whose records (32 at most) have to be hashed for it.
// Call-IDs that software makes have a hundred bytes at most.
constexpr std::size_t most_call_id_bytes = 256;

constexpr unsigned transaction_bits = 24; // as many as there are at most

} // namespace

std::optional<engine::state::replaced_call>
engine::state::replaced_by(const sip::message_view& invite) const {
  if (invite.count_of(sip::header_id::replaces) != 1) return std::nullopt;
  const auto field = sip::parse_replaces(invite.value_of(sip::header_id::replaces));
  if (!field || field->call_id.size() > most_call_id_bytes) return std::nullopt;
  return replaced_call{call_hash(field->call_id, setup.secret), mark_of(field->to_tag),
                       mark_of(field->from_tag)};
}

bool engine::state::know_replaced(std::uint32_t transaction) {
  const auto wanted = replaced_by(view);
  if (!wanted) return true;
  if (owner_of(wanted->hash, setup.workers) == setup.self) {
    prefer(transaction, destination_with(*wanted));
    return true;
  }
  if (asking >= setup.limits.max_parked) {
    count(counters.calls_unheard);
    return true;
  }
  transactions[transaction].asks = true;
  ++asking;
  ask_for_replaced(transaction, *wanted);
  return false;
}

// The same box may be a destination of several groups: it is the one of the rule's group that has
// an address of it.
destination_index engine::state::in_group(destination_index d, std::uint32_t group) const {
  const linehunt::destination* const there = find_destination(d);
  if (there == nullptr || there->group == group) return d;
  for (const endpoint& address : there->addresses)
    if (const linehunt::destination* const here = world->destination_in(group, address))
      return here->index;
  return no_index;
}

// Unless that one has had this INVITE and has sent it back to us: it would do so again.
void engine::state::prefer(std::uint32_t transaction, destination_index d) {
  invite_transaction& t = transactions[transaction];
  const destination_index preferred = in_group(d, t.plan.group);
  const linehunt::destination* const there = find_destination(preferred);
  if (there == nullptr) return;
  bool had_it = false;
  if (t.most_attempts != max_attempts)
    calls.for_each_of(t.hash, most_call_id_bytes, [&](std::uint32_t call) {
      const std::uint32_t before = calls[call].transaction;
      if (calls[call].state != call_state::early || before == no_transaction) return;
      const auto& attempts = transactions[before].attempts;
      had_it =
          had_it ||
          std::any_of(attempts.begin(), attempts.begin() + transactions[before].attempt_count,
                      [&](const attempt& a) {
                        return std::ranges::find(there->addresses, a.to) != there->addresses.end();
                      });
    });
  if (!had_it) t.preferred = preferred;
}

void engine::state::ask_for_replaced(std::uint32_t transaction, const replaced_call& wanted) {
  invite_transaction& t = transactions[transaction];
  linehunt::mail question;
  question.kind = mail_kind::find_replaced;
  question.from = setup.self;
  question.slot = transaction | t.generation << transaction_bits;
  question.flags = static_cast<std::uint8_t>(t.generation >> 8);
  question.value = static_cast<std::int64_t>(wanted.hash);
  question.subject = std::uint64_t{wanted.to_mark} << 32 | wanted.from_mark;
  (void)out->mail(owner_of(wanted.hash, setup.workers), question);
  t.client_interval_ms = std::max(ask_again_ms, t.client_interval_ms * 2);
  timers.arm(client_timer(transaction), after_ms(t.client_interval_ms));
}

void engine::state::ask_again(std::uint32_t transaction) {
  const std::size_t len =
      transactions.texts().copy_out(transactions[transaction].invite, buffer_a());
  if (len == 0 || !sip::scan({&scratch_a[0], len}, stored_view)) return;
  if (const auto wanted = replaced_by(stored_view)) ask_for_replaced(transaction, *wanted);
}

void engine::state::answer_where(const linehunt::mail& question) {
  if (question.from >= setup.workers) return;
  const replaced_call wanted{static_cast<std::uint64_t>(question.value),
                             static_cast<std::uint32_t>(question.subject >> 32),
                             static_cast<std::uint32_t>(question.subject)};
  linehunt::mail answer = question;
  answer.kind = mail_kind::found_replaced;
  answer.from = setup.self;
  answer.subject = destination_with(wanted);
  const linehunt::destination* const d =
      find_destination(static_cast<destination_index>(answer.subject));
  answer.value = d != nullptr ? d->id : 0;
  (void)out->mail(question.from, answer);
}

void engine::state::hear_where(const linehunt::mail& answer) {
  const std::uint32_t transaction = answer.slot & ((1u << transaction_bits) - 1);
  if (transaction >= transactions.capacity()) return;
  invite_transaction& t = transactions[transaction];
  // It may have been given up meanwhile, or asked twice and have gone on.
  if (t.client != client_state::parked || !t.asks ||
      answer.slot != (transaction | t.generation << transaction_bits) ||
      answer.flags != static_cast<std::uint8_t>(t.generation >> 8))
    return;
  // The number may be another one's by now.
  const linehunt::destination* const d =
      find_destination(static_cast<destination_index>(answer.subject));
  if (d != nullptr && d->id == answer.value) prefer(transaction, d->index);
  go_on(transaction);
}

void engine::state::go_on(std::uint32_t transaction) {
  forget_question(transactions[transaction]);
  fail_over(transaction);
}

void engine::state::forget_question(invite_transaction& t) noexcept {
  if (!t.asks) return;
  t.asks = false;
  --asking;
}

// We stand between both parties: the INVITE is for the one whose own tag is the to-tag, which may
// be the callee or the caller. Of a call that rings only the caller's tag is known. One that has
// come back to us has the same tags on each of its ways: the callee is at the end of the last one,
// the caller at that of the first.
destination_index engine::state::destination_with(const replaced_call& wanted) {
  destination_index found = no_index;
  bool found_early = false;
  time_us found_at = 0;
  calls.for_each_of(wanted.hash, most_call_id_bytes, [&](std::uint32_t call) {
    const call_record& record = calls[call];
    if (record.state == call_state::ended) return;
    const bool early = record.state == call_state::early;
    const std::uint32_t from = mark_of(calls.text(call, call_text::from_tag));
    const std::uint32_t to = early ? 0 : mark_of(calls.text(call, call_text::to_tag));
    const bool for_callee = from == wanted.from_mark && (early || to == wanted.to_mark);
    const bool for_caller = from == wanted.to_mark && (early || to == wanted.from_mark);
    if (!for_callee && !for_caller) return;
    const destination_index here =
        destination_beside(call, for_callee ? side::callee : side::caller);
    const bool later = record.started_at > found_at;
    if (here == no_index ||
        (found != no_index && (early != found_early ? early : later != for_callee)))
      return;
    found = here;
    found_early = early;
    found_at = record.started_at;
  });
  return found;
}

// A rule may count the calls of a destination there, so that a call's own one is at either side.
destination_index engine::state::destination_beside(std::uint32_t call, side whose) {
  const linehunt::destination* const own = find_destination(calls[call].destination);
  const destination_index own_index = own != nullptr ? own->index : no_index;
  if (whose == side::callee) {
    if (own != nullptr) return own_index;
    // Not configured any more, or as another one.
    const linehunt::destination* const there = world->destination_from(callee_of(call), 0);
    return there != nullptr ? there->index : no_index;
  }
  const endpoint caller = calls::unpack_endpoint(calls.text(call, call_text::caller_address));
  const auto is_there = [&](const endpoint& e) { return e.ip == caller.ip; };
  if (own != nullptr && std::ranges::any_of(own->addresses, is_there)) return own_index;
  const linehunt::destination* from = world->destination_from(caller, 0);
  if (from == nullptr) from = world->destination_from({caller.ip, 0}, 0);
  return from != nullptr ? from->index : own_index;
}

} // namespace linehunt
