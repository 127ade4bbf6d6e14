// SPDX-License-Identifier: Apache-2.0
// An INVITE outside any dialog: is it a repetition, what do the rules say, and the records that a
// call needs until it is answered.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/state.h"

#include <algorithm>
#include <cstring>

namespace linehunt {
namespace {

call_plan plan_of(const rule_decision& decision) noexcept {
  const rule_model& rule = *decision.rule;
  call_plan plan;
  plan.group = rule.group;
  plan.resource_count = decision.resource_count;
  std::copy_n(decision.resources.begin(), decision.resource_count, plan.resources.begin());
  plan.flags = rule.flags;
  plan.may_fail_over = rule.action == rule_action::balance;
  plan.failover_class = rule.failover.code_class;
  plan.failover_code_count =
      static_cast<std::uint8_t>(std::min(rule.failover.codes.size(), plan.failover_codes.size()));
  std::copy_n(rule.failover.codes.begin(), plan.failover_code_count, plan.failover_codes.begin());
  plan.failover_timeout = rule.failover.local_timeout;
  plan.failover_no_answer = rule.failover.no_answer;
  plan.failover_disable = rule.failover.disable;
  if (rule.status != 0) plan.refusal_status = rule.status;
  const std::string_view reason =
      rule.reason.empty() ? std::string_view{"Service full"} : std::string_view{rule.reason};
  plan.refusal_reason_len =
      static_cast<std::uint8_t>(std::min(reason.size(), plan.refusal_reason.size()));
  std::memcpy(plan.refusal_reason.data(), reason.data(), plan.refusal_reason_len);
  return plan;
}

} // namespace

verdict engine::state::on_invite() {
  const std::uint64_t key = server_key(routing, view.text(view.request_uri), hash, setup.secret);
  if (const auto t = transactions.find(key); t != no_transaction) return repeat_reply(t);
  if (calls.find_server_key(hash, routing.call_id, key) != no_call)
    return verdict::retransmission_absorbed;
  const earlier_passes before = passes_before();
  if (before.count >= max_passes) return reply(482, "Loop Detected", verdict::rejected_loop);
  if (draining) {
    if (is_dropped_by_rule()) return verdict::dropped_by_rule;
    return reply(503, "Service Unavailable", verdict::dropped_draining, "Retry-After: 5\r\n");
  }

  rule_decision decision;
  if (world->rules)
    decision = world->rules->decide({&view, &routing, in->source, world}, setup.self);
  if (decision.rule == nullptr) return reply(404, "Not Found", verdict::rejected_no_rule);
  const rule_model& rule = *decision.rule;
  if (rule.action == rule_action::drop) return verdict::dropped_by_rule;
  if (rule.action == rule_action::reply) {
    const std::uint16_t status = rule.status != 0 ? rule.status : std::uint16_t{403};
    return reply(status, rule.reason.empty() ? sip::reason_phrase(status) : rule.reason,
                 verdict::rejected_by_rule);
  }
  return start_call(key, decision, before);
}

// Failover within a loop tries every way at each turn of it, so it must have an end before
// Max-Forwards has (RFC 5393). Call-ID and CSeq stay as they are, so our branches below the topmost
// Via are still seen to be genuine.
engine::state::earlier_passes engine::state::passes_before() const noexcept {
  std::string_view rest = routing.top_via.rest;
  if (rest.empty() && view.count_of(sip::header_id::via) == 1) return {};
  earlier_passes before;
  for (std::size_t h = view.first[static_cast<std::size_t>(sip::header_id::via)];;) {
    while (!rest.empty()) {
      const auto via = sip::parse_via(rest);
      if (!via) return before;
      if (sent_by_is_ours(*world, *via)) {
        if (const auto branch =
                genuine_branch(via->branch, hash, routing.cseq.number, setup.secret)) {
          if (before.count == 0 && branch->kind == branch_kind::invite)
            before.last = invite_branch::from(branch->number);
          ++before.count;
        }
      }
      rest = via->rest;
    }
    do {
      if (++h >= view.header_count) return before;
    } while (view.headers[h].id != sip::header_id::via);
    rest = view.text(view.headers[h].value);
  }
}

// Of any request outside a call. Nothing of it is kept, so a repetition is decided anew.
bool engine::state::is_dropped_by_rule() const noexcept {
  if (!world->rules || !world->rules->any_drops()) return false;
  const rule_decision decision =
      world->rules->decide({&view, &routing, in->source, world}, setup.self);
  return decision.rule != nullptr && decision.rule->action == rule_action::drop;
}

verdict engine::state::start_call(std::uint64_t key, const rule_decision& decision,
                                  const earlier_passes& before) {
  sip::edit_list edits;
  const route_plan routes = plan_routes(view, routing.top_route_uri, *world, edits);
  // Strict routing (RFC 2543) would give the destination another Request-URI than the rules have
  // seen.
  if (!routes.ok || routes.request_uri_moved)
    return reply(400, "Bad Request - Route", verdict::rejected_malformed);
  edit_request(edits);
  if (!fits(edits)) return reply(513, "Message Too Large", verdict::rejected_too_long);

  const std::uint32_t transaction = make_records(key, decision, edits);
  if (transaction == no_transaction)
    return reply(503, "Service Unavailable", verdict::rejected_table_full, "Retry-After: 5\r\n");
  invite_transaction& t = transactions[transaction];
  t.most_attempts = attempts_after(before.count);
  if (before.last) note_spiral(t.call, *before.last);
  const auto settled = decision.rule->action == rule_action::forward
                           ? forward_by_rule(transaction, decision)
                           : balance(transaction, decision);
  if (settled) return *settled;

  (void)reply(100, "Trying", verdict::request_forwarded);
  if (!edits.insert(view.headers_begin, headers_of(transaction, 0))) {
    answer_invite(transaction, t.plan.refusal_status,
                  {t.plan.refusal_reason.data(), t.plan.refusal_reason_len});
    return verdict::rejected_too_long;
  }
  const attempt& to = t.current();
  out->forward(edits, {to.to, to.listener});
  return verdict::request_forwarded;
}

// Both, so that no INVITE by itself makes the call of another INVITE its own (same_dialogs).
void engine::state::note_spiral(std::uint32_t call, const invite_branch& last) {
  const std::uint32_t transaction = transactions.find(last.transaction, last.generation);
  if (transaction == no_transaction) return;
  const invite_transaction& t = transactions[transaction];
  // It has been answered by now, or given up at who sends it back.
  if (t.call == no_call || last.attempt + 1u != t.attempt_count) return;
  calls[call].origin |= call_record::spirals;
  calls[t.call].origin |= call_record::spirals;
}

std::uint32_t engine::state::make_records(std::uint64_t key, const rule_decision& decision,
                                          const sip::edit_list& edits) {
  const std::uint32_t transaction = take_transaction(key);
  if (transaction == no_transaction) return no_transaction;
  const std::uint32_t call = take_call();
  if (call == no_call) {
    transactions.give_back(transaction);
    return no_transaction;
  }
  call_record& record = calls[call];
  record.transaction = transaction;
  record.server_key = key;
  record.started_at = now;
  record.caller_listener = in->listener;
  record.caller_cseq = routing.cseq.number;
  if (decision.rule->ping.caller) record.flags |= call_record::ping_caller;
  if (decision.rule->ping.callee) record.flags |= call_record::ping_callee;
  invite_transaction& t = transactions[transaction];
  t.call = call;
  t.hash = hash;
  t.cseq = routing.cseq.number;
  t.source = in->source;
  t.reply_to = {reply_target(routing.top_via, in->source), in->listener};
  t.started_at = now;
  t.plan = plan_of(decision);
  if (keep_invite(t, edits)) return transaction;
  calls.give_back(call);
  transactions.give_back(transaction);
  return no_transaction;
}

bool engine::state::keep_invite(invite_transaction& t, const sip::edit_list& edits) {
  const std::size_t len = edits.apply_to(in->bytes, buffer_a());
  if (len != 0) t.invite = store_text({&scratch_a[0], len});
  if (t.invite.empty()) return false;
  std::int32_t moved = 0;
  for (const sip::edit& e : edits.edits()) {
    if (e.off < view.headers_begin) moved += e.text_len - e.removed;
  }
  t.own_at = static_cast<std::uint16_t>(view.headers_begin + moved);
  return true;
}

std::optional<verdict> engine::state::forward_by_rule(std::uint32_t transaction,
                                                      const rule_decision& decision) {
  const rule_model& rule = *decision.rule;
  listener_index listener = 0;
  if (!is_sendable(rule.target) || world->is_local(rule.target) ||
      world->listener_for(rule.target.ip, listener) == nullptr)
    return refuse_call(transaction, selection_outcome::no_destination);
  if (rule.count && decision.source_destination != no_index) {
    holding held;
    ledger.count(decision.source_destination, {decision.resources.data(), decision.resource_count},
                 held);
    if (held.slot_count < decision.resource_count || decision.unknown_resource)
      count(counters.calls_uncounted);
    hold(transactions[transaction].call, held);
  }
  begin_attempt_to(transaction, {rule.target, listener}, no_index, 0);
  return std::nullopt;
}

std::optional<verdict> engine::state::balance(std::uint32_t transaction,
                                              const rule_decision& decision) {
  if (decision.unknown_resource)
    return refuse_call(transaction, selection_outcome::unknown_resource);
  holding held;
  const selection_outcome outcome =
      !view.has(sip::header_id::replaces) || know_replaced(transaction)
          ? choose(transaction, held)
          : selection_outcome::pending;
  if (outcome == selection_outcome::pending) {
    park(transaction);
    (void)reply(100, "Trying", verdict::request_parked);
    return verdict::request_parked;
  }
  if (outcome == selection_outcome::selected && begin_attempt(transaction, held))
    return std::nullopt;
  return refuse_call(transaction, outcome);
}

std::uint32_t engine::state::take_transaction(std::uint64_t key) {
  std::uint32_t t = transactions.take(key);
  if (t != no_transaction) return t;
  // Full. What lingers after a failure is the least loss; then the oldest INVITE that its
  // destination has not answered with a single byte for T1 and more.
  if (const auto old = transactions.oldest(transaction_list::lingering); old != no_transaction) {
    finish_transaction(old);
  } else if (const auto mute = transactions.oldest(transaction_list::unanswered);
             mute != no_transaction) {
    invite_transaction& m = transactions[mute];
    if (m.client != client_state::calling ||
        now - m.current().sent_at < world->timers.t1_ms * 1000ull)
      return no_transaction;
    answer_invite(mute, 503, "Service Unavailable", "Retry-After: 5\r\n");
    finish_transaction(mute);
  }
  return transactions.take(key);
}

// Where there is no room, what lingers after a failure makes some.
stored_bytes engine::state::store_text(std::string_view bytes) {
  stored_bytes stored = transactions.texts().store(bytes);
  for (int most = 16; stored.empty() && most > 0; --most) {
    const auto old = transactions.oldest(transaction_list::lingering);
    if (old == no_transaction) break;
    finish_transaction(old);
    stored = transactions.texts().store(bytes);
  }
  return stored;
}

std::uint32_t engine::state::take_call() {
  std::array<char, 4096> routes;
  call_texts texts{};
  const auto set = [&](call_text which, std::string_view text) {
    texts[static_cast<std::size_t>(which)] = text;
  };
  const packed_endpoint source = pack_endpoint(in->source);
  set(call_text::call_id, routing.call_id);
  set(call_text::from_tag, routing.from_tag);
  set(call_text::caller_address, source);
  if (const auto contact = sip::parse_address(view.value_of(sip::header_id::contact)))
    set(call_text::caller_target, contact->uri);
  set(call_text::caller_routes, caller_routes(view, routes));
  set(call_text::from_uri, routing.from_uri);
  set(call_text::to_uri, routing.to_uri);
  return take_record(texts);
}

// Where there is no room, a call that has ended makes some.
std::uint32_t engine::state::take_record(const call_texts& texts) {
  const std::uint32_t call = calls.take(hash, texts);
  if (call != no_call) return call;
  const std::uint32_t ended = calls.find_ended();
  if (ended == no_call) return no_call;
  timers.disarm(ended);
  calls.give_back(ended);
  return calls.take(hash, texts);
}

void engine::state::edit_request(sip::edit_list& edits) const noexcept {
  if (via_needs_received()) name_sender(edits); // first, since it stands above the others
  if (const sip::header* h = view.find(sip::header_id::max_forwards)) {
    std::array<char, 24> number;
    sip::writer digits{number};
    const std::uint16_t hops = routing.max_forwards;
    digits << std::uint64_t{hops > 0 ? hops - 1u : 0u};
    edits.replace(h->value, {number.data(), digits.size()});
  } else {
    edits.insert(view.headers_end, "Max-Forwards: 70\r\n"); // RFC 3261 16.6 (3)
  }
  trim(edits);
}

// RFC 3261 18.2.1 and RFC 3581 4, into the Via as it came.
void engine::state::name_sender(sip::edit_list& edits) const noexcept {
  const sip::via_field& via = routing.top_via;
  if (via.has_rport) {
    std::array<char, 24> number;
    sip::writer digits{number};
    digits << std::uint64_t{in->source.port};
    const std::string_view start = via.rport_text.starts_with(';') ? ";rport=" : "rport=";
    edits.replace(slice_of(via.rport_text),
                  std::array<std::string_view, 2>{start, {number.data(), digits.size()}});
  }
  const address_text source = to_text(in->source.ip);
  sip::slice old = slice_of(via.element.substr(via.element.size()));
  std::string_view name = ";received=";
  if (!via.received.empty()) {
    old = slice_of(via.received);
    if (old.off > 0 && view.base[old.off - 1] == '[' && view.base[old.end()] == ']')
      old = {static_cast<std::uint16_t>(old.off - 1), static_cast<std::uint16_t>(old.len + 2)};
    name = {};
  }
  edits.replace(old, std::array<std::string_view, 2>{name, source});
}

// What is around the message goes no further: CRLFs before it (RFC 3261 7.5), and what follows the
// body that Content-Length declares (RFC 3261 18.3).
void engine::state::trim(sip::edit_list& edits) const noexcept {
  if (view.start_line.off > 0) edits.remove({0, view.start_line.off});
  const std::uint32_t end = view.body_begin + routing.content_length;
  if (routing.has_content_length && end < view.len_bytes)
    edits.remove(
        {static_cast<std::uint16_t>(end), static_cast<std::uint16_t>(view.len_bytes - end)});
}

bool engine::state::fits(const sip::edit_list& edits) const noexcept {
  const auto len = static_cast<std::int64_t>(in->bytes.size()) + edits.growth_bytes();
  return edits.valid() && len + own_headers_most <= std::int64_t{sip::max_message_bytes};
}

} // namespace linehunt
