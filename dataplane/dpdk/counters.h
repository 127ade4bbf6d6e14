// SPDX-License-Identifier: Apache-2.0
// The counters of one worker. Written by it alone, read by the control thread, both relaxed; on
// cache lines of their own. Messages are counted by the engine (engine_counters).
#pragma once

#include "dataplane/verdict.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace linehunt::dpdk {

using counter = std::atomic<std::uint64_t>;

// One writer, so no locked instruction is needed.
inline void bump(counter& c, std::uint64_t by = 1) noexcept {
  c.store(c.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

// The largest so far.
inline void raise_to(counter& c, std::uint64_t value) noexcept {
  if (value > c.load(std::memory_order_relaxed)) c.store(value, std::memory_order_relaxed);
}

struct alignas(64) worker_counters {
  counter rx_packets{0}, tx_packets{0};
  counter tx_dropped{0}; // not taken by the port or its driver, no buffer, next hop unknown
  counter loops{0}, idle_loops{0};
  counter busy_cycles{0}, total_cycles{0};
  counter longest_loop_cycles{0};  // without the rest after it; the system may have taken the core
  counter longest_adopt_cycles{0}; // of a snapshot: what a reload costs this worker
  counter handed_over{0};          // to the worker that owns the call
  counter events_lost{0};
  std::array<counter, verdict_count> verdicts{}; // of frames

  void count(verdict v) noexcept { bump(verdicts[static_cast<std::size_t>(v)]); }
};

} // namespace linehunt::dpdk
