// SPDX-License-Identifier: Apache-2.0
// Responses to the INVITEs that we sent (RFC 3261 16.7, RFC 6026): provisionals, the 2xx that
// answers a call, failures that go upstream or to the next destination, and late ones.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/routes.h"
#include "dataplane/engine/state.h"
#include "sipparse/scan.h"

#include <algorithm>

namespace linehunt {
namespace {

// A destination that asks for more is asked again by then: what it says may be a mistake, and
// nobody but an admin could put that right.
constexpr std::uint32_t longest_pause_s = 3600;

} // namespace

verdict engine::state::on_invite_response(const invite_branch& branch) {
  const std::uint32_t transaction = transactions.find(branch.transaction, branch.generation);
  const bool to_invite = routing.cseq.method == sip::method::invite;
  const bool to_cancel = routing.cseq.method == sip::method::cancel;
  if (transaction == no_transaction) {
    if (to_cancel) return verdict::response_consumed;
    if (to_invite && view.status / 100 == 2) return on_late_success(branch);
    return verdict::dropped_stray_response;
  }
  invite_transaction& t = transactions[transaction];
  if (branch.attempt >= t.attempt_count) return verdict::dropped_stray_response;
  attempt& a = t.attempts[branch.attempt];

  // The branch alone proves that the sender has seen our request; that it also answers from an
  // address of the destination keeps out those who have only overheard it.
  const linehunt::destination* d = destination_of(a);
  const bool is_there =
      d != nullptr && std::any_of(d->addresses.begin(), d->addresses.end(),
                                  [&](const endpoint& e) { return e.ip == in->source.ip; });
  if (in->source.ip != a.to.ip && !is_there) return verdict::dropped_wrong_source;
  if (is_there)
    note_overload(d->index); // and not what a destination asks that has another URI by now
  if (to_cancel) {
    // Timer E stops; the INVITE's own final answer is what counts.
    if (view.status >= 200 && a.cancelled) {
      a.cancel_done = true;
      arm_cancel_timer(transaction);
    }
    return verdict::response_consumed;
  }
  if (!to_invite) return verdict::dropped_stray_response;
  if (view.status < 200) return on_provisional(transaction, branch.attempt);
  if (view.status < 300) return on_success(transaction, branch.attempt);
  return on_failure(transaction, branch.attempt);
}

void engine::state::note_ringing(attempt& a) noexcept {
  if (a.rang) return;
  a.rang = true;
  if (post_dial_delay* const of_it = delays_of(a)) of_it->add(now - a.sent_at);
}

verdict engine::state::on_provisional(std::uint32_t transaction, std::size_t number) {
  invite_transaction& t = transactions[transaction];
  attempt& a = t.attempts[number];
  if (a.answered) return verdict::response_consumed; // overtaken by its final answer
  a.provisional = true;
  const bool current = number + 1u == t.attempt_count && t.client != client_state::parked;
  if (!current || t.server != server_state::proceeding || t.client == client_state::none) {
    // Given up, but it rings now.
    send_cancel(transaction, number);
    return verdict::response_consumed;
  }
  const bool first = t.client == client_state::calling;
  if (first) {
    timers.disarm(client_timer(transaction)); // timer A
    transactions.move_to(transaction_list::ringing, transaction);
  }
  t.client = client_state::proceeding;
  if (t.cancel_wanted) {
    if (!a.cancelled) {
      send_cancel(transaction, number);
      timers.arm(deadline_timer(transaction), after_ms(transaction_timeout_ms()));
    }
  } else if (first || view.status != 100) { // RFC 3261 16.7 (2)
    wait_for_answer(transaction,
                    std::min(world->timers.fr_inv_timeout_ms, world->timers.timer_c_ms));
  }
  if (view.status == 100) return verdict::response_consumed; // RFC 3261 16.7 (5)
  note_ringing(a);
  // Who asks for a PRACK (RFC 3262 3) says where it is to go.
  if (view.has(sip::header_id::require) && !routing.to_tag.empty()) {
    learn_callee(t.call, a);
    note_ringing_at(t);
  }

  sip::edit_list edits;
  const sip::via_field* const next = next_via();
  if (!next || !remove_top_via(edits, *next)) return verdict::dropped_malformed;
  const std::size_t len = edits.apply_to(in->bytes, buffer_b());
  if (len != 0) {
    transactions.texts().free(t.reply);
    t.reply = store_text({&scratch_b[0], len});
  }
  out->forward(edits, t.reply_to);
  return verdict::response_forwarded;
}

verdict engine::state::on_success(std::uint32_t transaction, std::size_t number) {
  invite_transaction& t = transactions[transaction];
  const sip::via_field* const next = next_via();
  if (!next) return verdict::dropped_malformed;
  const outbound caller = t.reply_to;
  note_ringing(t.attempts[number]);
  if (t.server == server_state::proceeding) {
    answer_call(transaction, number);
  } else {
    t.attempts[number].answered = true;
    if (!note_other_dialog(transaction, number, caller.listener))
      return verdict::dropped_excess_dialog;
  }
  sip::edit_list edits;
  if (!remove_top_via(edits, *next)) return verdict::dropped_malformed;
  out->forward(edits, caller);
  return verdict::response_forwarded;
}

verdict engine::state::on_failure(std::uint32_t transaction, std::size_t number) {
  invite_transaction& t = transactions[transaction];
  attempt& a = t.attempts[number];
  send_ack(transaction, number);
  if (a.answered) return verdict::response_consumed; // repeated, and so is the ACK
  a.answered = true;
  const bool current = number + 1u == t.attempt_count && t.client != client_state::parked;
  if (!current || t.server != server_state::proceeding || t.client == client_state::none)
    return verdict::response_consumed;
  timers.disarm(client_timer(transaction));
  timers.disarm(deadline_timer(transaction));
  t.client = client_state::done;

  std::uint32_t retry_after_s = 0;
  if (view.status == 503) {
    if (const auto value = view.value_of(sip::header_id::retry_after); !value.empty()) {
      if (const auto seconds = sip::parse_retry_after(value))
        retry_after_s = std::min(*seconds, longest_pause_s);
    }
  }
  if (view.status == 503 && try_next_address(transaction, retry_after_s))
    return verdict::response_consumed;
  if (wants_failover(t, view.status)) {
    set_aside(a, t.plan.failover_disable, view.status, retry_after_s);
    fail_over(transaction);
    return verdict::response_consumed;
  }
  // RFC 3261 21.5.4: that is for other requests too, whatever becomes of this one.
  set_aside(a, false, view.status, retry_after_s);

  sip::edit_list edits;
  const sip::via_field* const next = next_via();
  if (!next || !remove_top_via(edits, *next)) {
    answer_invite(transaction, 500, "Server Internal Error");
    return verdict::dropped_malformed;
  }
  // RFC 3261 16.7 (6): a 503 speaks for that destination alone, not for us.
  if (view.status == 503)
    edits.replace({static_cast<std::uint16_t>(view.version.end() + 1),
                   static_cast<std::uint16_t>(view.start_line.end() - view.version.end() - 1)},
                  "500 Server Internal Error");
  const std::size_t len = edits.apply_to(in->bytes, buffer_b());
  if (len == 0) {
    answer_invite(transaction, 500, "Server Internal Error");
    return verdict::response_consumed;
  }
  transactions.texts().free(t.reply);
  t.reply = store_text({&scratch_b[0], len});
  fail_call(transaction);
  complete(transaction);
  out->forward(edits, t.reply_to);
  return verdict::response_forwarded;
}

// The transaction has gone: a repeated 2xx, or the 2xx of another branch further down. Both belong
// to the caller (RFC 3261 16.7 (5)). The branch does not know who that is: so whoever answers must
// take part in the caller's call or, where that has gone as well, be a destination. Else whoever
// has seen a branch could have us send what it likes to anybody.
verdict engine::state::on_late_success(const invite_branch& branch) {
  if (branch.caller_listener >= world->listeners.size()) return verdict::dropped_no_route;
  const sip::via_field* const via = next_via();
  const auto caller = via ? via_target(*via) : std::nullopt;
  if (!caller) return verdict::dropped_malformed;
  bool is_caller = false;
  const std::uint32_t known =
      calls.find_caller(hash, routing.call_id, routing.from_tag, [&](std::uint32_t call) {
        if (unpack_endpoint(calls.text(call, call_text::caller_address)).ip != caller->ip)
          return false;
        is_caller = true;
        return belongs_to(call, side::callee, in->source.ip);
      });
  const bool may =
      known != no_call || (!is_caller && world->destination_from({in->source.ip, 0}, 0) != nullptr);
  if (!may) return verdict::dropped_wrong_source;
  if (!note_other_dialog(no_transaction, 0, branch.caller_listener))
    return verdict::dropped_excess_dialog;
  return forward_response(branch.caller_listener);
}

// Where requests to the callee go, as its response says. A ringing call has no To tag of its own
// yet: other devices may ring as well.
void engine::state::learn_callee(std::uint32_t call, const attempt& from) {
  std::array<char, 4096> routes;
  call_texts texts = calls.texts(call);
  const packed_endpoint callee = pack_endpoint(from.to);
  const auto set = [&](call_text which, std::string_view text) {
    texts[static_cast<std::size_t>(which)] = text;
  };
  if (view.status >= 200) {
    set(call_text::to_tag, routing.to_tag);
    set(call_text::callee_address, callee);
  }
  if (const auto contact = sip::parse_address(view.value_of(sip::header_id::contact)))
    set(call_text::callee_target, contact->uri);
  set(call_text::callee_routes, callee_routes(view, *world, routes));
  (void)calls.set_texts(call, texts); // a call that cannot keep its tag ends by timer
}

// The record of a call has room for one Contact, but each of several early dialogs has its own
// (RFC 3261 13.2.2.4).
void engine::state::note_ringing_at(invite_transaction& t) {
  const auto note = [&](const std::optional<ip_address>& ip) {
    if (!ip || t.ringing_count == t.ringing_at.size() || t.rings_at(mark_of(*ip))) return;
    t.ringing_at[t.ringing_count++] = mark_of(*ip);
  };
  note(uri_address(calls.text(t.call, call_text::callee_target)));
  if (const auto route = sip::parse_address(calls.text(t.call, call_text::callee_routes)))
    note(uri_address(route->uri));
}

void engine::state::answer_call(std::uint32_t transaction, std::size_t number) {
  invite_transaction& t = transactions[transaction];
  attempt& a = t.attempts[number];
  const std::uint32_t call = t.call;
  call_record& record = calls[call];
  a.answered = true;

  if (t.client == client_state::parked) ledger.withdraw(waiter_of(transaction));
  if (number + 1u != t.attempt_count || t.client == client_state::parked ||
      t.client == client_state::none) {
    // An earlier destination, given up for lost, has answered after all: the call is there now, and
    // its lines with it, even above capacity.
    // Lines of the same destination are kept: given back, they might be gone. They stay its lines
    // where a reload has taken it away, as those of calls that were answered before; otherwise one
    // that is not configured any more has none. So does a call that needs none stay where it is.
    const bool kept = (record.slot_count > 0 || t.plan.resource_count == 0) &&
                      t.current().destination_id == a.destination_id;
    if (!kept) {
      release(call);
      holding held;
      const bool there = destination_of(a) != nullptr;
      if (there)
        ledger.count(a.destination, {t.plan.resources.data(), t.plan.resource_count}, held);
      hold(call, held);
      move_call(call, there ? a.destination : no_index);
    }
    record.callee_listener = a.listener;
    attempt& other = t.current();
    if (&other != &a && other.provisional && !other.answered)
      send_cancel(transaction, t.attempt_count - 1u);
  }

  learn_callee(call, a);
  record.state = call_state::answered;
  record.transaction = no_transaction;
  record.answered_after_ms = static_cast<std::uint32_t>((now - record.started_at) / 1000);
  count(counters.calls_answered);
  note_refresh(call, true);
  arm_call_timer(call);
  if (t.bye_tag != 0 && t.bye_tag == mark_of(routing.to_tag)) leave(call);

  t.call = no_call;
  t.server = server_state::accepted;
  t.client = client_state::done;
  timers.disarm(client_timer(transaction));
  timers.disarm(deadline_timer(transaction));
  // Repetitions of INVITE and 2xx find the call; the record is needed only where other branches of
  // this INVITE may still want an ACK or a CANCEL.
  if (a.cancelled || t.attempt_count > 1) {
    transactions.move_to(transaction_list::lingering, transaction);
    timers.arm(deadline_timer(transaction), after_ms(transaction_timeout_ms()));
  } else {
    finish_transaction(transaction);
  }
}

// A 2xx with another tag than the one that answered the call: a second dialog (RFC 3261 13.2.2.4).
// The caller will acknowledge and end it, or the first: then it has the lines. One too many, or one
// that there is no record for, is not passed on: without an ACK whoever answered ends it (RFC 3261
// 13.3.1.4).
bool engine::state::note_other_dialog(std::uint32_t transaction, std::size_t number,
                                      listener_index caller_listener) {
  const dialog_match known = find_dialog(0);
  if (known && calls[known.call].state != call_state::early) return true;
  // Whatever its From tag, which a box may have invented.
  if (calls.count_dialogs(hash, routing.call_id) >= max_dialogs_per_invite) return false;
  const sip::via_field* const via = next_via();
  const auto caller = via ? via_target(*via) : std::nullopt;
  if (!caller) return true;
  std::array<char, 4096> routes;
  std::array<char, 4096> of_caller;
  call_texts texts{};
  const auto set = [&](call_text which, std::string_view text) {
    texts[static_cast<std::size_t>(which)] = text;
  };
  const caller_way way = way_to_caller(transaction, *caller, of_caller);
  set(call_text::caller_target, way.target);
  set(call_text::caller_routes, way.routes);
  const packed_endpoint caller_address = pack_endpoint(*caller);
  const packed_endpoint callee_address = pack_endpoint(in->source);
  set(call_text::call_id, routing.call_id);
  set(call_text::from_tag, routing.from_tag);
  set(call_text::to_tag, routing.to_tag);
  set(call_text::caller_address, caller_address);
  set(call_text::callee_address, callee_address);
  if (const auto contact = sip::parse_address(view.value_of(sip::header_id::contact)))
    set(call_text::callee_target, contact->uri);
  set(call_text::callee_routes, callee_routes(view, *world, routes));
  set(call_text::from_uri, routing.from_uri);
  set(call_text::to_uri, routing.to_uri);
  // Requests may have gone on in it before its answer, all of which one record has counted.
  std::uint32_t caller_cseq = routing.cseq.number;
  std::uint16_t origin = 0;
  (void)calls.find_caller(hash, routing.call_id, routing.from_tag, [&](std::uint32_t beside) {
    caller_cseq = std::max(caller_cseq, calls[beside].caller_cseq);
    if (unpack_endpoint(calls.text(beside, call_text::caller_address)).ip == caller->ip)
      origin = static_cast<std::uint16_t>(origin | (calls[beside].origin & call_record::spirals));
    return false;
  });
  const std::uint32_t call = take_record(texts);
  if (call == no_call) return false;
  call_record& record = calls[call];
  record.state = call_state::answered;
  record.started_at = now;
  record.caller_listener = caller_listener;
  record.callee_listener = in->listener;
  record.caller_cseq = caller_cseq;
  record.origin = origin;
  destination_index at = note_dialogs(call);
  if (transaction != no_transaction) {
    const linehunt::destination* const d =
        destination_of(transactions[transaction].attempts[number]);
    if (d != nullptr) at = d->index;
  }
  move_call(call, at);
  note_refresh(call, true);
  arm_call_timer(call);
  return true;
}

// The INVITE tells it, and else another dialog of the same INVITE: a call that passes us twice has
// two callers, the other of whom is not meant. With both gone, the routes alone are known, from the
// 2xx.
engine::state::caller_way engine::state::way_to_caller(std::uint32_t transaction,
                                                       const endpoint& caller,
                                                       std::span<char> buffer) {
  const auto copied = [&buffer](std::string_view text) -> std::string_view {
    if (text.size() > buffer.size()) return {};
    text.copy(buffer.data(), text.size());
    const std::string_view copy{buffer.data(), text.size()};
    buffer = buffer.subspan(text.size());
    return copy;
  };
  if (transaction != no_transaction) {
    const std::size_t len =
        transactions.texts().copy_out(transactions[transaction].invite, buffer_a());
    if (len != 0 && sip::scan({&scratch_a[0], len}, stored_view)) {
      caller_way way;
      if (const auto contact = sip::parse_address(stored_view.value_of(sip::header_id::contact)))
        way.target = copied(contact->uri);
      way.routes = caller_routes(stored_view, buffer);
      return way;
    }
  }
  const std::uint32_t other =
      calls.find_caller(hash, routing.call_id, routing.from_tag, [&](std::uint32_t call) {
        return unpack_endpoint(calls.text(call, call_text::caller_address)).ip == caller.ip;
      });
  if (other != no_call) {
    caller_way way; // one at a time: both may lie in the table's own buffer
    way.target = copied(calls.text(other, call_text::caller_target));
    way.routes = copied(calls.text(other, call_text::caller_routes));
    return way;
  }
  return {{}, caller_routes(view, *world, buffer)};
}

} // namespace linehunt
