// SPDX-License-Identifier: Apache-2.0
// The ledger's public face: puts selection, leases and reconciliation together.
#include "dataplane/load_ledger.h"

#include "dataplane/ledger/candidates.h"
#include "dataplane/ledger/slots.h"

namespace linehunt {

using ledger::candidate_table;
using ledger::choice;
using ledger::slot_table;
using ledger::tie_breaker;

struct load_ledger::state {
  state(const ledger_limits& l, std::uint64_t random_seed)
      : limits(l), slots(l.max_slots, l.workers), candidates(l.max_destinations, l.max_slots),
        ties(random_seed) {}

  void adopt(const snapshot& world);
  void take(const holding& lines) noexcept {
    for (std::uint8_t i = 0; i < lines.slot_count; ++i)
      slots.add_used(lines.slots[i], 1);
  }

  ledger_limits limits;
  slot_table slots;
  candidate_table candidates;
  tie_breaker ties;
};

void load_ledger::state::adopt(const snapshot& world) {
  std::vector<std::int32_t> configured(slots.size(), ledger::not_configured);
  for (const destination& d : world.destinations)
    for (const resource& r : d.resources)
      if (r.slot < slots.size()) configured[r.slot] = r.capacity;
  for (slot_index s = 0; s < slots.size(); ++s) {
    if (configured[s] == slots[s].configured) continue;
    slots.edit(s).configured = configured[s];
    slots.set_capacity(s, configured[s] == ledger::not_configured ? 0 : configured[s]);
  }
  candidates.rebuild(world);
}

load_ledger::load_ledger(const ledger_limits& limits, std::uint64_t random_seed)
    : state_(std::make_unique<state>(limits, random_seed)) {}
load_ledger::~load_ledger() = default;

void load_ledger::adopt(const snapshot& world) {
  state_->adopt(world);
}

selection_outcome load_ledger::select(const selection_request& request, waiter, holding& held) {
  const choice c = state_->candidates.best({.group = request.group,
                                            .resources = request.resources,
                                            .excluded_ids = request.excluded_ids,
                                            .random_tie = request.flags.random_tie},
                                           request.flags.relative ? state_->slots.relative_keys()
                                                                  : state_->slots.absolute_keys(),
                                           state_->ties);
  if (c.what == choice::kind::unknown) return selection_outcome::unknown_resource;
  if (c.what == choice::kind::none) return selection_outcome::no_destination;
  if (c.value <= 0 && !request.flags.negative) return selection_outcome::no_capacity;
  held = c.lines;
  state_->take(held);
  return selection_outcome::selected;
}

void load_ledger::withdraw(waiter) {}

void load_ledger::count(destination_index destination, std::span<const resource_id> resources,
                        holding& held) {
  held = {};
  for (const resource_id name : resources) {
    const slot_index s = state_->candidates.slot_of(destination, name);
    if (s == no_index || held.slot_count == held.slots.size()) continue;
    held.destination = destination;
    held.slots[held.slot_count++] = s;
  }
  state_->take(held);
}

void load_ledger::release(holding& held) {
  for (std::uint8_t i = 0; i < held.slot_count; ++i)
    state_->slots.add_used(held.slots[i], -1);
  held = {};
}

void load_ledger::set_enabled(destination_index destination, bool enabled) {
  state_->candidates.set_enabled(destination, enabled);
}
bool load_ledger::enabled(destination_index destination) const noexcept {
  return state_->candidates.enabled(destination);
}
void load_ledger::resize(slot_index slot, std::int32_t capacity) {
  if (slot < state_->slots.size()) state_->slots.set_capacity(slot, capacity);
}
std::int32_t load_ledger::capacity(slot_index slot) const noexcept {
  return slot < state_->slots.size() ? state_->slots[slot].capacity : 0;
}

void load_ledger::on_mail(const mail&, selection_listener&) {}
void load_ledger::flush(action_sink&, selection_listener&) {}

load_ledger::slot_view load_ledger::view(slot_index slot) const noexcept {
  const ledger::slot_state& s = state_->slots[slot];
  return {.used = s.used, .lease = s.used, .remote = s.remote, .pool = s.capacity - s.used};
}
const std::atomic<std::int64_t>* load_ledger::published_used() const noexcept {
  return state_->slots.published();
}

} // namespace linehunt
