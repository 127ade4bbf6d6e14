// SPDX-License-Identifier: Apache-2.0
// The destinations of a snapshot laid out for selection: per group one row for each destination in
// the operator's order, per resource one column of slots. Knows keys, not loads or leases.
//
//   group 1      transc  pstn  vm   conf        value of a row = the least key in the columns asked
//   row 0  id 1     s0    s1    -    -          winner = the row of the greatest value, the first
//   row 1  id 2     s3    -     s2   -                   of them, or any of them at random
//
// A small group is looked through. A large one has a tournament for each set of resources that was
// asked for, kept as slots change; rows that changed are brought up to date at the next question.
#pragma once

#include "dataplane/ledger/index_queue.h"
#include "dataplane/ledger/selection_key.h"
#include "dataplane/ledger/winner_tree.h"
#include "dataplane/load_ledger.h"
#include "dataplane/snapshot.h"

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace linehunt::ledger {

// splitmix64: enough for ties, the same on every machine.
class tie_breaker {
 public:
  explicit tie_breaker(std::uint64_t seed) noexcept : state_(seed) {}
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) noexcept;

 private:
  std::uint64_t state_;
};

// From here on a tournament beats looking through (bench_selection).
inline constexpr std::uint32_t indexed_rows = 64;
// Sets of resources that rules ask for are few; what finds no place is looked through.
inline constexpr std::size_t max_rankings = 16;
inline constexpr std::size_t max_excluded_rows = max_excluded;

struct query {
  std::uint32_t group = 0;
  std::span<const resource_id> resources;
  std::span<const std::uint32_t> excluded_ids;
  bool random_tie = false;
  bool relative = false;             // what kind of keys these are
  destination_index only = no_index; // no other one is a candidate
};

struct choice {
  enum class kind : std::uint8_t { best, none, unknown };
  kind what = kind::none;
  std::int64_t value = 0;
  std::uint32_t id = 0;
  holding lines; // destination and slots of the best candidate, eligible or not
};

class candidate_table {
 public:
  candidate_table(std::uint32_t max_destinations, slot_index missing_slot);

  void rebuild(const snapshot& world);

  // A destination that is not in the snapshot is never usable.
  void set_enabled(destination_index d, bool enabled) noexcept;
  [[nodiscard]] bool enabled(destination_index d) const noexcept;
  [[nodiscard]] bool usable(destination_index d) const noexcept; // enabled, resolved, configured
  [[nodiscard]] std::uint32_t id_of(destination_index d) const noexcept; // of a known one
  [[nodiscard]] bool in_group(destination_index d, std::uint32_t number) const noexcept;

  // Of all columns, one after the other; the missing slot where a destination lacks a resource.
  [[nodiscard]] std::span<const slot_index> slots() const noexcept { return slots_; }
  // The slot of a resource of a destination; no_index where it has none.
  [[nodiscard]] slot_index slot_of(destination_index d, resource_id name) const noexcept;

  // Keys by place in slots(), with keys_at_once more behind them that may be read.
  [[nodiscard]] choice best(const query& q, std::span<const selection_key> keys,
                            tie_breaker& ties) noexcept;

  // Whether slot_changed must be told of every key that changes.
  [[nodiscard]] bool indexed() const noexcept { return !rankings_.empty(); }
  void slot_changed(slot_index s) noexcept;

 private:
  struct group {
    std::uint32_t number = 0;
    std::uint32_t first_row = 0;
    std::uint32_t rows = 0;
    std::uint32_t first_gate = 0;
  };
  struct entry { // by destination_index
    std::uint32_t row = no_index;
    std::uint32_t group = 0; // index into groups_
    std::uint32_t id = 0;
    std::uint64_t identity = 0; // hash of id, group number and URI: status survives if it is equal
    bool enabled = true;
    bool resolved = false;
  };
  // The order of one group for one set of resources.
  struct ranking {
    explicit ranking(std::uint32_t rows) : tree(rows), changed(rows) {}
    std::uint32_t group = no_index; // index into groups_; no_index: not in use
    bool relative = false;
    std::uint8_t resource_count = 0;
    std::array<resource_id, max_resources_per_call> resources{}; // sorted
    winner_tree tree;
    index_queue changed; // rows
  };
  // What is asked: the keys of the columns, the gates in front, and the value of a row in them.
  struct question {
    const group* in = nullptr;
    std::uint32_t group_at = 0;
    std::array<std::uint32_t, max_resources_per_call> columns{};         // their start in slots_
    std::array<const selection_key*, max_resources_per_call + 1> keys{}; // gates, then columns
    std::size_t asked = 0;
    [[nodiscard]] selection_key value_of(std::uint32_t row) const noexcept;
  };
  [[nodiscard]] bool understand(const query& q, std::span<const selection_key> keys,
                                question& out) const noexcept;
  [[nodiscard]] bool excluded(const query& q, const group& g, std::uint32_t row) const noexcept;
  [[nodiscard]] std::uint32_t first_greatest(const question& about,
                                             selection_key& greatest) const noexcept;
  [[nodiscard]] std::uint32_t first_greatest_but(const query& q, const question& about,
                                                 selection_key& greatest) const noexcept;
  [[nodiscard]] std::uint32_t look_through(const query& q, const question& about,
                                           tie_breaker& ties) const noexcept;
  [[nodiscard]] std::uint32_t look_at(destination_index d, const query& q,
                                      const question& about) const noexcept;
  [[nodiscard]] std::uint32_t look_up(const query& q, ranking& r, tie_breaker& ties) const noexcept;
  [[nodiscard]] ranking* ranking_for(const query& q, const question& about) noexcept;
  void row_changed(std::uint32_t row) noexcept;
  void refresh_gate(const entry& e) noexcept;
  void lay_out_groups(const snapshot& world);
  void place_rows(const snapshot& world);
  void place_columns(const snapshot& world);
  [[nodiscard]] const group* find_group(std::uint32_t number) const noexcept;

  slot_index missing_;
  std::size_t resource_count_ = 0;
  std::vector<entry> entries_;
  std::vector<group> groups_;           // by number
  std::vector<destination_index> rows_; // destination of a row
  std::vector<std::uint32_t> ids_;      // by row
  std::vector<selection_key> gates_;    // greatest where usable, least where not and behind a group
  std::vector<std::uint32_t> columns_;  // [group * resource_count_ + resource]: start in slots_
  std::vector<slot_index> slots_;       // columns, one after the other
  std::vector<std::uint32_t> row_of_slot_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> rows_by_id_; // id and row, by id
  std::vector<ranking> rankings_; // none where all groups are small
};

} // namespace linehunt::ledger
