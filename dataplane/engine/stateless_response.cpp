// SPDX-License-Identifier: Apache-2.0
// Responses to what went on without a transaction, back to the Via below ours (RFC 3261 16.7,
// 18.2.2), and what they tell about the call.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/state.h"

#include <algorithm>
#include <array>
#include <utility>

namespace linehunt {
namespace {

constexpr std::uint32_t least_session_s = 90; // RFC 4028 4

// RFC 5057 5.1: whoever gets one of these to an offer may take the call, or its dialog, for over.
// 405 and 501 speak of an UPDATE alone, mostly.
bool may_end_session(std::uint16_t status) noexcept {
  static constexpr std::array<std::uint16_t, 10> all{404, 410, 416, 480, 482,
                                                     483, 484, 485, 502, 604};
  return std::ranges::find(all, status) != all.end();
}

// The same of any request, whose dialog is over then with all that it is used for; but for 480.
bool may_end_dialog(std::uint16_t status) noexcept {
  return status == 481 || (may_end_session(status) && status != 480);
}

// An answer to one of these does not speak of a subscription, another transaction or a BYE.
bool speaks_of_the_call(sip::method method) noexcept {
  return method == sip::method::info || method == sip::method::options ||
         method == sip::method::message || method == sip::method::refer;
}

} // namespace

bool engine::state::remove_top_via(sip::edit_list& edits,
                                   const sip::via_field& below) const noexcept {
  const sip::header* h = view.find(sip::header_id::via);
  if (h == nullptr) return false;
  trim(edits);
  if (!strip_overload(edits, below)) return false;
  if (routing.top_via.rest.empty()) return edits.remove(h->line);
  const auto next = slice_of(routing.top_via.rest).off;
  return edits.remove({h->value.off, static_cast<std::uint16_t>(next - h->value.off)});
}

const sip::via_field* engine::state::next_via() const noexcept {
  return routing.has_next_via ? &routing.next_via : nullptr;
}

verdict engine::state::forward_response(listener_index listener) {
  const sip::via_field* const via = next_via();
  if (via == nullptr) return verdict::dropped_malformed;
  const auto to = via_target(*via);
  if (!to || !is_sendable(*to)) return verdict::dropped_no_route;
  sip::edit_list edits;
  if (!remove_top_via(edits, *via)) return verdict::dropped_malformed;
  out->forward(edits, {*to, listener});
  return verdict::response_forwarded;
}

verdict engine::state::on_stateless_response(const stateless_branch& branch) {
  if (branch.listener >= world->listeners.size()) return verdict::dropped_no_route;
  // The record of the branch is tried first, as a handle is; it may be another call's by now.
  std::uint64_t handle = 0;
  if (branch.call < calls.capacity() && calls[branch.call].state != call_state::free)
    handle = calls.handle_of(branch.call);
  const dialog_match match = find_dialog(handle);
  const sip::via_field* const via = next_via();
  if (via == nullptr) return verdict::dropped_malformed;
  // Back to where the request came from, which the branch knows: else whoever has seen one of ours
  // could have us send what it likes to anybody. Without an address in the Via, the call has it.
  auto to = via_target(*via);
  const bool genuine = to && branch.via_hash == stateless_branch::below(*via, *to, setup.secret);
  if (!genuine) to.reset();
  if (!to && match)
    to = match.from == side::caller
             ? unpack_endpoint(calls.text(match.call, call_text::caller_address))
             : callee_of(match.call);
  if (!to || !is_sendable(*to)) return verdict::dropped_no_route;
  sip::edit_list edits;
  if (!remove_top_via(edits, *via)) return verdict::dropped_malformed;
  // Nobody may read the message once it is forwarded.
  if (match) note_response(match, genuine ? &*to : nullptr, branch.via_hash);
  out->forward(edits, {*to, branch.listener});
  return verdict::response_forwarded;
}

same_dialogs engine::state::same_dialogs_as(std::uint32_t call) {
  return calls.find_same_dialogs(hash, routing.call_id, routing.from_tag, routing.to_tag, call);
}

void engine::state::note_response(const dialog_match& match, const endpoint* asker,
                                  std::uint32_t via_hash) {
  if (match.from == side::caller && routing.top_via.has_oc)
    note_overload(callee_at(match.call, in->source.ip));
  call_record& record = calls[match.call];
  if (view.status / 100 == 2 && routing.cseq.method == sip::method::refer)
    record.origin |= call_record::referred;
  const bool is_offer =
      routing.cseq.method == sip::method::invite || routing.cseq.method == sip::method::update;
  // While it rings any tag may be that of a device.
  if (view.status / 100 == 2 && record.state != call_state::early) {
    note_number(match);
    for (const dialog_match& again : same_dialogs_as(match.call))
      note_number(again);
  }
  if (view.status >= 300 && is_offer) {
    refuse_offer(match, via_hash);
    for (const dialog_match& again : same_dialogs_as(match.call))
      refuse_offer(again, via_hash);
  }
  if (view.status >= 200 && routing.cseq.method == sip::method::bye) {
    on_bye_answered(match);
    // The same call on its other ways through us has the same tags, and ends with it; where BYEs of
    // ours are on their way, with these.
    if (record.state == call_state::closing) return;
    for (const dialog_match& again : same_dialogs_as(match.call))
      on_bye_answered(again);
  } else if (view.status / 100 == 2 && is_kept(match.call) && is_offer) {
    refresh(match, via_hash);
    // On its other ways through us the same session is refreshed. Where the answer comes there as
    // well, with what a proxy in between makes of the Contact, it says the rest.
    for (const dialog_match& again : same_dialogs_as(match.call))
      if (!is_answered_by_itself(again))
        refresh(again, via_hash);
      else if (is_kept(again.call))
        note_refresh(again.call, false);
  } else if (view.status / 100 == 2 && record.state == call_state::early &&
             routing.cseq.method == sip::method::update) {
    (void)agree_to_offer(match, via_hash);
  } else if (record.state == call_state::answered && !is_offer) {
    if (may_end_dialog(view.status) && speaks_of_the_call(routing.cseq.method))
      ask_of_drop(match.call);
    else if (view.status >= 200 && view.status != 481 && view.status != 408)
      note_life(match.call, match.from == side::caller ? side::callee : side::caller);
  } else if (record.state == call_state::answered &&
             (asker == nullptr || !is_party(match.call, *asker))) {
    // A stranger may have it answered at another port of a party, where nobody knows the call.
    if (view.status == 481 || view.status == 408) ask_of_drop(match.call);
  } else if (record.state == call_state::answered) {
    // One side does not know the call any more. The other should say BYE (RFC 3261 12.2.1.2), but
    // stacks are about that just drop it. Ours keep whoever has made the 481 up from going on. A
    // 408 asks for the same, but may be a proxy's word for a party that is slow.
    if (view.status == 481) {
      close_call(match.call, end_cause::ping_lost);
    } else if (view.status == 408) {
      ask_later(match, 0);
    } else if (view.status < 200) {
      note_provisional(match);
    } else {
      note_answer(match);
      // Offers of the two sides name different ones of its ways through us.
      for (const dialog_match& again : same_dialogs_as(match.call))
        note_answer(again);
      if (may_end_session(view.status)) ask_of_drop(match.call);
    }
  }
}

// RFC 3261 15.1.1: the call is over with a 2xx, a 481 or a 408. Whoever refuses a BYE otherwise,
// for its CSeq or for what it requires, goes on talking: it holds its lines until it has got one of
// ours. So does one whose early dialog the caller wanted to end: should it answer, the call stays.
void engine::state::on_bye_answered(const dialog_match& match) {
  call_record& record = calls[match.call];
  const bool over = view.status / 100 == 2 || view.status == 481 || view.status == 408;
  if (record.state == call_state::early) {
    if (over || record.transaction == no_transaction || match.from != side::caller) return;
    std::uint32_t& wanted = transactions[record.transaction].bye_tag;
    if (wanted == mark_of(routing.to_tag)) wanted = 0;
  } else if (over) {
    // Also where another BYE was challenged meanwhile, so that the call had to go on. But where
    // this side has sent none, whoever got another request of it has made this up, to be rid of its
    // line.
    const auto sent =
        match.from == side::caller ? call_record::caller_bye : call_record::callee_bye;
    if (record.state != call_state::leaving &&
        (record.state != call_state::answered || (record.origin & sent) == 0))
      return;
    // Somebody else may have said that he knows no such call.
    const auto astray = match.from == side::caller ? call_record::caller_bye_astray
                                                   : call_record::callee_bye_astray;
    if (view.status / 100 != 2 && (record.origin & astray) != 0)
      close_call(match.call, end_cause::bye);
    else
      end_call(match.call, end_cause::bye);
  } else if (record.state != call_state::leaving) {
    return;
  } else if (view.status == 401 || view.status == 407) {
    // Until the BYE comes once more, with credentials. Whoever has none has hung up all the same,
    // while somebody who has only his address would have made it up.
    record.state = call_state::answered;
    arm_call_timer(match.call);
    ask_of_drop(match.call);
  } else {
    close_call(match.call, end_cause::bye);
  }
}

// What a 2xx to a re-INVITE or UPDATE says of the call that `of` names.
void engine::state::refresh(const dialog_match& of, std::uint32_t via_hash) {
  if (!is_kept(of.call)) return;
  const bool is_news = agree_to_offer(of, via_hash);
  note_refresh(of.call, is_news);
  if (!is_news) return; // a doubt may be of a later offer
  // With a BYE on its way the doubt stays: its answer may settle all, or bring the call back.
  if (calls[of.call].state != call_state::answered) return;
  calls[of.call].ask_no_more();
  take_for_alive(of.call); // both parties have shown that they have it
}

// RFC 4028 8: the 2xx says how long the session lasts without another refresh; without the header
// there is no session timer. Less than nobody may ask for would end the call under its parties.
// What is no news, or was overtaken by a later offer's, ends no session that goes on.
void engine::state::note_refresh(std::uint32_t call, bool is_news) {
  call_record& record = calls[call];
  if (!is_news && record.expires_after_s == 0) return;
  const std::uint32_t before = std::exchange(record.expires_after_s, 0);
  if (const auto value = view.value_of(sip::header_id::session_expires); !value.empty()) {
    if (const auto session = sip::parse_session_expires(value)) {
      const std::uint64_t age_s = (now - record.started_at + 999'999) / 1'000'000;
      record.expires_after_s = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(age_s + std::max(*session, least_session_s), 0xffffffffu));
    }
  }
  if (!is_news) record.expires_after_s = std::max(record.expires_after_s, before);
}

} // namespace linehunt
