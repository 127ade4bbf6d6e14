// SPDX-License-Identifier: Apache-2.0
// What the service manager (systemd) is told: ready, reloading, stopping, a line of status, and
// that we live. Where there is no service manager all of it does nothing; where it does not listen,
// it hears the last of each when it does (service_notice.h).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace linehunt {

void tell_ready();
void tell_reloading(); // until the next tell_ready()
// A start, or an end that has begun, takes its time; give us so much more, from now, than the unit
// says. The watchdog is content meanwhile.
void tell_busy(std::chrono::microseconds more);
// We are about to end; give us so much more time, from now, than the unit says. With a line of
// status, where there is a new one.
void tell_stopping(std::chrono::microseconds more, const std::string& status = {});
void tell_status(const std::string& line);

// Whether everybody has moved on since the last look.
class progress_watch {
 public:
  // Numbers that rise with each loop of a worker. The first that stands still; its log line is due
  // once. Nothing to compare with at the first look, nor at one that comes late: who looks was away
  // with all the machine, as when a guest is moved, and a worker may not have run again yet.
  [[nodiscard]] std::optional<std::size_t> standing(std::span<const std::uint64_t> loops,
                                                    bool late = false);

 private:
  std::vector<std::uint64_t> before_;
};

// Tells the watchdog that we live, twice in its interval, as long as this loop turns and every
// worker does; where one does not, the service manager ends us and starts us anew. Every five
// seconds otherwise it looks too, for the log and the status.
class supervision {
 public:
  struct sources {
    std::function<std::vector<std::uint64_t>()> loops; // one a worker
    std::function<std::string()> status;
  };
  supervision(boost::asio::io_context& loop, sources from);
  void start();
  // The end has begun: tell_stopping, with the status as it is now.
  void tell_stopping(std::chrono::microseconds more) const;

 private:
  void look(bool late);
  [[nodiscard]] std::string status() const;

  boost::asio::steady_timer timer_;
  sources from_;
  progress_watch progress_;
  std::chrono::microseconds interval_;
  bool watched_ = false;              // by a watchdog
  std::optional<std::size_t> stands_; // the worker that stood still at the last look
};

} // namespace linehunt
