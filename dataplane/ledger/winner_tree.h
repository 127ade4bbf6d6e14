// SPDX-License-Identifier: Apache-2.0
// A tournament over rows: each node knows the greatest value below it and how many rows have it, so
// the first of the best, or any of them, is found by one way down. Knows nothing of destinations.
//
//            9 x2              rows      0  1  2  3
//          /      \            values    4  9  9  1     best(0) -> row 1
//       9 x1      9 x1
//      4    9    9    1
#pragma once

#include "dataplane/ledger/selection_key.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace linehunt::ledger {

class winner_tree {
 public:
  static constexpr std::uint32_t no_row = std::numeric_limits<std::uint32_t>::max();

  // Room for so many rows; allocates.
  explicit winner_tree(std::uint32_t rows);

  // Every row from the start: `set` for each of them, then `build`.
  void set(std::uint32_t row, selection_key value) noexcept;
  void build() noexcept;
  // One row, and the way up as far as something changes.
  void update(std::uint32_t row, selection_key value) noexcept;

  [[nodiscard]] selection_key greatest() const noexcept { return nodes_[1].value; }
  [[nodiscard]] std::uint32_t ties() const noexcept { return nodes_[1].ties; }
  // The row that is number `skip` among those of the greatest value.
  [[nodiscard]] std::uint32_t best(std::uint32_t skip) const noexcept;
  // The first of the best that is not one of `excluded`; no_row where all are least_key.
  [[nodiscard]] std::uint32_t best_but(std::span<const std::uint32_t> excluded) const noexcept;

 private:
  struct node {
    selection_key value = least_key;
    std::uint32_t ties = 0;
  };
  [[nodiscard]] static node winner(const node& left, const node& right) noexcept;

  std::uint32_t leaves_; // a power of two
  std::vector<node> nodes_;
};

} // namespace linehunt::ledger
