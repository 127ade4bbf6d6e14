// SPDX-License-Identifier: Apache-2.0
// The virtual clock: events in order of time, then of being added, and the one source of chance.
#pragma once

#include "dataplane/datagram.h"

#include <cstdint>
#include <queue>
#include <vector>

namespace linehunt::sim {

inline constexpr time_us msec = 1000;
inline constexpr time_us sec = 1000 * msec;
// RFC 3261 17.1.1.1, of callers and destinations.
inline constexpr std::uint32_t t1_ms = 500, t2_ms = 4000;

class chance {
 public:
  explicit chance(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint32_t below(std::uint64_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }
  time_us between(time_us low, time_us high) { return low + next() % (high - low + 1); }
  bool per_mille(std::uint32_t share) { return below(1000) < share; }

 private:
  std::uint64_t state_;
};

enum class happening : std::uint8_t {
  packet,      // a: packet
  worker_run,  // a: worker
  call_begins, // a: caller's call
  call_timer,  // a: call, b: which and generation
  box_timer,   // a: box's call, b: generation
  box_dies,    // a: box
  box_returns, // a: box
  notify,      // a: word of a transfer that a box has to send
  admin,
  restart,
  copy,   // of the calls, for a crash
  probed, // a: destination that is found to be well again
  stranger,
  absence,   // of all workers
  heartbeat, // of a destination that says itself how much it can take
};

struct event_at {
  time_us at = 0;
  std::uint64_t order = 0;
  happening what = happening::packet;
  std::uint32_t a = 0, b = 0;
  friend bool operator>(const event_at& x, const event_at& y) {
    return x.at != y.at ? x.at > y.at : x.order > y.order;
  }
};

class event_queue {
 public:
  void add(time_us at, happening what, std::uint32_t a = 0, std::uint32_t b = 0) {
    events_.push({at, order_++, what, a, b});
  }
  [[nodiscard]] bool empty() const { return events_.empty(); }
  event_at take() {
    const event_at e = events_.top();
    events_.pop();
    now = e.at;
    return e;
  }
  time_us now = 0;

 private:
  std::priority_queue<event_at, std::vector<event_at>, std::greater<>> events_;
  std::uint64_t order_ = 0;
};

} // namespace linehunt::sim
