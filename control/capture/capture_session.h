// SPDX-License-Identifier: Apache-2.0
// A capture from its begin to its end: what it may take, what of it is in the file, and the events
// and log lines about it. One at a time. Belongs to the control thread, which never waits for the
// disk here; knows nothing of the admin interface's text, nor of timers.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/admin/events.h"
#include "control/blocking_thread.h"
#include "control/capture/capture_writer.h"
#include "dataplane/dpdk/capture.h"
#include "dataplane/dpdk/runtime.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt {

class capture_session {
 public:
  using clock = std::chrono::steady_clock;
  using answering = std::function<void(admin::capture_outcome)>;
  using beginning = std::function<tl::expected<std::unique_ptr<dpdk::capture>, dpdk::error>(
      const dpdk::capture_filter&)>;
  struct named_port {
    std::string name, device;
  };
  struct effects {
    beginning begin;
    admin::raising raise;
    blocking_thread::running aside;
  };

  // `folder`: of the files; empty: there are no captures. `ports`: in the order of their indices.
  capture_session(std::string folder, std::vector<named_port> ports, effects on)
      : folder_(std::move(folder)), ports_(std::move(ports)), on_(std::move(on)) {}
  ~capture_session(); // see close
  capture_session(const capture_session&) = delete;
  capture_session& operator=(const capture_session&) = delete;

  // `done` is called once: at once where it is refused, else when the disk has answered.
  void start(const admin::capture_request& wanted, clock::time_point now, answering done);
  // The last one's, also when it has ended. One whose file is not there yet, and may never be, is
  // none of them.
  [[nodiscard]] admin::capture_state status(clock::time_point now) const;
  // The one to `file` only, where that is not empty. `done` is called once, as above: with what is
  // in the file, which is closed then.
  void stop(clock::time_point now, const std::string& file, answering done);
  // As often as the rings of the workers need it: takes what has been copied, and ends the capture
  // where it has reached a limit.
  void look(clock::time_point now);
  // The loop has ended, and the daemon does: waits for the disk, but a moment only.
  void close(clock::time_point now);

 private:
  [[nodiscard]] bool goes_on() const noexcept { return writer_ && !told_end_; }
  void take(const dpdk::captured_frame& frame);
  void end(clock::time_point now, admin::capture_end why);
  void on_disk();
  void on_made();
  void on_closed();
  [[nodiscard]] std::optional<admin::capture_end> reached(clock::time_point now) const noexcept;
  [[nodiscard]] std::string header() const;
  [[nodiscard]] std::string statistics() const;
  [[nodiscard]] std::uint64_t missed(std::size_t port) const noexcept;
  [[nodiscard]] std::uint64_t missed() const noexcept;

  const std::string folder_;
  const std::vector<named_port> ports_;
  effects on_;

  std::unique_ptr<dpdk::capture> source_;  // until it ends
  std::unique_ptr<capture_writer> writer_; // of the last one, too: its disk may still hang
  answering begun_;                        // who waits for the file to be made
  std::vector<answering> ended_;           // who waits for it to be closed
  bool told_begin_ = false, told_end_ = false;
  std::vector<std::uint64_t> taken_, dropped_; // by port; dropped: the disk was too slow for them
  std::uint64_t packets_ = 0;                  // taken, in the file or on the way there
  std::uint64_t bytes_left_ = 0;
  bool full_ = false;           // the next frame would be beyond max_mb
  admin::capture_state state_;  // of the one that goes on, else of the last one
  admin::capture_state before_; // the one before that, until the file is made
  clock::time_point began_, now_;
};

} // namespace linehunt
