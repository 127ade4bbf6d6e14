// SPDX-License-Identifier: Apache-2.0
// Where the parties of a call are by their offers (RFC 3261 12.2.1.2, RFC 3311 5.2): the Contact of
// a re-INVITE or UPDATE holds once the other side has agreed to it. Until then it is kept, one for
// each side of as many calls; one that another displaces is not learned.
#include "dataplane/engine/state.h"

namespace linehunt {

void engine::state::note_offer(const dialog_match& of, const offer_way& way) {
  last_offer& last = last_offer_of(of);
  const bool same_side = is_of(last, of);
  const std::uint32_t cseq = routing.cseq.number;
  if (same_side) {
    // One that comes again, late, is no news (RFC 3261 12.2.2).
    if (cseq < last.news_from) return;
    // Anybody who knows the tags can offer something, from anywhere. So can who has moved.
    const bool outranks = way.of_party && !last.of_party;
    if (!outranks && is_awaited(last)) {
      if (cseq < last.cseq) return;
      if (cseq == last.cseq && last.of_party && !way.of_party) return;
    }
    // Nor is on another way what passes on this one, where a proxy in between may have another
    // Contact in it.
    if (!outranks && cseq == last.cseq && last.by_itself && !way.by_itself) return;
  }
  const auto contact = sip::parse_address(view.value_of(sip::header_id::contact));
  const auto which = of.from == side::caller ? call_text::caller_target : call_text::callee_target;
  std::string_view uri;
  if (contact && contact->uri.size() <= last.uri.size()) uri = contact->uri;
  // What says nothing new displaces none that waits.
  const bool is_known = uri.empty() || calls.text(of.call, which) == uri;
  if (!same_side && is_known && is_awaited(last)) return;
  if (!same_side) last.news_from = 0;
  last.call = of.call;
  last.generation = calls[of.call].generation;
  last.from = of.from;
  last.open = true;
  last.by_itself = way.by_itself;
  last.of_party = way.of_party;
  last.callee = mark_of(callee_tag(of));
  last.cseq = cseq;
  last.via_hash = via_hash_here();
  last.at = now;
  last.uri_len = static_cast<std::uint8_t>(uri.size());
  uri.copy(last.uri.data(), last.uri.size());
}

// The answer at hand agrees to it. False: it comes again, and its sender may have moved since.
bool engine::state::agree_to_offer(const dialog_match& of, std::uint32_t via_hash) {
  last_offer& last = last_offer_of(of);
  if (is_of(last, of)) {
    if (routing.cseq.number < last.news_from) return false;
    if (is_answer_to(last, via_hash)) {
      set_target(of.call, of.from, {last.uri.data(), last.uri_len});
      last.open = false;
    }
    // Of one that went by another way of the call the answer there tells the rest.
    if (routing.cseq.number != last.cseq || !last.open)
      last.news_from = routing.cseq.number + std::uint64_t{1};
  }
  // Which device answers while it rings says nothing of the one that takes the call.
  if (!is_kept(of.call)) return true;
  if (const auto contact = sip::parse_address(view.value_of(sip::header_id::contact)))
    set_target(of.call, of.from == side::caller ? side::callee : side::caller, contact->uri);
  return true;
}

void engine::state::refuse_offer(const dialog_match& of, std::uint32_t via_hash) {
  last_offer& last = last_offer_of(of);
  if (is_of(last, of) && is_answer_to(last, via_hash)) last.open = last.by_itself = false;
}

// Of two requests with one number one may be somebody else's.
bool engine::state::is_answer_to(const last_offer& last, std::uint32_t via_hash) const noexcept {
  return routing.cseq.number == last.cseq && via_hash == last.via_hash;
}

// It passed us on this way of the call, and so will its answer.
bool engine::state::is_answered_by_itself(const dialog_match& of) {
  const last_offer& last = last_offer_of(of);
  return is_of(last, of) && routing.cseq.number == last.cseq && last.by_itself;
}

engine::state::last_offer& engine::state::last_offer_of(const dialog_match& of) {
  const std::size_t number = of.call * std::size_t{2} + (of.from == side::caller ? 0 : 1);
  return last_offers[number % last_offers.size()];
}

// Each device that rings has numbers of its own.
bool engine::state::is_of(const last_offer& last, const dialog_match& dialog) const {
  return last.call == dialog.call && last.generation == calls[dialog.call].generation &&
         last.from == dialog.from && last.callee == mark_of(callee_tag(dialog));
}

std::string_view engine::state::callee_tag(const dialog_match& of) const noexcept {
  return of.from == side::caller ? routing.to_tag : routing.from_tag;
}

bool engine::state::is_awaited(const last_offer& last) const {
  return last.open && now - last.at < world->timers.timer_c_ms * 1000ull &&
         calls[last.call].generation == last.generation &&
         (calls[last.call].state == call_state::early || is_kept(last.call));
}

// Where our own BYE would have to go. `whose` Contact it is.
void engine::state::set_target(std::uint32_t call, side whose, std::string_view uri) {
  const auto which = whose == side::caller ? call_text::caller_target : call_text::callee_target;
  if (uri.empty() || calls.text(call, which) == uri) return;
  call_texts texts = calls.texts(call);
  texts[static_cast<std::size_t>(which)] = uri;
  (void)calls.set_texts(call, texts);
}

} // namespace linehunt
