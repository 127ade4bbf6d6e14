// SPDX-License-Identifier: Apache-2.0
// Which of several addresses of one destination a call tries first, and which one next. The ranks
// and shares come from SRV records (RFC 2782); nothing here knows DNS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace linehunt {

// Beside an address. Those of the lowest rank are tried before any others; within a rank an address
// is taken as often as its share says.
struct address_turn {
  std::uint16_t rank = 0;
  std::uint32_t share = 1;
  friend bool operator==(const address_turn&, const address_turn&) = default;
};

inline constexpr std::size_t max_addresses = 16; // of one destination that are looked at
inline constexpr std::size_t no_address = static_cast<std::size_t>(-1);

// The next of `count` addresses whose bit in `tried` is not set; no_address where all are. `turns`
// may be empty: then they are tried in order. `random` decides within a rank, and nothing else: the
// same number gives the same address.
[[nodiscard]] std::size_t next_address(std::span<const address_turn> turns, std::size_t count,
                                       std::uint16_t tried, std::uint64_t random) noexcept;

} // namespace linehunt
