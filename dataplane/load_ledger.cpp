// SPDX-License-Identifier: Apache-2.0
// The ledger's public face; the work is done in dataplane/ledger/.
#include "dataplane/load_ledger.h"

#include "dataplane/ledger/book.h"

namespace linehunt {

struct load_ledger::state {
  state(const ledger_limits& limits, std::uint64_t random_seed) : book(limits, random_seed) {}

  ledger::book book;
};

load_ledger::load_ledger(const ledger_limits& limits, std::uint64_t random_seed)
    : state_(std::make_unique<state>(limits, random_seed)) {}
load_ledger::~load_ledger() = default;

void load_ledger::adopt(const snapshot& world) {
  state_->book.adopt(world);
}

selection_outcome load_ledger::select(const selection_request& request, waiter who, holding& held) {
  return state_->book.select(request, who, held);
}
void load_ledger::withdraw(waiter who) {
  state_->book.withdraw(who);
}
void load_ledger::count(destination_index destination, std::span<const resource_id> resources,
                        holding& held) {
  state_->book.count(destination, resources, held);
}
void load_ledger::release(holding& held) {
  state_->book.release(held);
}

void load_ledger::set_enabled(destination_index destination, bool enabled) {
  state_->book.set_enabled(destination, enabled);
}
bool load_ledger::enabled(destination_index destination) const noexcept {
  return state_->book.candidates().enabled(destination);
}
void load_ledger::resize(slot_index slot, std::int32_t capacity) {
  state_->book.resize(slot, capacity);
}
std::int32_t load_ledger::capacity(slot_index slot) const noexcept {
  const ledger::slot_table& slots = state_->book.slots();
  return slot < slots.size() ? slots[slot].capacity : 0;
}

void load_ledger::on_mail(const mail& what, selection_listener& listener) {
  state_->book.on_mail(what, listener);
}
void load_ledger::flush(action_sink& sink, selection_listener& listener) {
  state_->book.flush(sink, listener);
}

load_ledger::slot_view load_ledger::view(slot_index slot) const noexcept {
  return slot < state_->book.slots().size() ? state_->book.view(slot) : slot_view{};
}
bool load_ledger::settled(slot_index slot) const noexcept {
  return state_->book.settled(slot);
}
const std::atomic<std::int64_t>* load_ledger::published_used() const noexcept {
  return state_->book.slots().published();
}

} // namespace linehunt
