// SPDX-License-Identifier: Apache-2.0
// Who a call is: everything that varies in its messages follows from its number and the seed, so
// that a record need not keep it. The 16 hex digits of the Call-ID are the number itself, mixed by
// a function that can be undone; tags, branches and users are further mixes of it.
#pragma once

#include <cstdint>

namespace linehunt::pktgen {

// Where a call's record lies, and which of the calls it is that have used this record.
struct call_number {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const call_number&, const call_number&) = default;
};

// A permutation of all 64-bit numbers in which neighbours have nothing in common.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  return x ^ x >> 32;
}
[[nodiscard]] constexpr std::uint64_t unmix(std::uint64_t x) noexcept {
  constexpr std::uint64_t inverse = [] {
    std::uint64_t guess = 0xd6e8feb86659fd93u; // right in three bits; each step doubles them
    for (int i = 0; i < 6; ++i)
      guess *= 2 - 0xd6e8feb86659fd93u * guess;
    return guess;
  }();
  x ^= x >> 32;
  x *= inverse;
  x ^= x >> 32;
  x *= inverse;
  return x ^ x >> 32;
}
static_assert(unmix(mix(0x0123456789abcdef)) == 0x0123456789abcdef);

struct identity {
  std::uint64_t call_id = 0;

  identity() = default;
  // The seed is mixed as well: the calls of neighbouring seeds have nothing in common.
  identity(call_number number, std::uint64_t seed) noexcept
      : call_id(mix((std::uint64_t{number.generation} << 32 | number.slot) ^ mix(seed))) {}
  [[nodiscard]] static call_number number_of(std::uint64_t call_id, std::uint64_t seed) noexcept {
    const std::uint64_t both = unmix(call_id) ^ mix(seed);
    return {static_cast<std::uint32_t>(both), static_cast<std::uint32_t>(both >> 32)};
  }
  [[nodiscard]] std::uint64_t from_tag() const noexcept { return mix(call_id + 0x9e37); }
  [[nodiscard]] std::uint64_t to_tag() const noexcept { return mix(call_id + 0x79b9); }
  [[nodiscard]] std::uint64_t invite_branch() const noexcept { return mix(call_id + 0x7f4a); }
  [[nodiscard]] std::uint64_t ack_branch() const noexcept { return mix(call_id + 0x7c15); }
  [[nodiscard]] std::uint64_t bye_branch() const noexcept { return mix(call_id + 0xf39c); }
  [[nodiscard]] std::uint64_t digits() const noexcept { return mix(call_id + 0xc0ed); }
};

} // namespace linehunt::pktgen
