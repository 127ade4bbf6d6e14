// SPDX-License-Identifier: Apache-2.0
// What one worker knows of each slot, and the sort keys that selection reads. Knows nothing of
// mail or of who may change what; it keeps the keys right whatever changes.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/ledger/index_queue.h"
#include "dataplane/ledger/selection_key.h"
#include "dataplane/snapshot.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace linehunt::ledger {

inline constexpr std::int32_t not_configured = -1;

struct slot_state {
  std::int64_t used = 0;    // lines that this worker's calls hold
  std::int64_t remote = 0;  // what the others last said, summed
  std::int64_t waiting = 0; // calls of this worker that wait for a line
  std::int32_t capacity = 0;
  std::int32_t configured = not_configured; // capacity in the last snapshot
  destination_index destination = no_index;
  worker_id home = 0;
  [[nodiscard]] std::int64_t load() const noexcept { return used + remote + waiting; }
};

class slot_table {
 public:
  slot_table(std::uint32_t max_slots, worker_id workers);
  slot_table(const slot_table& other); // a copy publishes in memory of its own
  slot_table& operator=(const slot_table&) = delete;

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] const slot_state& operator[](slot_index s) const noexcept { return slots_[s]; }
  // For fields that no key depends on: configured, destination, home.
  [[nodiscard]] slot_state& edit(slot_index s) noexcept { return slots_[s]; }

  void add_used(slot_index s, std::int64_t delta) noexcept;
  void add_waiting(slot_index s, std::int64_t delta) noexcept;
  void set_capacity(slot_index s, std::int32_t capacity) noexcept;
  void set_remote(slot_index s, worker_id from, std::int64_t used) noexcept;

  // Where the keys of selection lie: place by place the slot, or size() where there is none (a
  // resource that a destination lacks), whose key is the least of all. Allocates.
  void place_keys(std::span<const slot_index> slots);
  // Keys by place, with keys_at_once more behind the last. Absolute: lines free. Relative: per cent
  // free, in integers, 0 where there is no capacity. They are kept from keep_relative or the first
  // question on: a division each is much of what a change costs.
  [[nodiscard]] std::span<const selection_key> absolute_keys() const noexcept { return absolute_; }
  [[nodiscard]] std::span<const selection_key> relative_keys() noexcept;
  void keep_relative() noexcept;

  // The slots whose keys have changed, for whoever keeps an order of them; none unless wanted.
  void track_changes(bool wanted) noexcept { tracking_ = wanted; }
  [[nodiscard]] index_queue& changes() noexcept { return changes_; }

  void append_state(std::vector<std::uint64_t>& out) const;
  [[nodiscard]] const std::atomic<std::int64_t>* published() const noexcept {
    return published_.get();
  }

 private:
  void refresh_keys(slot_index s) noexcept;
  void set_keys(slot_index s) noexcept;
  void set_relative(slot_index s) noexcept;

  std::uint32_t size_;
  std::vector<slot_state> slots_;
  std::vector<std::int64_t> said_; // [worker * size_ + slot]: what that worker last said
  bool tracking_ = false;
  index_queue changes_;
  std::vector<std::uint32_t> places_; // by slot; behind the last where nobody asks for its key
  std::vector<selection_key> absolute_;
  std::vector<selection_key> relative_;
  bool relative_kept_ = false;
  std::unique_ptr<std::atomic<std::int64_t>[]> published_;
};

} // namespace linehunt::ledger
