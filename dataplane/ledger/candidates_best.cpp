// SPDX-License-Identifier: Apache-2.0
// The choice of the best candidate.
#include "dataplane/ledger/candidates.h"

#include <algorithm>
#include <bit>
#include <smmintrin.h>
#include <utility>

namespace linehunt::ledger {

std::uint32_t tie_breaker::below(std::uint32_t bound) noexcept {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<std::uint32_t>(((z >> 32) * bound) >> 32);
}

selection_key candidate_table::question::value_of(std::uint32_t row) const noexcept {
  selection_key value = keys[0][row];
  for (std::size_t c = 1; c <= asked; ++c)
    value = std::min(value, keys[c][row]);
  return value;
}

bool candidate_table::excluded(const query& q, const group& g, std::uint32_t row) const noexcept {
  return std::find(q.excluded_ids.begin(), q.excluded_ids.end(), ids_[g.first_row + row]) !=
         q.excluded_ids.end();
}

// False: a resource that no destination of the group has, or one asked twice.
bool candidate_table::understand(const query& q, std::span<const selection_key> keys,
                                 question& out) const noexcept {
  out.asked = q.resources.size();
  if (out.asked > out.columns.size()) return false;
  for (std::size_t c = 0; c < out.asked; ++c) {
    const resource_id name = q.resources[c];
    const auto before = q.resources.begin() + static_cast<std::ptrdiff_t>(c);
    const std::uint32_t column =
        name < resource_count_ ? columns_[out.group_at * resource_count_ + name] : no_index;
    if (column == no_index || std::find(q.resources.begin(), before, name) != before) return false;
    out.columns[c] = column;
    out.keys[c + 1] = keys.data() + column;
  }
  out.keys[0] = gates_.data() + out.in->first_gate;
  return true;
}

choice candidate_table::best(const query& q, std::span<const selection_key> keys,
                             tie_breaker& ties) noexcept {
  choice result;
  question about;
  about.in = find_group(q.group);
  if (about.in == nullptr) return result;
  about.group_at = static_cast<std::uint32_t>(about.in - groups_.data());
  if (!understand(q, keys, about)) {
    result.what = choice::kind::unknown;
    return result;
  }
  std::uint32_t row = no_index;
  if (q.only != no_index)
    row = look_at(q.only, q, about);
  else if (ranking* const r = rankings_.empty() ? nullptr : ranking_for(q, about); r != nullptr)
    row = look_up(q, *r, ties);
  else
    row = look_through(q, about, ties);
  if (row == no_index) return result;
  result.what = choice::kind::best;
  result.value = about.value_of(row);
  result.id = ids_[about.in->first_row + row];
  result.lines.destination = rows_[about.in->first_row + row];
  result.lines.slot_count = static_cast<std::uint8_t>(about.asked);
  for (std::size_t c = 0; c < about.asked; ++c)
    result.lines.slots[c] = slots_[about.columns[c] + row];
  return result;
}

std::uint32_t candidate_table::look_at(destination_index d, const query& q,
                                       const question& about) const noexcept {
  if (!in_group(d, q.group)) return no_index;
  const std::uint32_t row = entries_[d].row - about.in->first_row;
  return about.value_of(row) == least_key || excluded(q, *about.in, row) ? no_index : row;
}

// Sixteen rows in a turn, four at once. Behind the last row of a group the gates are closed.
std::uint32_t candidate_table::first_greatest(const question& about,
                                              selection_key& greatest) const noexcept {
  constexpr std::size_t lanes = 4;
  static_assert(keys_at_once == 4 * lanes);
  std::uint32_t winner = no_index;
  greatest = least_key;
  for (std::uint32_t first = 0; first < about.in->rows; first += keys_at_once) {
    __m128i values[4];
    const auto load = [&](std::size_t column, std::size_t i) {
      const selection_key* const at = about.keys[column] + first + i * lanes;
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    };
    for (std::size_t i = 0; i < std::size(values); ++i)
      values[i] = load(0, i);
    for (std::size_t c = 1; c <= about.asked; ++c)
      for (std::size_t i = 0; i < std::size(values); ++i)
        values[i] = _mm_min_epi32(values[i], load(c, i));
    __m128i most =
        _mm_max_epi32(_mm_max_epi32(values[0], values[1]), _mm_max_epi32(values[2], values[3]));
    most = _mm_max_epi32(most, _mm_shuffle_epi32(most, _MM_SHUFFLE(1, 0, 3, 2)));
    most = _mm_max_epi32(most, _mm_shuffle_epi32(most, _MM_SHUFFLE(2, 3, 0, 1)));
    if (_mm_cvtsi128_si32(most) <= greatest) continue;
    greatest = _mm_cvtsi128_si32(most);
    for (__m128i& v : values)
      v = _mm_cmpeq_epi32(v, most);
    const __m128i equal = _mm_packs_epi16(_mm_packs_epi32(values[0], values[1]),
                                          _mm_packs_epi32(values[2], values[3]));
    winner = first + static_cast<std::uint32_t>(
                         std::countr_zero(static_cast<unsigned>(_mm_movemask_epi8(equal))));
  }
  return winner;
}

// Seldom asked: at failover alone.
std::uint32_t candidate_table::first_greatest_but(const query& q, const question& about,
                                                  selection_key& greatest) const noexcept {
  std::uint32_t winner = no_index;
  greatest = least_key;
  for (std::uint32_t row = 0; row < about.in->rows; ++row) {
    const selection_key value = about.value_of(row);
    if (value <= greatest || excluded(q, *about.in, row)) continue;
    greatest = value;
    winner = row;
  }
  return winner;
}

std::uint32_t candidate_table::look_through(const query& q, const question& about,
                                            tie_breaker& ties) const noexcept {
  const group& g = *about.in;
  selection_key greatest = least_key;
  std::uint32_t winner = q.excluded_ids.empty() ? first_greatest(about, greatest)
                                                : first_greatest_but(q, about, greatest);
  if (winner == no_index || !q.random_tie) return winner;
  const auto tied = [&](std::uint32_t row) {
    return about.value_of(row) == greatest && !excluded(q, g, row);
  };
  std::uint32_t count = 0;
  for (std::uint32_t row = winner; row < g.rows; ++row)
    count += tied(row) ? 1 : 0;
  for (std::uint32_t skip = ties.below(count); skip > 0;)
    if (tied(++winner)) --skip;
  return winner;
}

// Of a large group; nullptr where it must be looked through all the same.
candidate_table::ranking* candidate_table::ranking_for(const query& q,
                                                       const question& about) noexcept {
  // Any of the best but some: rare, and not worth a count that leaves rows out.
  if (about.in->rows < indexed_rows || (q.random_tie && !q.excluded_ids.empty())) return nullptr;
  // The same set in any order: sorted by insertion.
  std::array<resource_id, max_resources_per_call> set{};
  for (std::size_t c = 0; c < about.asked; ++c) {
    std::size_t at = c;
    for (; at > 0 && set[at - 1] > q.resources[c]; --at)
      set[at] = set[at - 1];
    set[at] = q.resources[c];
  }
  for (ranking& r : rankings_) {
    const bool unused = r.group == no_index;
    if (unused) {
      r.group = about.group_at;
      r.relative = q.relative;
      r.resource_count = static_cast<std::uint8_t>(about.asked);
      r.resources = set;
      for (std::uint32_t row = 0; row < about.in->rows; ++row)
        r.tree.set(row, about.value_of(row));
      r.tree.build();
      return &r;
    }
    if (r.group != about.group_at || r.relative != q.relative || r.resource_count != about.asked ||
        r.resources != set)
      continue;
    for (; !r.changed.empty(); r.changed.pop())
      r.tree.update(r.changed.front(), about.value_of(r.changed.front()));
    return &r;
  }
  return nullptr;
}

std::uint32_t candidate_table::look_up(const query& q, ranking& r,
                                       tie_breaker& ties) const noexcept {
  if (r.tree.greatest() == least_key) return no_index;
  if (q.random_tie) return r.tree.best(ties.below(r.tree.ties()));
  if (q.excluded_ids.empty()) return r.tree.best(0);
  std::array<std::uint32_t, max_excluded_rows> rows;
  std::size_t count = 0;
  const group& g = groups_[r.group];
  for (const std::uint32_t id : q.excluded_ids) {
    auto at = std::ranges::lower_bound(rows_by_id_, std::pair{id, 0u});
    for (; at != rows_by_id_.end() && at->first == id && count < rows.size(); ++at)
      if (at->second - g.first_row < g.rows) rows[count++] = at->second - g.first_row;
  }
  const std::uint32_t row = r.tree.best_but({rows.data(), count});
  return row == winner_tree::no_row ? no_index : row;
}

void candidate_table::slot_changed(slot_index s) noexcept {
  if (row_of_slot_[s] != no_index) row_changed(row_of_slot_[s]);
}

void candidate_table::row_changed(std::uint32_t row) noexcept {
  for (ranking& r : rankings_) {
    if (r.group == no_index) return; // they are taken in order
    const group& g = groups_[r.group];
    if (row - g.first_row < g.rows) r.changed.push(row - g.first_row);
  }
}

} // namespace linehunt::ledger
