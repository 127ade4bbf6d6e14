// SPDX-License-Identifier: Apache-2.0
// Writes what was learned again and again, in a thread, since a disk may hang. Belongs to the
// control thread.
#pragma once

#include "control/blocking_thread.h"
#include "control/state/late_claim.h"
#include "control/state/learned_file.h"
#include "control/state/write_trouble.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace linehunt {

class learned_writer {
 public:
  // `known`: what the file says; `gather`: what is known now.
  learned_writer(boost::asio::io_context& loop, std::string file, learned known,
                 std::function<learned()> gather, blocking_thread::running aside,
                 std::chrono::milliseconds interval);
  ~learned_writer(); // what comes back later is told nobody
  learned_writer(const learned_writer&) = delete;
  learned_writer& operator=(const learned_writer&) = delete;

  // Asked by whoever writes, in the thread or at the end, before each writing; before the first.
  void ask_first(state_permission may) { may_ = std::move(may); }
  // The file may say anything: what is known is written again.
  void forget_written() { written_ = {}; }
  // From now on, where there is something new.
  void start();
  // The loop has ended: once more, where the thread leaves the disk within `patience`.
  void finish(std::chrono::milliseconds patience);

 private:
  struct shared;
  void write();
  void note(const std::string& failure);

  boost::asio::steady_timer timer_;
  std::string file_;
  std::function<learned()> gather_;
  blocking_thread::running aside_;
  std::chrono::milliseconds interval_;
  state_permission may_ = [] { return std::string{}; };
  std::shared_ptr<shared> shared_; // with the thread, which may outlive this
  learned written_;                // as last given to the thread, or read
  bool at_hand_ = false;
  write_trouble trouble_;
};

} // namespace linehunt
