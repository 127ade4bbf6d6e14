// SPDX-License-Identifier: Apache-2.0
// Calls that wait for a line: they hold nothing, they ask one home at a time, and after a refusal
// they go on to the next candidate.
#include "dataplane/ledger/book.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace linehunt::ledger {

namespace {
// Destinations that look full from here are asked all the same, because what we know of the others'
// loads is a little old; at most this many for one call.
constexpr std::uint8_t max_full_asked = 16;
} // namespace

bool book::request::same_set(const holding& lines) const noexcept {
  const auto end = slots.begin() + slot_count;
  return lines.slot_count == slot_count &&
         std::all_of(lines.slots.begin(), lines.slots.begin() + lines.slot_count,
                     [&](slot_index s) { return std::find(slots.begin(), end, s) != end; });
}

// Takes a call that is in no list as far as it gets.
selection_outcome book::look_on(parked_index p) {
  parked_call& call = parked_[p];
  const auto failure = [&](selection_outcome otherwise) {
    return call.refused ? selection_outcome::no_capacity : otherwise;
  };
  for (;;) {
    const choice c = best_for({.group = call.group,
                               .resources = {call.resources.data(), call.resource_count},
                               .flags = call.flags,
                               .excluded_ids = {call.excluded.data(), call.excluded_count},
                               .preferred = call.preferred});
    if (c.what == choice::kind::unknown) return failure(selection_outcome::unknown_resource);
    if (c.what == choice::kind::none) return failure(selection_outcome::no_destination);
    if (admit(c.lines)) {
      call.lines = c.lines;
      return selection_outcome::selected;
    }
    if (c.value <= 0) {
      // Nobody holds fewer than no lines: where ours alone fill it, there is nothing to ask for.
      const std::span slots(c.lines.slots.data(), c.lines.slot_count);
      if (std::ranges::any_of(slots,
                              [&](slot_index s) { return slots_[s].used >= slots_[s].capacity; })) {
        call.refused = true;
        if (call.exclude(c.id)) continue;
        return selection_outcome::no_capacity;
      }
      if (call.full_asked++ == max_full_asked) return selection_outcome::no_capacity;
    }
    wait_for(p, c.lines);
    return selection_outcome::pending;
  }
}

void book::look_on_and_tell(parked_index p) {
  const selection_outcome outcome = look_on(p);
  if (outcome != selection_outcome::pending) tell(p, outcome);
}

void book::wait_for(parked_index p, const holding& lines) {
  assert(lines.slot_count != 0); // a request has a mail for each slot
  parked_call& call = parked_[p];
  call.lines = lines;
  call.at = parked_call::stage::queued;
  for (std::uint8_t i = 0; i < lines.slot_count; ++i)
    slots_.add_waiting(lines.slots[i], 1);
  request& r = requests_[lines.destination];
  parked_.append(r.queued, p);
  if (r.at == request::stage::none)
    form_request(lines.destination);
  else if (r.at == request::stage::forming && r.mails_sent == 0 && r.same_set(lines))
    join_request(lines.destination, p);
}

void book::stop_waiting(parked_list& list, parked_index p) noexcept {
  parked_.unlink(list, p);
  const holding& lines = parked_[p].lines;
  for (std::uint8_t i = 0; i < lines.slot_count; ++i)
    slots_.add_waiting(lines.slots[i], -1);
}

void book::tell(parked_index p, selection_outcome outcome) noexcept {
  parked_call& call = parked_[p];
  call.outcome = outcome;
  call.at = parked_call::stage::decided;
  if (outcome != selection_outcome::selected) call.lines = {};
  parked_.append(decided_, p);
}

// The request's set is that of the call that waits longest; all others that want the same go along.
void book::form_request(destination_index d) noexcept {
  request& r = requests_[d];
  if (r.queued.empty()) return;
  const holding& lines = parked_[r.queued.first].lines;
  r.slots = lines.slots;
  r.slot_count = lines.slot_count;
  r.at = request::stage::forming;
  r.calls = r.undecided = 0;
  r.mails_sent = 0;
  for (parked_index p = r.queued.first; p != no_index;) {
    const parked_index next = parked_[p].next;
    if (r.same_set(parked_[p].lines)) join_request(d, p);
    p = next;
  }
  to_ask_[homes_[d]].push(d);
}

