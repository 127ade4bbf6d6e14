// SPDX-License-Identifier: Apache-2.0
// Says in the log what the control thread waits for, where that takes long: at the start and at the
// end a disk that hangs has to be known to whoever wonders. Knows nothing of what that is.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace linehunt {

class waiting_notice {
 public:
  static constexpr std::chrono::seconds usual{10};
  using saying = std::function<void(const std::string& line)>;
  // `line` is said where this lives longer than that, by a thread, as a warning of the log where
  // there is no other way. `core`: the control thread's processor.
  waiting_notice(unsigned core, std::string line, std::chrono::milliseconds after = usual,
                 saying say = log_warning);
  ~waiting_notice();
  waiting_notice(const waiting_notice&) = delete;
  waiting_notice& operator=(const waiting_notice&) = delete;

  static void log_warning(const std::string& line);

 private:
  struct state;
  std::shared_ptr<state> state_; // with the thread
};

} // namespace linehunt
