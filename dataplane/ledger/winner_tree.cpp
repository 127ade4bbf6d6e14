// SPDX-License-Identifier: Apache-2.0
// The tournament.
#include "dataplane/ledger/winner_tree.h"

#include <algorithm>
#include <array>
#include <bit>

namespace linehunt::ledger {

winner_tree::winner_tree(std::uint32_t rows)
    : leaves_(std::bit_ceil(std::max(rows, 2u))), nodes_(std::size_t{leaves_} * 2) {
  for (std::uint32_t i = 0; i < leaves_; ++i)
    nodes_[leaves_ + i].ties = 1;
  build();
}

winner_tree::node winner_tree::winner(const node& left, const node& right) noexcept {
  if (left.value == right.value) return {left.value, left.ties + right.ties};
  return left.value > right.value ? left : right;
}

void winner_tree::set(std::uint32_t row, selection_key value) noexcept {
  nodes_[leaves_ + row].value = value;
}

void winner_tree::build() noexcept {
  for (std::uint32_t n = leaves_; n-- > 1;)
    nodes_[n] = winner(nodes_[2 * n], nodes_[2 * n + 1]);
}

void winner_tree::update(std::uint32_t row, selection_key value) noexcept {
  std::uint32_t n = leaves_ + row;
  if (nodes_[n].value == value) return;
  nodes_[n].value = value;
  while ((n /= 2) > 0) {
    const node now = winner(nodes_[2 * n], nodes_[2 * n + 1]);
    if (now.value == nodes_[n].value && now.ties == nodes_[n].ties) return;
    nodes_[n] = now;
  }
}

std::uint32_t winner_tree::best(std::uint32_t skip) const noexcept {
  std::uint32_t n = 1;
  while (n < leaves_) {
    const node& left = nodes_[2 * n];
    const std::uint32_t here = left.value == nodes_[n].value ? left.ties : 0;
    const bool go_left = skip < here;
    if (!go_left) skip -= here;
    n = 2 * n + (go_left ? 0 : 1);
  }
  return n - leaves_;
}

std::uint32_t winner_tree::best_but(std::span<const std::uint32_t> excluded) const noexcept {
  // Depth first, left before right: what is kept for later is never more than one node a level.
  std::array<std::uint32_t, 40> later{1};
  std::size_t count = 1;
  std::uint32_t found = no_row;
  selection_key greatest = least_key;
  while (count > 0) {
    std::uint32_t n = later[--count];
    if (nodes_[n].value <= greatest) continue;
    // The rows below this node, and whether an excluded one is among them.
    const auto depth = static_cast<unsigned>(std::bit_width(leaves_) - std::bit_width(n));
    const std::uint32_t low = (n << depth) - leaves_;
    const std::uint32_t high = low + (1u << depth);
    const bool touched =
        std::ranges::any_of(excluded, [&](std::uint32_t row) { return row >= low && row < high; });
    if (touched && depth == 0) continue;
    if (touched) {
      later[count++] = 2 * n + 1;
      later[count++] = 2 * n;
      continue;
    }
    greatest = nodes_[n].value;
    while (n < leaves_)
      n = 2 * n + (nodes_[2 * n].value == greatest ? 0 : 1);
    found = n - leaves_;
  }
  return found;
}

} // namespace linehunt::ledger
