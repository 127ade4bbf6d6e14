// SPDX-License-Identifier: Apache-2.0
// Numbers out of files that may be damaged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace linehunt {

// The largest one that fits where it is larger.
template <class Number>
[[nodiscard]] constexpr Number fitting(std::uint64_t wide) noexcept {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());
  return static_cast<Number>(std::min(wide, most));
}

// A whole number that is not below zero. Throws json::exception where the item is none: the library
// would convert a fraction of any size.
template <class Number>
[[nodiscard]] Number number_in(const nlohmann::json& item) {
  return fitting<Number>(item.get_ref<const nlohmann::json::number_unsigned_t&>());
}

} // namespace linehunt
