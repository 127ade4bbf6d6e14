// SPDX-License-Identifier: Apache-2.0
// See address_turn.h.
#include "dataplane/address_turn.h"

#include <algorithm>

namespace linehunt {

std::size_t next_address(std::span<const address_turn> turns, std::size_t count,
                         std::uint16_t tried, std::uint64_t random) noexcept {
  count = std::min(count, max_addresses);
  const auto is_left = [tried](std::size_t i) { return (tried >> i & 1u) == 0; };
  std::size_t first = 0;
  while (first < count && !is_left(first))
    ++first;
  if (first == count) return no_address;
  if (turns.size() < count) return first;

  for (std::size_t i = first + 1; i < count; ++i)
    if (is_left(i) && turns[i].rank < turns[first].rank) first = i;
  const auto stands = [&](std::size_t i) {
    return is_left(i) && turns[i].rank == turns[first].rank;
  };
  std::uint64_t whole = 0;
  for (std::size_t i = 0; i < count; ++i)
    whole += stands(i) ? turns[i].share : 0;
  if (whole == 0) return first;
  std::uint64_t at = random % whole;
  for (std::size_t i = 0; i < count; ++i) {
    if (!stands(i)) continue;
    if (at < turns[i].share) return i;
    at -= turns[i].share;
  }
  return first;
}

} // namespace linehunt
