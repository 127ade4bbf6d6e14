// SPDX-License-Identifier: Apache-2.0
// Copies the calls of running workers into a file, again and again, for the start after a crash.
// Workers hand them over between their bursts of packets; a thread of its own writes them. Belongs
// to the control thread.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/blocking_thread.h"
#include "control/state/call_file.h"
#include "control/state/late_claim.h"
#include "dataplane/dpdk/runtime.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace linehunt {

class call_copier {
 public:
  using taking = std::function<bool(const kept_call&)>;
  // The running workers; see runtime::world and runtime::copy_calls.
  struct source {
    std::function<const snapshot&()> world;
    std::function<bool(dpdk::runtime::call_place&, const taking&)> copy; // in the thread
  };
  // `core`: the control thread's processor. One copy begins so long after the last, or ten times as
  // long as that one took, if that is more; but so that there is always one that is `valid`.
  call_copier(boost::asio::io_context& loop, unsigned core, std::string file,
              std::chrono::milliseconds interval, std::chrono::milliseconds valid, source from);
  // Gives up the copy at hand, and waits until it is.
  ~call_copier();
  call_copier(const call_copier&) = delete;
  call_copier& operator=(const call_copier&) = delete;

  // Asked in the thread before each copy; before the first.
  void ask_first(state_permission may) { may_ = std::move(may); }
  // A file that is to be gone once there is a copy.
  void replaces(std::string outdated) { outdated_ = std::move(outdated); }
  // The first copy begins after the interval.
  void start() { copy_after(interval_); }
  // Copies that were written, that failed, and that a reload has overtaken.
  [[nodiscard]] std::vector<admin::statistic> statistics() const;

 private:
  struct one_copy;
  using result = tl::expected<std::uint64_t, std::string>;

  void copy_after(std::chrono::steady_clock::duration wait);
  void copy();
  void decide(std::chrono::steady_clock::duration took);
  void note(const result& how);

  boost::asio::steady_timer timer_;
  std::string file_, outdated_;
  std::chrono::milliseconds interval_, valid_;
  source from_;
  state_permission may_ = [] { return std::string{}; };
  std::shared_ptr<one_copy> at_hand_;
  std::string failure_; // as last told
  std::uint64_t written_ = 0, failed_ = 0, superseded_ = 0;
  blocking_thread thread_; // ends first
};

} // namespace linehunt
