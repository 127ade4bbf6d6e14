// SPDX-License-Identifier: Apache-2.0
// Slot state and its sort keys.
#include "dataplane/ledger/slots.h"

namespace linehunt::ledger {

slot_table::slot_table(std::uint32_t max_slots, worker_id workers)
    : size_(max_slots), slots_(max_slots), said_(std::size_t{max_slots} * workers),
      changes_(max_slots), published_(std::make_unique<std::atomic<std::int64_t>[]>(max_slots)) {
  place_keys({});
}

slot_table::slot_table(const slot_table& other)
    : size_(other.size_), slots_(other.slots_), said_(other.said_), tracking_(other.tracking_),
      changes_(other.changes_), places_(other.places_), absolute_(other.absolute_),
      relative_(other.relative_), relative_kept_(other.relative_kept_),
      published_(std::make_unique<std::atomic<std::int64_t>[]>(other.size_)) {
  for (std::uint32_t s = 0; s < size_; ++s)
    published_[s].store(slots_[s].used, std::memory_order_relaxed);
}

void slot_table::place_keys(std::span<const slot_index> slots) {
  absolute_.assign(slots.size() + keys_at_once, least_key);
  relative_.assign(slots.size() + keys_at_once, least_key);
  places_.assign(size_, static_cast<std::uint32_t>(slots.size()));
  for (std::uint32_t place = 0; place < slots.size(); ++place)
    if (slots[place] < size_) places_[slots[place]] = place;
  for (slot_index s = 0; s < size_; ++s)
    set_keys(s);
}

void slot_table::add_used(slot_index s, std::int64_t delta) noexcept {
  slots_[s].used += delta;
  published_[s].store(slots_[s].used, std::memory_order_relaxed);
  refresh_keys(s);
}

void slot_table::add_waiting(slot_index s, std::int64_t delta) noexcept {
  slots_[s].waiting += delta;
  refresh_keys(s);
}

void slot_table::set_capacity(slot_index s, std::int32_t capacity) noexcept {
  slots_[s].capacity = capacity;
  refresh_keys(s);
}

void slot_table::set_remote(slot_index s, worker_id from, std::int64_t used) noexcept {
  std::int64_t& said = said_[std::size_t{from} * size_ + s];
  slots_[s].remote += used - said;
  said = used;
  refresh_keys(s);
}

void slot_table::refresh_keys(slot_index s) noexcept {
  if (tracking_) changes_.push(s);
  set_keys(s);
}

void slot_table::set_keys(slot_index s) noexcept {
  const slot_state& slot = slots_[s];
  absolute_[places_[s]] = key_of(slot.capacity - slot.load());
  if (relative_kept_) set_relative(s);
}

void slot_table::set_relative(slot_index s) noexcept {
  const slot_state& slot = slots_[s];
  relative_[places_[s]] = key_of(slot.capacity == 0 ? 0 : 100 - 100 * slot.load() / slot.capacity);
}

void slot_table::keep_relative() noexcept {
  if (relative_kept_) return;
  relative_kept_ = true;
  for (slot_index s = 0; s < size_; ++s)
    set_relative(s);
}

std::span<const selection_key> slot_table::relative_keys() noexcept {
  keep_relative();
  return relative_;
}

} // namespace linehunt::ledger
