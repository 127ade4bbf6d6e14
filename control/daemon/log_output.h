// SPDX-License-Identifier: Apache-2.0
// Where the log goes: the journal where systemd listens to standard error, else standard error, or
// a file; log_writer brings it there. Levels belong to spdlog. Of the control thread; every thread
// may log meanwhile.
#pragma once

#include "control/config/configuration.h"
#include "control/daemon/log_writer.h"

#include <atomic>
#include <memory>
#include <string>
#include <tl/expected.hpp>

namespace linehunt {

class log_output {
 public:
  // From here on everything is logged to the journal or to standard error. `core`: the control
  // thread's processor.
  log_output(const config::log_settings& settings, const std::string& level, unsigned core);

  // And from here on to the file, where there is one. Only after we are whom we shall be: root
  // would follow a link that somebody has laid in the user's folder. The error says what to do;
  // where it is the disk that has failed, or that does not answer for a moment, there is none, and
  // the log goes on where it was; in the second case until the file is open.
  [[nodiscard]] tl::expected<void, std::string> open();

  // Opens the file again by its name, after somebody has moved the old one away. Where that fails
  // it says so in the old one, and goes on with it. Nothing to do where there is no file, or where
  // open() still waits for it.
  void reopen();
  // Not all of the log is where it should be: a disk that hangs, is full or has failed.
  [[nodiscard]] bool unwritten() const { return *hangs_ || way_->unwritten(); }

 private:
  std::string file_;
  unsigned core_;
  std::shared_ptr<log_writer> way_;
  std::shared_ptr<std::atomic<bool>> hangs_; // the file is not open yet
};

// Whether standard error is the stream that $JOURNAL_STREAM names.
[[nodiscard]] bool stderr_is_journal() noexcept;

} // namespace linehunt
