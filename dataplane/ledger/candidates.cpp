// SPDX-License-Identifier: Apache-2.0
// Layout of candidates and the choice of the best.
#include "dataplane/ledger/candidates.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace linehunt::ledger {

namespace {

std::uint64_t identity_of(const destination& d) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a, 64 bits
  const auto mix = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (int shift = 0; shift < 32; shift += 8)
    mix((d.id >> shift) & 0xff);
  for (int shift = 0; shift < 32; shift += 8)
    mix((d.group >> shift) & 0xff);
  for (const char c : d.uri)
    mix(static_cast<unsigned char>(c));
  return hash;
}

} // namespace

candidate_table::candidate_table(std::uint32_t max_destinations, slot_index missing_slot)
    : missing_(missing_slot), entries_(max_destinations) {}

void candidate_table::rebuild(const snapshot& world) {
  rankings_.clear(); // of the rows as they were
  lay_out_groups(world);
  place_rows(world);
  place_columns(world);

  rows_by_id_.clear();
  for (std::uint32_t row = 0; row < ids_.size(); ++row)
    rows_by_id_.emplace_back(ids_[row], row);
  std::sort(rows_by_id_.begin(), rows_by_id_.end());
  std::uint32_t largest = 0;
  for (const group& g : groups_)
    largest = std::max(largest, g.rows);
  if (largest >= indexed_rows) rankings_.assign(max_rankings, ranking(largest));
}

// Groups in the order of their numbers; the rows of one lie together.
void candidate_table::lay_out_groups(const snapshot& world) {
  groups_.clear();
  for (const destination& d : world.destinations)
    groups_.push_back({.number = d.group});
  std::sort(groups_.begin(), groups_.end(),
            [](const group& a, const group& b) { return a.number < b.number; });
  groups_.erase(std::unique(groups_.begin(), groups_.end(),
                            [](const group& a, const group& b) { return a.number == b.number; }),
                groups_.end());
  for (const destination& d : world.destinations)
    if (d.index < entries_.size())
      ++groups_[static_cast<std::size_t>(find_group(d.group) - groups_.data())].rows;
  std::uint32_t row_count = 0, gate_count = 0;
  for (group& g : groups_) {
    g.first_row = row_count;
    g.first_gate = gate_count;
    gate_count += g.rows + static_cast<std::uint32_t>(keys_at_once);
    row_count += std::exchange(g.rows, 0); // counted again as they are placed
  }
  rows_.assign(row_count, no_index);
  ids_.assign(row_count, 0);
  gates_.assign(gate_count, least_key);
}

// One row for each destination. What was enabled or disabled at run time stays so.
void candidate_table::place_rows(const snapshot& world) {
  std::vector<entry> entries(entries_.size());
  for (const destination& d : world.destinations) {
    if (d.index >= entries.size()) continue;
    const auto group_at = static_cast<std::uint32_t>(find_group(d.group) - groups_.data());
    group& g = groups_[group_at];
    entry& e = entries[d.index];
    e = {.row = g.first_row + g.rows++,
         .group = group_at,
         .id = d.id,
         .identity = identity_of(d),
         .enabled = d.enabled,
         .resolved = !d.addresses.empty()};
    const entry& before = entries_[d.index];
    if (before.row != no_index && before.identity == e.identity) e.enabled = before.enabled;
    rows_[e.row] = d.index;
    ids_[e.row] = d.id;
    refresh_gate(e);
  }
  entries_ = std::move(entries);
}

// One column for each resource that somebody in a group offers.
void candidate_table::place_columns(const snapshot& world) {
  resource_count_ = 0;
  for (const destination& d : world.destinations)
    for (const resource& r : d.resources)
      resource_count_ = std::max(resource_count_, std::size_t{r.name} + 1);
  columns_.assign(groups_.size() * resource_count_, no_index);
  row_of_slot_.assign(missing_, no_index);
  slots_.clear();
  for (const destination& d : world.destinations) {
    if (d.index >= entries_.size()) continue;
    const entry& e = entries_[d.index];
    const group& g = groups_[e.group];
    for (const resource& r : d.resources) {
      std::uint32_t& column = columns_[e.group * resource_count_ + r.name];
      if (column == no_index) {
        column = static_cast<std::uint32_t>(slots_.size());
        slots_.resize(slots_.size() + g.rows, missing_);
      }
      if (r.slot >= missing_) continue;
      slots_[column + (e.row - g.first_row)] = r.slot;
      row_of_slot_[r.slot] = e.row;
    }
  }
}

void candidate_table::refresh_gate(const entry& e) noexcept {
  const group& g = groups_[e.group];
  gates_[g.first_gate + (e.row - g.first_row)] = e.enabled && e.resolved ? greatest_key : least_key;
  row_changed(e.row);
}

const candidate_table::group* candidate_table::find_group(std::uint32_t number) const noexcept {
  const auto at =
      std::lower_bound(groups_.begin(), groups_.end(), number,
                       [](const group& g, std::uint32_t wanted) { return g.number < wanted; });
  return at != groups_.end() && at->number == number ? &*at : nullptr;
}

void candidate_table::set_enabled(destination_index d, bool enabled) noexcept {
  if (d >= entries_.size() || entries_[d].row == no_index) return;
  entries_[d].enabled = enabled;
  refresh_gate(entries_[d]);
}

bool candidate_table::enabled(destination_index d) const noexcept {
  return d < entries_.size() && entries_[d].row != no_index && entries_[d].enabled;
}

bool candidate_table::usable(destination_index d) const noexcept {
  return enabled(d) && entries_[d].resolved;
}

std::uint32_t candidate_table::id_of(destination_index d) const noexcept {
  return entries_[d].id;
}

bool candidate_table::in_group(destination_index d, std::uint32_t number) const noexcept {
  return d < entries_.size() && entries_[d].row != no_index &&
         groups_[entries_[d].group].number == number;
}

slot_index candidate_table::slot_of(destination_index d, resource_id name) const noexcept {
  if (d >= entries_.size() || entries_[d].row == no_index || name >= resource_count_)
    return no_index;
  const entry& e = entries_[d];
  const std::uint32_t column = columns_[e.group * resource_count_ + name];
  if (column == no_index) return no_index;
  const slot_index slot = slots_[column + (e.row - groups_[e.group].first_row)];
  return slot == missing_ ? no_index : slot;
}

} // namespace linehunt::ledger
