// SPDX-License-Identifier: Apache-2.0
// Says in the log what the control thread waits for, where that takes long: at the start and at the
// end a disk that hangs has to be known to whoever wonders. Knows nothing of what that is.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace linehunt {

class waiting_notice {
 public:
  // `line` is logged where this lives longer than that. `core`: the control thread's processor.
  waiting_notice(unsigned core, std::string line,
                 std::chrono::milliseconds after = std::chrono::seconds(10));
  ~waiting_notice();
  waiting_notice(const waiting_notice&) = delete;
  waiting_notice& operator=(const waiting_notice&) = delete;

 private:
  struct state;
  std::shared_ptr<state> state_; // with the thread
};

} // namespace linehunt
