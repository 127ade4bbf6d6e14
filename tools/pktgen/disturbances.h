// SPDX-License-Identifier: Apache-2.0
// Tells when what is measured is the machine's doing: a thread of the device under test, or the
// generator's own, waits for its processor (the second number of /proc/TID/schedstat, in ns), or
// the generator's loop is away for longer than its own work takes.
//
// What a worker finds after such a wait is a backlog, which drains the slower the higher the load;
// so a disturbance lasts longer than the wait itself, by a factor that the user gives: at four
// fifths of the highest rate, five times.
#pragma once

#include "tools/pktgen/traffic.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::pktgen {

// Which windows of time nothing disturbed. Deterministic: time is handed in.
class calm_windows {
 public:
  static constexpr time_ns window_ns = 1'000'000;
  static constexpr time_ns longest_turn_ns = 200'000; // of the generator's loop

  explicit calm_windows(double backlog_factor = 1) : backlog_factor_(backlog_factor) {}

  [[nodiscard]] bool is_due(time_ns now) const noexcept { return now >= next_; }
  // Somebody has waited so long up to now; 0 does nothing.
  void note_wait(time_ns now, time_ns wait) noexcept;
  // A turn of the generator's loop; one too long is a wait of that length.
  void note_turn(time_ns now, time_ns turn) noexcept {
    if (turn > longest_turn_ns) note_wait(now, turn);
  }
  // Ends the window at hand and begins the next. False where something disturbed it; the first one
  // has no beginning, and counts as disturbed as well.
  bool end(time_ns now) noexcept;

 private:
  double backlog_factor_;
  time_ns began_ = 0, next_ = 0;
  time_ns disturbed_until_ = 0;
};

class disturbances {
 public:
  disturbances() = default;
  ~disturbances();
  disturbances(const disturbances&) = delete;
  disturbances& operator=(const disturbances&) = delete;

  // The threads of the device by their numbers. Empty, or what does not work. Called by the thread
  // that runs the loop, which is watched as well.
  [[nodiscard]] std::string watch(const std::vector<int>& threads, double backlog_factor);
  [[nodiscard]] bool watching() const noexcept { return !threads_.empty(); }

  // Once a turn of the loop, with how long the turn was. True where a window has ended; `calm` then
  // says whether nothing disturbed it. The kernel tells of a wait only when it is over, so windows
  // that seemed calm may have been none: `late` says how many.
  bool window_over(time_ns now, time_ns turn, bool& calm, std::uint64_t& late) noexcept;
  // For a processor, since `watch`.
  [[nodiscard]] time_ns device_waited() const noexcept { return device_waited_; }
  [[nodiscard]] time_ns generator_waited() const noexcept { return generator_waited_; }

  // What a schedstat says of waiting; 0 where it is something else.
  [[nodiscard]] static time_ns wait_in(std::string_view schedstat) noexcept;

 private:
  struct thread {
    int file = -1;
    time_ns waited = 0;
    bool is_generator = false;
  };
  // How long it has waited since it was asked last.
  [[nodiscard]] static time_ns new_wait(thread& t) noexcept;

  std::vector<thread> threads_;
  calm_windows windows_;
  std::uint64_t calm_since_wait_ = 0; // windows
  time_ns device_waited_ = 0, generator_waited_ = 0;
};

} // namespace linehunt::pktgen
