// SPDX-License-Identifier: Apache-2.0
// How long callers wait until a destination rings or answers: from the INVITE that was sent to it
// to its first reply above 100 that is no failure; and how many calls a destination lost to others.
// One of these for each destination, in the memory of the worker that counts.
#pragma once

#include "dataplane/datagram.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace linehunt {

// Upper bounds of the buckets, in milliseconds; what is above the last goes into one more.
inline constexpr std::array<std::uint32_t, 12> post_dial_bounds_ms{
    10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10'000, 30'000, 60'000};

// Written by the worker alone, read by others; both relaxed, so that a reader may see a delay in
// its bucket before the sum has it.
struct post_dial_delay {
  std::array<std::atomic<std::uint64_t>, post_dial_bounds_ms.size() + 1> counts{};
  std::atomic<std::uint64_t> sum_us{0};
  std::atomic<std::uint64_t> moved_on{0}; // its calls that failed there and went to another one

  void add(time_us delay) noexcept {
    const auto* const bound =
        std::lower_bound(post_dial_bounds_ms.begin(), post_dial_bounds_ms.end(), delay,
                         [](std::uint32_t ms, time_us us) { return ms * time_us{1000} < us; });
    bump(counts[static_cast<std::size_t>(bound - post_dial_bounds_ms.begin())], 1);
    bump(sum_us, delay);
  }
  void add_moved_on() noexcept { bump(moved_on, 1); }
  // For a destination that takes the number of another.
  void clear() noexcept {
    for (auto& count : counts)
      count.store(0, std::memory_order_relaxed);
    sum_us.store(0, std::memory_order_relaxed);
    moved_on.store(0, std::memory_order_relaxed);
  }

 private:
  // One writer, so no locked instruction is needed.
  static void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
};

} // namespace linehunt
