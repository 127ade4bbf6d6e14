// SPDX-License-Identifier: Apache-2.0
// The course of a run: how many calls are due, which step of the load it is, when figures count,
// and which rate a search tries next. Deterministic: time is handed in.
//
//   fill ─► warm up ─► measure ─► settle ─┬─► next step: warm up ...
//   (held)                                └─► wind up ─► over
#pragma once

#include "tools/pktgen/tally.h"
#include "tools/pktgen/traffic.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace linehunt::pktgen {

enum class load_shape : std::uint8_t {
  rate,    // so many a second
  ramp,    // rising evenly over the measured time
  at_once, // closed loop: as soon as one ends, the next begins
  sweep,   // rates from..to in even steps
  search,  // the highest rate at which nothing is lost
};

struct load_settings {
  load_shape shape = load_shape::rate;
  double rate = 100;  // calls (or packets) a second; from, for ramp, sweep, search
  double rate_to = 0; // to; of a search the upper limit
  std::uint32_t at_once = 0;
  std::uint32_t step_count = 8; // of a sweep
  double seconds = 10;          // measured, of each step
  double warm_up_s = 1;         // of each step
  double fill_rate = 0;         // to reach `held` before the first step; 0: what the device keeps
  std::uint64_t held = 0;       // calls that must be held before the first step
  std::uint64_t total = 0;      // calls, 0: no limit
  double deadline_s = 1;        // of a message; what has not come by then will not
  bool wind_up = true;          // end the calls that are held
  bool calls_end = true;        // some at least; not where they last longer than the run
  double resolution = 0.02;     // of a search
  std::uint32_t tries = 1;      // of a search: so often must a rate fail to be too high
};

// What one step showed. The counts of `seen` go on until the step has settled; `window` is what
// happened during the measured time alone.
struct step_result {
  double rate_from = 0, rate_to = 0;
  double seconds = 0;
  time_ns began = 0; // to be measured
  struct {
    std::uint64_t sent = 0, received = 0, sent_bytes = 0, received_bytes = 0;
    std::uint64_t begun = 0, completed = 0, answered = 0, slipped = 0;
  } window;
  std::uint64_t held = 0; // at the end of the measured time
  double busy_share = 0;  // of the generator's own loop
  bool passed = false;    // nothing lost or wrong, rate reached, and as many held as wanted
  std::unique_ptr<tally> seen = std::make_unique<tally>();
};

class session {
 public:
  session(const load_settings& settings, traffic& who);

  // Begins what is due. Once for each turn of the loop.
  void poll(time_ns now) noexcept;
  [[nodiscard]] bool over() const noexcept { return phase_ == phase::over; }
  // No further steps: ends all calls and is over.
  void stop(time_ns now) noexcept;
  // Is over now; calls are left where they are, and the step at hand has not passed.
  void leave(time_ns now);
  // How long a turn of the loop took, and whether it found anything to do.
  void note_turn(std::uint64_t ns, bool worked) noexcept {
    loop_ns_ += ns;
    if (worked) busy_ns_ += ns;
  }

  // A frame came that nobody can read.
  void note_broken() noexcept { ++counting_->broken_frames; }

  // Where somebody watches for what disturbs the measurement.
  void end_window(bool calm, std::uint64_t late) noexcept { counting_->end_window(calm, late); }

  // Calls are left in the device though they should have ended.
  [[nodiscard]] bool left_calls() const noexcept { return left_calls_; }

  [[nodiscard]] const std::vector<step_result>& steps() const noexcept { return done_; }
  [[nodiscard]] const tally& now_counting() const noexcept { return *counting_; }
  [[nodiscard]] const tally& outside() const noexcept { return outside_; }
  [[nodiscard]] double rate_now() const noexcept { return rate_; }
  [[nodiscard]] const char* phase_name() const noexcept;
  // As many calls were held as were wanted, nearly.
  [[nodiscard]] bool was_full(const step_result& s) const noexcept;
  // Of a search: the highest rate that passed; nothing where none did.
  [[nodiscard]] std::optional<double> found() const noexcept;
  // All steps passed, and nothing was wrong before, between and after them; of a search, one
  // passed.
  [[nodiscard]] bool went_through() const noexcept;

 private:
  enum class phase : std::uint8_t { fill, warm_up, measure, settle, wind_up, over };

  void fill(time_ns now) noexcept;
  [[nodiscard]] bool fills_in_vain() const noexcept;
  void begin_due(time_ns now) noexcept;
  [[nodiscard]] time_ns due_at(time_ns now) const noexcept;
  void begin_step(time_ns now);
  void end_measuring(time_ns now) noexcept;
  void end_step(time_ns now);
  void begin_winding_up(time_ns now) noexcept;
  void wind_up(time_ns now);
  [[nodiscard]] std::uint64_t byes_answered() const noexcept;
  [[nodiscard]] std::optional<double> next_rate() const noexcept;
  void count_in(tally& t) noexcept;
  [[nodiscard]] bool reached(const step_result& s) const noexcept;
  [[nodiscard]] bool is_worth_another_try(const step_result& s) const noexcept;
  [[nodiscard]] static bool is_nearly_clean(const step_result& s) noexcept;
  [[nodiscard]] bool failed_by_little(double rate) const noexcept; // each time
  // How many more calls may be begun or ended where nothing is measured.
  [[nodiscard]] std::size_t allowance() const noexcept;
  [[nodiscard]] double longest_settling_s() const noexcept;

  load_settings settings_;
  traffic& who_;
  phase phase_ = phase::fill;
  double rate_ = 0, credit_ = 0;
  time_ns last_ = 0, since_ = 0;
  std::uint64_t loop_ns_ = 0, busy_ns_ = 0;
  std::uint64_t begun_ = 0;  // ever
  std::uint64_t filled_ = 0; // the most that were held while filling
  time_ns filled_at_ = 0;
  tally outside_; // what is not in any step: filling, warming up, winding up
  tally* counting_ = &outside_;
  step_result current_;
  std::vector<step_result> done_;
  bool stopping_ = false, left_calls_ = false;
  std::uint64_t answered_ = 0; // BYEs while winding up
  time_ns answered_at_ = 0;    // the last of them
};

} // namespace linehunt::pktgen