void book::join_request(destination_index d, parked_index p) noexcept {
  request& r = requests_[d];
  parked_.unlink(r.queued, p);
  parked_.append(r.asked, p);
  parked_[p].at = parked_call::stage::asked;
  ++r.calls;
  ++r.undecided;
  if (homes_[d] != limits_.self)
    for (const slot_index s : r.set())
      holder_.surrender(s, 1);
}

// After a request is decided: spare lines may do for the next calls, else they ask.
void book::serve_queued(destination_index d) {
  request& r = requests_[d];
  while (!r.queued.empty()) {
    const parked_index p = r.queued.first;
    const bool still_candidate = candidates_.usable(d) && candidates_.in_group(d, parked_[p].group);
    if (still_candidate && !admit(parked_[p].lines)) break;
    stop_waiting(r.queued, p);
    if (still_candidate)
      tell(p, selection_outcome::selected);
    else
      look_on_and_tell(p);
  }
  form_request(d);
}

void book::on_grant(destination_index d, std::int64_t calls, std::int64_t spare) {
  request& r = requests_[d];
  const bool home_here = homes_[d] == limits_.self;
  if (!home_here)
    for (const slot_index s : r.set())
      holder_.on_grant(s, calls + spare, spare > 0);
  r.undecided -= calls;
  parked_list to_look_on;
  for (std::int64_t i = 0; i < calls; ++i) {
    const parked_index p = r.asked.first;
    const bool wanted =
        p != no_index && candidates_.usable(d) && candidates_.in_group(d, parked_[p].group);
    if (p != no_index) stop_waiting(r.asked, p);
    if (wanted) {
      if (!home_here)
        for (const slot_index s : r.set())
          holder_.take_granted(s);
      hold(parked_[p].lines);
      tell(p, selection_outcome::selected);
      continue;
    }
    // The call is gone or the destination out of use: the line stays free, here or at home.
    if (home_here)
      for (const slot_index s : r.set())
        home_.give_back(s);
    if (p != no_index) parked_.append(to_look_on, p);
  }
  if (!home_here)
    for (const slot_index s : r.set())
      holder_.settle(s);
  const bool done = r.undecided <= 0;
  if (done) r.at = request::stage::none;
  while (!to_look_on.empty()) {
    const parked_index p = to_look_on.first;
    parked_.unlink(to_look_on, p);
    look_on_and_tell(p);
  }
  if (done && r.at == request::stage::none) serve_queued(d);
}

void book::on_refuse(destination_index d) {
  request& r = requests_[d];
  r.at = request::stage::none;
  parked_list refused = std::exchange(r.asked, {});
  while (!refused.empty()) {
    const parked_index p = refused.first;
    stop_waiting(refused, p);
    parked_[p].refused = true;
    if (parked_[p].exclude(candidates_.id_of(d)))
      look_on_and_tell(p);
    else
      tell(p, selection_outcome::no_capacity);
  }
  if (r.at == request::stage::none) serve_queued(d);
}

void book::withdraw(waiter who) {
  const parked_index p = parked_.find(who);
  if (p == no_index) return;
  parked_call& call = parked_[p];
  const destination_index d = call.lines.destination;
  request* const r = d != no_index ? &requests_[d] : nullptr;
  switch (call.at) {
  case parked_call::stage::queued: // whoever waits has a destination
    assert(r != nullptr);
    stop_waiting(r->queued, p);
    break;
  case parked_call::stage::asked:
    assert(r != nullptr);
    stop_waiting(r->asked, p);
    if (r->mails_sent == 0 && r->at == request::stage::forming) {
      --r->undecided;
      if (--r->calls == 0) r->at = request::stage::none;
    }
    break;
  case parked_call::stage::decided:
    parked_.unlink(decided_, p);
    release(call.lines);
    break;
  case parked_call::stage::unused:
    return;
  }
  parked_.leave(p);
  if (r != nullptr && r->at == request::stage::none) form_request(d);
}

void book::hand_out(selection_listener& listener) {
  while (!decided_.empty()) {
    const parked_index p = decided_.first;
    parked_.unlink(decided_, p);
    const parked_call& call = parked_[p];
    const waiter who = call.who;
    const selection_outcome outcome = call.outcome;
    const holding lines = call.lines;
    parked_.leave(p); // first: the listener may select again
    listener.decided(who, outcome, lines);
  }
}

} // namespace linehunt::ledger
