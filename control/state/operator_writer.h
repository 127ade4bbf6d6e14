// SPDX-License-Identifier: Apache-2.0
// Brings what operators have changed to the disk: in a thread, since a disk may hang, and says to
// those who wait for it how that went. Belongs to the control thread.
#pragma once

#include "control/blocking_thread.h"
#include "control/daemon/operator_state.h"
#include "control/state/late_claim.h"
#include "control/state/write_trouble.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace linehunt {

class operator_writer {
 public:
  using clock = std::chrono::steady_clock;
  using changes = std::vector<operator_change>;
  // Nobody waits longer for an answer of the disk.
  static constexpr std::chrono::seconds longest_wait{2};

  // `file`: operator.json; empty: nothing is kept. `known`: what it says, where that is known.
  operator_writer(std::string file, std::optional<changes> known, blocking_thread::running aside);
  ~operator_writer(); // tells nobody any more
  operator_writer(const operator_writer&) = delete;
  operator_writer& operator=(const operator_writer&) = delete;

  // Asked in the thread before each writing; before the first.
  void ask_first(state_permission may) { may_ = std::move(may); }
  // The file may say anything: the next changes are written, even those that were there before.
  void forget_known() { known_.reset(); }
  // Writes them, where they are not what the file says. `done` is called once, at once or later;
  // false: they are not on the disk, or it does not answer. It is logged once.
  void write(changes now, std::function<void(bool saved)> done);
  // Now and again: gives up waiting.
  void look(clock::time_point now);
  // The loop has ended, and the daemon does: waits for the disk, but no longer than that.
  void finish(std::chrono::milliseconds patience);

 private:
  struct shared;
  struct order {
    changes what;
    std::vector<std::function<void(bool)>> waiting;
  };

  void begin(order what);
  void take_answer();

  std::string file_;
  std::optional<changes> known_; // what the file says, where that is certain
  blocking_thread::running aside_;
  state_permission may_ = [] { return std::string{}; };
  std::shared_ptr<shared> shared_;         // with the thread, which may outlive this
  std::optional<order> at_hand_;           // which the thread has
  std::optional<order> next_;              // the newest of those behind it
  std::optional<clock::time_point> since_; // first seen at hand
  bool hangs_ = false;                     // it has waited too long
  write_trouble trouble_;
};

} // namespace linehunt
