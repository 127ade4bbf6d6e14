// SPDX-License-Identifier: Apache-2.0
// A state_dir that could not be written at the start, and what is made up for once it can: it is
// locked, and what the run before has left is put away, before anything of this run is written
// there. Several threads write, and whichever comes first sees to it.
#pragma once

#include "control/blocking_thread.h"
#include "control/state/leftovers.h"
#include "control/state/state_file.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace linehunt {

// Of whoever is about to write into state_dir, in the thread that does: why that must not be;
// empty: go on.
using state_permission = std::function<std::string()>;

class late_claim {
 public:
  // `locked`: that has been possible already.
  // `others_write`: files of the folder, beside those of calls, that would be another linehunt's
  // if one had it meanwhile.
  late_claim(std::string folder, ::uid_t user, bool locked, leftovers before,
             std::vector<std::string> others_write = {});

  // A state_permission. Empty: the folder is ours alone from now on, and can be written. Else why
  // not; that another linehunt has it is logged, once.
  [[nodiscard]] std::string try_now();
  [[nodiscard]] bool done() const noexcept { return done_; }
  // Another linehunt has had the folder meanwhile: what this one knows of its files does not hold.
  [[nodiscard]] bool had_by_another() const noexcept { return had_by_another_; }

 private:
  const std::string folder_;
  const ::uid_t user_;
  std::timed_mutex trying_; // guards what follows; the disk may keep who has it
  bool locked_;
  open_file lock_;
  leftovers before_;
  std::vector<std::string> others_write_;
  std::string told_;
  std::atomic<bool> had_by_another_{false}, done_{false};
};

// Tries it again and again, since there may be nothing else to write. Belongs to the control
// thread.
class claim_retry {
 public:
  claim_retry(boost::asio::io_context& loop, std::shared_ptr<late_claim> what,
              blocking_thread::running aside)
      : timer_(loop), what_(std::move(what)), aside_(std::move(aside)) {}
  // Nothing to do where there is no claim to make up for. `taken_over`: it is done, and another
  // linehunt has had the folder before.
  void start(
      std::chrono::milliseconds interval, std::function<void()> taken_over = [] {});

 private:
  void go_on(std::chrono::milliseconds interval);

  std::function<void()> taken_over_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<late_claim> what_; // with the thread, which may outlive this
  blocking_thread::running aside_;
};

} // namespace linehunt
