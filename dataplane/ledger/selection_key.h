// SPDX-License-Identifier: Apache-2.0
// What selection compares: how much a destination has left of a resource, in 32 bits, so that four
// are compared at once. A capacity always fits. A load may be further above it than a key can say;
// destinations so far beyond theirs, two thousand million calls, are all the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace linehunt::ledger {

using selection_key = std::int32_t;

// Of what may not be chosen: a resource that a destination lacks, a destination that is unusable.
inline constexpr selection_key least_key = std::numeric_limits<selection_key>::min();
inline constexpr selection_key greatest_key = std::numeric_limits<selection_key>::max();

// Keys are read by so many at once. Whoever keeps a row of them has as many behind its last.
inline constexpr std::size_t keys_at_once = 16;

[[nodiscard]] constexpr selection_key key_of(std::int64_t left) noexcept {
  return static_cast<selection_key>(
      std::clamp<std::int64_t>(left, std::int64_t{least_key} + 1, greatest_key));
}

} // namespace linehunt::ledger
