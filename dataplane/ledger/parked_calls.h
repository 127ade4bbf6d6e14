// SPDX-License-Identifier: Apache-2.0
// The selections that wait for a line: their requests, found by waiter, in lists. A fixed number
// of places, all allocated at construction.
#pragma once

#include "dataplane/load_ledger.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace linehunt::ledger {

using parked_index = std::uint32_t;

struct parked_call {
  enum class stage : std::uint8_t { unused, queued, asked, decided };

  waiter who = 0;
  std::uint32_t group = 0;
  destination_index preferred = no_index;
  balance_flags flags;
  stage at = stage::unused;
  bool refused = false; // by at least one destination
  std::uint8_t full_asked = 0;
  std::uint8_t resource_count = 0;
  std::uint8_t excluded_count = 0;
  selection_outcome outcome = selection_outcome::pending;
  std::array<resource_id, max_resources_per_call> resources{};
  std::array<std::uint32_t, max_excluded> excluded{};
  holding lines; // wanted while it waits, held once it is selected
  parked_index next = no_index, previous = no_index, same_hash = no_index;

  // False: no room; the call cannot go on looking.
  [[nodiscard]] bool exclude(std::uint32_t id) noexcept {
    if (excluded_count == excluded.size()) return false;
    excluded[excluded_count++] = id;
    return true;
  }
};

struct parked_list {
  parked_index first = no_index, last = no_index;
  [[nodiscard]] bool empty() const noexcept { return first == no_index; }
};

class parked_calls {
 public:
  explicit parked_calls(std::uint32_t places);

  // no_index where all places are taken or the request has been to too many destinations.
  [[nodiscard]] parked_index park(const selection_request& request, waiter who) noexcept;
  [[nodiscard]] parked_index find(waiter who) const noexcept; // no_index: not here
  void leave(parked_index p) noexcept;                        // not in a list any more
  [[nodiscard]] parked_call& operator[](parked_index p) noexcept { return calls_[p]; }
  [[nodiscard]] const parked_call& operator[](parked_index p) const noexcept { return calls_[p]; }

  void append(parked_list& list, parked_index p) noexcept;
  void unlink(parked_list& list, parked_index p) noexcept;

 private:
  [[nodiscard]] std::uint32_t bucket_of(waiter who) const noexcept;

  std::vector<parked_call> calls_;
  std::vector<parked_index> buckets_;
  parked_index free_ = no_index;
};

} // namespace linehunt::ledger
