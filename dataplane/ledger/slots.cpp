// SPDX-License-Identifier: Apache-2.0
// Slot state and its sort keys.
#include "dataplane/ledger/slots.h"

#include <limits>

namespace linehunt::ledger {

slot_table::slot_table(std::uint32_t max_slots, worker_id workers)
    : size_(max_slots), slots_(max_slots), said_(std::size_t{max_slots} * workers),
      changes_(max_slots), absolute_(std::size_t{max_slots} + 1),
      relative_(std::size_t{max_slots} + 1),
      published_(std::make_unique<std::atomic<std::int64_t>[]>(max_slots)) {
  absolute_[size_] = relative_[size_] = std::numeric_limits<std::int64_t>::min();
}

slot_table::slot_table(const slot_table& other)
    : size_(other.size_), slots_(other.slots_), said_(other.said_), tracking_(other.tracking_),
      changes_(other.changes_), absolute_(other.absolute_), relative_(other.relative_),
      relative_kept_(other.relative_kept_),
      published_(std::make_unique<std::atomic<std::int64_t>[]>(other.size_)) {
  for (std::uint32_t s = 0; s < size_; ++s)
    published_[s].store(slots_[s].used, std::memory_order_relaxed);
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
  const slot_state& slot = slots_[s];
  if (tracking_) changes_.push(s);
  absolute_[s] = slot.capacity - slot.load();
  if (relative_kept_) refresh_relative(s);
}

void slot_table::refresh_relative(slot_index s) noexcept {
  const slot_state& slot = slots_[s];
  relative_[s] = slot.capacity == 0 ? 0 : 100 - 100 * slot.load() / slot.capacity;
}

void slot_table::keep_relative() noexcept {
  if (relative_kept_) return;
  relative_kept_ = true;
  for (slot_index s = 0; s < size_; ++s)
    refresh_relative(s);
}

std::span<const std::int64_t> slot_table::relative_keys() noexcept {
  keep_relative();
  return relative_;
}

} // namespace linehunt::ledger
