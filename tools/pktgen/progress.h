// SPDX-License-Identifier: Apache-2.0
// A line a second on the terminal. The loop only hands over numbers; a thread of its own writes
// them, since a terminal may take its time.
#pragma once

#include "tools/pktgen/session.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace linehunt::pktgen {

class progress {
 public:
  explicit progress(bool quiet);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  // Once for each turn of the loop; does something once a second.
  void offer(time_ns now, const session& course, const traffic& who) noexcept {
    if (now >= due_) take(now, course, who);
  }

 private:
  struct sums {
    std::uint64_t begun = 0, sent = 0, received = 0, lost = 0, wrong = 0, refused = 0, late = 0;
  };
  void take(time_ns now, const session& course, const traffic& who) noexcept;
  void write();

  bool quiet_;
  time_ns due_ = 0, last_ = 0, first_ = 0;
  sums before_;
  std::mutex lock_; // of line_ and ending_; the loop never waits for it
  std::condition_variable news_;
  std::string line_; // written by the loop, taken by the thread
  bool ending_ = false;
  std::thread writer_;
};

} // namespace linehunt::pktgen
