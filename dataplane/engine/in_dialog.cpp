// SPDX-License-Identifier: Apache-2.0
// Requests within a call, in either direction (RFC 3261 16.4, 16.6, 16.11): found by the handle in
// our Record-Route or by Call-ID and tags, sent on without a transaction, under a branch that a
// repetition gets again.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/state.h"
#include "dataplane/rules/header_lines.h"
#include "dataplane/siphash.h"

#include <algorithm>

namespace linehunt {
namespace {

const rules::header_name event_header{"Event", 'o'}; // RFC 6665 8.4

} // namespace

dialog_match engine::state::find_dialog(std::uint64_t handle) {
  return calls.find_dialog(hash, routing.call_id, routing.from_tag, routing.to_tag, handle);
}

verdict engine::state::on_in_dialog() {
  sip::edit_list edits;
  const route_plan plan = plan_routes(view, routing.top_route_uri, *world, edits);
  if (!plan.ok) return reply(400, "Bad Request - Route", verdict::rejected_malformed);
  const dialog_match match = find_dialog(plan.handle);
  if (!match) {
    // What a run before this one has numbered may be a dialog that this one does not know, and is
    // no early one of a call that came after it with the same Call-ID.
    const auto to = way_without_call(plan);
    if (to && calls.is_of_another_run(plan.handle))
      return forward_without_call(plan.handle, *to, edits);
    if (const dialog_match beside = find_early_beside())
      return forward_in_early(beside, plan, edits);
    if (to) return forward_without_call(plan.handle, *to, edits);
  }
  const bool over = match && calls[match.call].state == call_state::ended;
  // A call that has ended takes no new offer. Another usage of its dialog may live on (RFC 5057): a
  // NOTIFY that says how a REFER went, and repetitions of its BYE.
  const bool offers = view.method == sip::method::invite || view.method == sip::method::update;
  if (!match || (over && offers))
    return reply(481, "Call/Transaction Does Not Exist", verdict::rejected_no_dialog);
  // What ends a call, or an offer within it, must come from somebody who takes part.
  const bool ends = view.method == sip::method::bye || view.method == sip::method::cancel;
  if (ends && !is_party(match.call, in->source)) {
    // A party may send from an address that the call does not know, and has hung up then.
    if (view.method == sip::method::bye) ask_of_drop(match.call);
    return verdict::dropped_wrong_source;
  }
  return forward_in_dialog(match, plan, edits);
}

// Another device that the INVITE has reached may ring on for 64*T1 after the first 2xx (RFC 3261
// 13.2.2.4), in an early dialog of which we know nothing but the answered one beside it. No new
// offer by INVITE belongs there.
dialog_match engine::state::find_early_beside() {
  if (view.method == sip::method::invite) return {};
  const auto beside = [&](std::uint32_t call) {
    const call_record& record = calls[call];
    if (record.state != call_state::answered && record.state != call_state::leaving) return false;
    return now - record.answered_at() < transaction_timeout_ms() * 1000 &&
           is_party(call, in->source);
  };
  const std::uint32_t of_caller =
      calls.find_caller(hash, routing.call_id, routing.from_tag, beside);
  if (of_caller != no_call) return {of_caller, side::caller};
  return {calls.find_caller(hash, routing.call_id, routing.to_tag, beside), side::callee};
}

// It says nothing of the call that was answered, so nothing of it is noted there.
verdict engine::state::forward_in_early(const dialog_match& beside, const route_plan& plan,
                                        sip::edit_list& edits) {
  const call_record& record = calls[beside.call];
  const bool to_callee = beside.from == side::caller;
  const side other = to_callee ? side::callee : side::caller;
  auto to = uri_target(plan.next_hop.empty() ? plan.request_uri : plan.next_hop);
  if (!to || !is_sendable(*to) || world->is_local(*to) ||
      !(belongs_to(beside.call, other, to->ip) || (to_callee && was_tried(beside.call, to->ip))))
    to = to_callee ? callee_of(beside.call)
                   : unpack_endpoint(calls.text(beside.call, call_text::caller_address));
  const auto listener =
      listener_towards(*to, to_callee ? record.callee_listener : record.caller_listener);
  if (!listener || !is_sendable(*to)) return verdict::dropped_no_route;
  if (!edit_within(no_call, *listener, false, edits)) return too_long_within();
  out->forward(edits, {*to, *listener});
  return verdict::request_forwarded;
}

verdict engine::state::forward_in_dialog(const dialog_match& match, const route_plan& plan,
                                         sip::edit_list& edits) {
  const std::uint32_t call = match.call;
  const call_record& record = calls[call];
  const bool to_callee = match.from == side::caller;
  const auto peer = [&] {
    return to_callee ? callee_of(call)
                     : unpack_endpoint(calls.text(call, call_text::caller_address));
  };

  // By the next Route or the Request-URI; by what we know of the call where that names nobody that
  // can be reached without DNS, or us.
  std::optional<endpoint> to;
  if (!plan.next_hop.empty()) {
    to = uri_target(plan.next_hop);
  } else {
    to = plan.request_uri_moved ? uri_target(plan.request_uri) : uri_target(routing.request_uri);
    if (leads_to_us(*world, plan.request_uri, to)) {
      to.reset();
      const auto target =
          calls.text(call, to_callee ? call_text::callee_target : call_text::caller_target);
      if (!plan.request_uri_moved && !target.empty()) {
        edits.replace(view.request_uri, target);
        to = uri_target(target);
      }
    }
  }
  // It goes to the other side of the call, whomever it names: else who is in a call could have us
  // send what it likes to anybody, past the rules, or end it here with a BYE that no destination
  // ever gets.
  const side other = to_callee ? side::callee : side::caller;
  const bool rings = record.state == call_state::early && to_callee;
  const bool is_bye = view.method == sip::method::bye;
  const bool known_way = is_bye && goes_the_known_way(call, other, plan);
  if (to && !belongs_to(call, other, to->ip) && !(rings && was_tried(call, to->ip))) to.reset();
  const listener_index used = to_callee ? record.callee_listener : record.caller_listener;
  std::optional<listener_index> listener;
  if (to && is_sendable(*to) && !world->is_local(*to)) listener = listener_towards(*to, used);
  if (!listener) {
    to = peer();
    if (!is_sendable(*to) || world->is_local(*to)) return verdict::dropped_no_route;
    listener = listener_towards(*to, used);
    if (!listener) return verdict::dropped_no_route;
  }

  const bool offer_overload =
      world->overload.enabled && to_callee && callee_at(call, to->ip) != no_index;
  if (!edit_within(call, *listener, offer_overload, edits)) return too_long_within();
  expect_answer(match);
  const bool offers = view.method == sip::method::invite || view.method == sip::method::update;
  const bool of_party = offers && is_party(call, in->source);
  const bool counts = counts_in_dialog(match);
  note_request(match, {true, of_party, counts});
  if (is_bye) note_way_of_bye(match, known_way);
  // Not by the handles of those: they are of the dialog that was the first there, maybe another.
  if (plan.names_further_ways)
    for (const dialog_match& again : same_dialogs_as(call))
      note_request(again, {false, of_party, counts});
  out->forward(edits, {*to, *listener});
  return verdict::request_forwarded;
}

std::optional<listener_index> engine::state::listener_towards(const endpoint& to,
                                                              listener_index used) const {
  const auto& all = world->listeners;
  const bool usable = used < all.size() && all[used].local.ip.is_v6 == to.ip.is_v6;
  // Longest prefix first; of length 0 are gateways, of which any may know the way.
  const auto on_network = std::ranges::find_if(world->routes, [&to](const route& r) {
    return r.net.length_bits > 0 && r.net.contains(to.ip);
  });
  if (on_network != world->routes.end() && on_network->listener < all.size() &&
      (!usable || all[on_network->listener].port != all[used].port))
    return on_network->listener;
  if (usable) return used;
  listener_index any = 0;
  if (world->listener_for(to.ip, any) == nullptr) return std::nullopt;
  return any;
}

// What its branch, and so its answer, tells of where it came from.
std::uint32_t engine::state::via_hash_here() const {
  return stateless_branch::below(routing.top_via, reply_target(routing.top_via, in->source),
                                 setup.secret) &
         0xffffff;
}

// Everything that changes in it on its way but for the routes. False: it is too long now.
bool engine::state::edit_within(std::uint32_t call, listener_index listener, bool offer_overload,
                                sip::edit_list& edits) const {
  const stateless_branch id{call, in->listener, via_hash_here()};
  const branch_text branch =
      make_branch({branch_kind::stateless, id.number()}, hash, routing.cseq.number, setup.secret);
  edits.insert(view.headers_begin, make_via(*world, listener, branch, offer_overload));
  edit_request(edits);
  return fits(edits);
}

verdict engine::state::too_long_within() {
  if (view.method == sip::method::ack) return verdict::dropped_malformed;
  return reply(513, "Message Too Large", verdict::rejected_too_long);
}

// How a transfer went is told until its subscription ends (RFC 3515 2.4.4), which may be long after
// the BYE of the call. With a second Event, which RFC 6665 8.4 does not have, who gets it may read
// another package.
bool engine::state::tells_of_a_transfer() const noexcept {
  if (view.method != sip::method::notify) return false;
  std::uint32_t at = view.headers_begin;
  std::string_view event;
  if (!rules::next_line(view, event_header, at, event)) return false;
  const std::string_view package = event.substr(0, event.find_first_of("; \t\r"));
  return package == "refer" && !rules::next_line(view, event_header, at, event);
}

// Its parties have us in their routes, so that without us they could not even hang up. Whether the
// call is there, they know. One side must be a destination, else we would be anybody's relay; and
// nothing but BYE, ACK and word of a transfer, since whoever invents a handle has asked no rule.
// A call of this run that is not there has had its BYE and its ACK.
std::optional<outbound> engine::state::way_without_call(const route_plan& plan) const {
  const bool of_another_run = calls.is_of_another_run(plan.handle);
  const bool ends = view.method == sip::method::bye || view.method == sip::method::ack;
  if (plan.handle == 0 || !((of_another_run && ends) || tells_of_a_transfer())) return std::nullopt;
  const std::string_view next = plan.next_hop.empty() ? plan.request_uri : plan.next_hop;
  auto to = uri_target(next);
  // Of a URI for TLS no better port is known.
  if (const auto ip = uri_address(next); !to && ip) to = endpoint{*ip, sip_port};
  if (!to || !is_sendable(*to) || world->is_local(*to)) return std::nullopt;
  const auto is_destination = [this](const ip_address& ip) {
    return world->destination_from({ip, 0}, 0) != nullptr;
  };
  if (!is_destination(to->ip) && !is_destination(in->source.ip)) return std::nullopt;
  outbound way{*to, 0};
  if (world->listener_for(to->ip, way.listener) == nullptr) return std::nullopt;
  return way;
}

verdict engine::state::forward_without_call(std::uint64_t handle, const outbound& to,
                                            sip::edit_list& edits) {
  if (!edit_within(no_call, to.listener, false, edits)) return too_long_within();
  out->forward(edits, to);
  return calls.is_of_another_run(handle) ? verdict::request_of_another_run
                                         : verdict::request_forwarded;
}

endpoint engine::state::callee_of(std::uint32_t call) const {
  const call_record& record = calls[call];
  if (record.state == call_state::early && record.transaction != no_transaction) {
    const invite_transaction& t = transactions[record.transaction];
    if (t.attempt_count > 0) return t.attempts[t.attempt_count - 1u].to;
  }
  return unpack_endpoint(calls.text(call, call_text::callee_address));
}

// Somebody who may end the call: an address that the call is known to use. Ports are not looked at,
// since a request may leave another port than the one that it names.
bool engine::state::is_party(std::uint32_t call, const endpoint& source) const {
  return belongs_to(call, side::caller, source.ip) || belongs_to(call, side::callee, source.ip);
}

// By the routes of that side to its Contact; without any also to its user at the address, to the
// port, where the call is known to be, as of a Contact from behind a NAT. Any other way may be
// right as well, as by a Contact that we could not learn; but it may end at somebody else, or
// nowhere.
bool engine::state::goes_the_known_way(std::uint32_t call, side whose,
                                       const route_plan& plan) const {
  const bool callee = whose == side::callee;
  const endpoint peer =
      callee ? callee_of(call) : unpack_endpoint(calls.text(call, call_text::caller_address));
  const auto contact =
      calls.text(call, callee ? call_text::callee_target : call_text::caller_target);
  if (plan.target != contact) {
    if (!plan.next_hop.empty()) return false; // who is behind that may go by any part of it
    const auto to = uri_target(plan.target);
    // Where it leads to us it gets the Contact in its place.
    if (plan.request_uri_moved || !leads_to_us(*world, plan.target, to)) {
      const auto target = sip::parse_uri(plan.target), known = sip::parse_uri(contact);
      if (!target || (known && target->user != known->user)) return false;
      if (!to || (*to != peer && to != uri_target(contact))) return false;
    }
  }
  const auto routes =
      calls.text(call, callee ? call_text::callee_routes : call_text::caller_routes);
  return (plan.next_hop.empty() && routes.empty()) || has_routes(view, *world, plan.target, routes);
}

// The first of its routes that is not ours: we are in them twice where the call passes us twice.
std::string_view engine::state::first_route(std::uint32_t call, side whose) const {
  std::string_view routes =
      calls.text(call, whose == side::callee ? call_text::callee_routes : call_text::caller_routes);
  while (!routes.empty()) {
    const auto route = sip::parse_address(routes);
    if (!route) break;
    if (!names_us(*world, route->uri)) return route->uri;
    routes = route->rest;
  }
  return {};
}

bool engine::state::belongs_to(std::uint32_t call, side whose, const ip_address& ip) const {
  const bool callee = whose == side::callee;
  const endpoint peer =
      callee ? callee_of(call) : unpack_endpoint(calls.text(call, call_text::caller_address));
  if (peer.ip == ip) return true;
  if (uri_address(calls.text(call, callee ? call_text::callee_target : call_text::caller_target)) ==
      ip)
    return true;
  if (uri_address(first_route(call, whose)) == ip) return true;
  // Any other address of the destination, which is on the caller's side where its lines are those
  // of a call that it makes; or where one destination calls another.
  const auto both_of = [&](const linehunt::destination* d) {
    const auto has = [d](const ip_address& one) {
      return std::ranges::any_of(d->addresses, [&one](const endpoint& e) { return e.ip == one; });
    };
    return d != nullptr && has(peer.ip) && has(ip);
  };
  if (both_of(find_destination(calls[call].destination))) return true;
  return !callee && both_of(world->destination_from({peer.ip, 0}, 0));
}

// A destination to which its INVITE has gone, where something may ring yet, or where that is. Known
// while the call rings, and for 64*T1 after that.
bool engine::state::was_tried(std::uint32_t call, const ip_address& ip) const {
  const call_record& record = calls[call];
  // A restored call has another number in the place of its key, and no transaction.
  if ((record.origin & call_record::restored) != 0) return false;
  const std::uint32_t transaction =
      record.state == call_state::early ? record.transaction : transactions.find(record.server_key);
  if (transaction == no_transaction) return false;
  const invite_transaction& t = transactions[transaction];
  return std::any_of(t.attempts.begin(), t.attempts.begin() + t.attempt_count,
                     [&ip](const attempt& a) { return a.to.ip == ip; }) ||
         (t.ringing_count > 0 && t.rings_at(mark_of(ip)));
}

// Requests of our own are numbered behind those of the party in whose place they are. Of what comes
// from elsewhere the other side says by a 2xx that it has counted it, too. While it rings one tag
// may be anything, and each device counts for itself: of the caller no more than that many.
bool engine::state::counts_in_dialog(const dialog_match& match) const {
  constexpr std::uint32_t most_while_ringing = 64;
  const call_record& record = calls[match.call];
  // As of each ACK: then nobody has to be looked for.
  if (routing.cseq.number <= (match.from == side::caller ? record.caller_cseq : record.callee_cseq))
    return false;
  if (record.state != call_state::early) return is_party(match.call, in->source);
  if (record.transaction == no_transaction) return false;
  if (match.from == side::caller)
    return belongs_to(match.call, side::caller, in->source.ip) &&
           routing.cseq.number - transactions[record.transaction].cseq <= most_while_ringing;
  return was_tried(match.call, in->source.ip) || is_party(match.call, in->source);
}

void engine::state::note_number(const dialog_match& of) {
  call_record& record = calls[of.call];
  std::uint32_t& cseq = of.from == side::caller ? record.caller_cseq : record.callee_cseq;
  cseq = std::max(cseq, routing.cseq.number);
}

// What a request tells about the call before it goes on.
void engine::state::note_request(const dialog_match& match, const offer_way& way) {
  call_record& record = calls[match.call];
  if (way.counts) note_number(match);
  if ((record.origin & call_record::asked) != 0 && is_party(match.call, in->source))
    note_life(match.call, match.from);
  switch (view.method) {
  case sip::method::ack:
    // It may come after a BYE, which may yet be challenged.
    if (match.from == side::caller && (record.flags & call_record::acked) == 0 &&
        (record.state == call_state::answered || record.state == call_state::leaving)) {
      record.flags |= call_record::acked;
      arm_call_timer(match.call);
    }
    break;
  case sip::method::bye:
    if (record.state != call_state::early)
      record.origin |=
          match.from == side::caller ? call_record::caller_bye : call_record::callee_bye;
    if (record.state == call_state::answered) leave(match.call);
    // It may cross the 2xx of that dialog (RFC 3261 15, RFC 5407 3.1.2).
    else if (record.state == call_state::early && match.from == side::caller &&
             record.transaction != no_transaction)
      transactions[record.transaction].bye_tag = mark_of(routing.to_tag);
    break;
  case sip::method::invite:
  case sip::method::update:
    note_offer(match, way);
    break;
  default:
    break;
  }
}

// For good: which of several BYEs an answer is to, nobody knows.
void engine::state::note_way_of_bye(const dialog_match& match, bool known_way) {
  if (known_way) return;
  calls[match.call].origin |=
      match.from == side::caller ? call_record::caller_bye_astray : call_record::callee_bye_astray;
}

void engine::state::leave(std::uint32_t call) {
  calls[call].state = call_state::leaving;
  timers.arm(call, after_ms(transaction_timeout_ms()));
}

std::uint32_t engine::state::mark_of(std::string_view tag) const noexcept {
  return static_cast<std::uint32_t>(siphash13(tag, setup.secret.hash_key)) | 1u;
}

std::uint32_t engine::state::mark_of(const ip_address& ip) const noexcept {
  const packed_endpoint packed = pack_endpoint({ip, 0});
  return mark_of(std::string_view{packed});
}

} // namespace linehunt
