// SPDX-License-Identifier: Apache-2.0
// Selecting, counting, releasing, and taking over a snapshot.
#include "dataplane/ledger/book.h"

#include <algorithm>

namespace linehunt::ledger {

namespace {
constexpr worker_id no_home = max_workers;
}

book::book(const ledger_limits& limits, std::uint64_t random_seed)
    : limits_(limits), slots_(limits.max_slots, limits.workers),
      candidates_(limits.max_destinations, limits.max_slots), ties_(random_seed), home_(limits),
      holder_(limits), news_(limits), parked_(limits.workers > 1 ? limits.max_waiters : 0),
      requests_(limits.max_destinations), homes_(limits.max_destinations, no_home),
      to_ask_(limits.workers, index_queue(limits.max_destinations)) {}

void book::adopt(const snapshot& world) {
  std::vector<std::int32_t> configured(slots_.size(), not_configured);
  for (const destination& d : world.destinations) {
    if (d.index >= homes_.size()) continue;
    // A home is for ever: lines and requests may be on their way there.
    if (homes_[d.index] == no_home)
      homes_[d.index] = static_cast<worker_id>(d.home % limits_.workers);
    for (const resource& r : d.resources) {
      if (r.slot >= slots_.size()) continue;
      configured[r.slot] = r.capacity;
      slots_.edit(r.slot).destination = d.index;
      slots_.edit(r.slot).home = homes_[d.index];
      home_.place(r.slot, d.index);
      holder_.place(r.slot, homes_[d.index]);
    }
  }
  if (world.rules != nullptr && std::ranges::any_of(world.rules->models(), [](const rule_model& r) {
        return r.flags.relative;
      }))
    slots_.keep_relative(); // here, and not when a call asks
  candidates_.rebuild(world);
  slots_.place_keys(candidates_.slots());
  slots_.track_changes(candidates_.indexed());
  for (slot_index s = 0; s < slots_.size(); ++s) {
    if (configured[s] == slots_[s].configured) continue;
    slots_.edit(s).configured = configured[s];
    set_capacity(s, std::max(configured[s], 0)); // a slot that is gone takes no calls
  }
  home_.adopted(++adoption_);
}

choice book::best_for(const selection_request& wanted) noexcept {
  if (wanted.preferred != no_index) {
    const choice first = preferred_for(wanted);
    if (first.what == choice::kind::best) return first;
  }
  for (; !slots_.changes().empty(); slots_.changes().pop())
    candidates_.slot_changed(slots_.changes().front());
  return candidates_.best({.group = wanted.group,
                           .resources = wanted.resources,
                           .excluded_ids = wanted.excluded_ids,
                           .random_tie = wanted.flags.random_tie,
                           .relative = wanted.flags.relative},
                          wanted.flags.relative ? slots_.relative_keys() : slots_.absolute_keys(),
                          ties_);
}

// That one, if it can be chosen now. Apart, since it is rare.
[[gnu::noinline]] choice book::preferred_for(const selection_request& wanted) noexcept {
  const choice only = candidates_.best(
      {.group = wanted.group,
       .resources = wanted.resources,
       .excluded_ids = wanted.excluded_ids,
       .relative = wanted.flags.relative,
       .only = wanted.preferred},
      wanted.flags.relative ? slots_.relative_keys() : slots_.absolute_keys(), ties_);
  return only.value > 0 || wanted.flags.negative ? only : choice{};
}

selection_outcome book::select(const selection_request& wanted, waiter who, holding& held) {
  held = {};
  const choice c = best_for(wanted);
  if (c.what == choice::kind::unknown) return selection_outcome::unknown_resource;
  if (c.what == choice::kind::none) return selection_outcome::no_destination;
  if (wanted.flags.negative) {
    force(c.lines);
  } else if (c.value <= 0 || !admit(c.lines)) {
    const parked_index p = parked_.park(wanted, who);
    if (p == no_index) {
      if (wanted.preferred == no_index) return selection_outcome::no_capacity;
      // No place to wait for that one: another may have a line at hand.
      selection_request any = wanted;
      any.preferred = no_index;
      return select(any, who, held);
    }
    const selection_outcome outcome = look_on(p);
    if (outcome == selection_outcome::pending) return outcome;
    held = parked_[p].lines;
    parked_.leave(p);
    return outcome;
  }
  held = c.lines;
  return selection_outcome::selected;
}

// Who needs no line, because no rule that adds one held, waits for nobody who does.
bool book::admit(const holding& lines) noexcept {
  if (lines.slot_count == 0) return true;
  const std::span slots(lines.slots.data(), lines.slot_count);
  const bool home_here = homes_[lines.destination] == limits_.self;
  if (!(home_here ? home_.take(lines.destination, slots) : holder_.take(slots))) return false;
  hold(lines);
  return true;
}

void book::force(const holding& lines) noexcept {
  for (std::uint8_t i = 0; i < lines.slot_count; ++i) {
    if (at_home(lines.slots[i]))
      home_.force(lines.slots[i]);
    else
      holder_.force(lines.slots[i]);
  }
  hold(lines);
}

// The lines are taken already; this counts them.
void book::hold(const holding& lines) noexcept {
  for (std::uint8_t i = 0; i < lines.slot_count; ++i) {
    slots_.add_used(lines.slots[i], 1);
    news_.changed(lines.slots[i]);
  }
}

void book::count(destination_index d, std::span<const resource_id> resources, holding& held) {
  held = {};
  for (const resource_id name : resources) {
    const slot_index s = candidates_.slot_of(d, name);
    const auto end = held.slots.begin() + held.slot_count;
    if (s == no_index || end == held.slots.end() || std::find(held.slots.begin(), end, s) != end)
      continue;
    held.destination = d;
    held.slots[held.slot_count++] = s;
  }
  force(held);
}

void book::release(holding& held) {
  for (std::uint8_t i = 0; i < held.slot_count; ++i) {
    const slot_index s = held.slots[i];
    slots_.add_used(s, -1);
    news_.changed(s);
    if (at_home(s))
      home_.give_back(s);
    else
      holder_.give_back(s);
  }
  held = {};
}

void book::resize(slot_index s, std::int32_t capacity) {
  if (s < slots_.size() && slots_[s].configured != not_configured) set_capacity(s, capacity);
}

void book::set_capacity(slot_index s, std::int32_t capacity) noexcept {
  const std::int64_t delta = std::int64_t{capacity} - slots_[s].capacity;
  slots_.set_capacity(s, capacity);
  if (at_home(s)) home_.resize(s, delta);
}

bool book::settled(slot_index s) const noexcept {
  if (s >= slots_.size()) return false;
  const slot_state& slot = slots_[s];
  if (slot.configured != not_configured || slot.used != 0 || slot.waiting != 0 || slot.remote != 0)
    return false;
  if (!holder_.settled(s) || !home_.settled(s) || news_.any_of(s)) return false;
  if (slot.destination == no_index) return true;
  const request& r = requests_[slot.destination];
  return r.at == request::stage::none || std::ranges::find(r.set(), s) == r.set().end();
}

load_ledger::slot_view book::view(slot_index s) const noexcept {
  const slot_state& slot = slots_[s];
  if (!at_home(s))
    return {.used = slot.used,
            .lease = slot.used + holder_.free_lines(s),
            .remote = slot.remote,
            // Not nothing where this is its home from the snapshot on that others have adopted.
            .pool = home_.pool(s),
            .leased = home_.leased(s),
            .unsent = holder_.unsent(s),
            .promised = 0};
  const lease_home::outgoing unsent = home_.unsent(s);
  return {.used = slot.used,
          .lease = slot.used,
          .remote = slot.remote,
          .pool = home_.pool(s),
          .leased = home_.leased(s),
          .unsent = unsent.granted + unsent.spare,
          .promised = unsent.granted};
}

} // namespace linehunt::ledger
