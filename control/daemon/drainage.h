// SPDX-License-Identifier: Apache-2.0
// Draining: new calls are refused, those that are in progress go on until they end. Asked for by an
// operator, who may take it back, or by the end of the daemon, which waits for the last call as
// long as it is allowed to. Belongs to the control thread; knows nothing of signals, workers or
// timers.
#pragma once

#include "control/admin/events.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace linehunt {

class drainage {
 public:
  using clock = std::chrono::steady_clock;

  struct effects {
    std::function<void(bool)> refuse_new_calls;
    std::function<std::uint64_t()> calls; // in progress
    std::function<std::uint64_t()> lost;  // of these, if the daemon ended now
    std::function<void()> end;            // the daemon
    admin::raising raise;
  };
  explicit drainage(effects on) : on_(std::move(on)) {}

  // False: the daemon is about to end, nothing is taken back.
  [[nodiscard]] bool ask(bool drain, clock::time_point now);
  // Ends when no call would be lost by it, or at `deadline`. A second time: at once. Calls that are
  // there then have been for `calm`, in which the ACK of the last one has come.
  void end_by(clock::time_point now, clock::time_point deadline);
  void end_at_once() { on_.end(); }

  // At least every `interval`, while it is active.
  void look(clock::time_point now);
  static constexpr std::chrono::milliseconds interval{50};
  static constexpr std::chrono::seconds calm{1};

  [[nodiscard]] bool draining() const noexcept { return asked_ || ending_; }
  [[nodiscard]] bool ending() const noexcept { return ending_; }

 private:
  void begin(clock::time_point now);
  void raise(const char* state, std::uint64_t calls) const;

  effects on_;
  bool asked_ = false;  // by an operator
  bool ending_ = false; // the daemon, after it
  bool empty_ = false;  // as last raised
  clock::time_point first_look_, deadline_;
  std::optional<clock::time_point> safe_since_; // from when on no call would have been lost
};

} // namespace linehunt
