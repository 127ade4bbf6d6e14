// SPDX-License-Identifier: Apache-2.0
// A capture from its begin to its end: what it may take, what of it is in the file, and the events
// and log lines about it. One at a time. Belongs to the control thread; knows nothing of the admin
// interface's text, nor of timers.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/admin/events.h"
#include "control/capture/capture_file.h"
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
  using beginning = std::function<tl::expected<std::unique_ptr<dpdk::capture>, dpdk::error>(
      const dpdk::capture_filter&)>;
  struct named_port {
    std::string name, device;
  };
  struct effects {
    beginning begin;
    admin::raising raise;
  };

  // `folder`: of the files; empty: there are no captures. `ports`: in the order of their indices.
  capture_session(std::string folder, std::vector<named_port> ports, effects on)
      : folder_(std::move(folder)), ports_(std::move(ports)), on_(std::move(on)) {}
  ~capture_session(); // ends it
  capture_session(const capture_session&) = delete;
  capture_session& operator=(const capture_session&) = delete;

  [[nodiscard]] admin::capture_outcome start(const admin::capture_request& wanted,
                                             clock::time_point now);
  // The last one's, also when it has ended.
  [[nodiscard]] admin::capture_state status(clock::time_point now) const;
  // The one to `file` only, where that is not empty.
  [[nodiscard]] admin::capture_outcome stop(clock::time_point now, const std::string& file = {});
  // As often as the rings of the workers need it: takes what has been copied, and ends the capture
  // where it has reached a limit.
  void look(clock::time_point now);

 private:
  void take(const dpdk::captured_frame& frame);
  void write_out();
  void end(clock::time_point now, admin::capture_end why);
  [[nodiscard]] std::optional<admin::capture_end> reached(clock::time_point now) const noexcept;
  [[nodiscard]] std::uint64_t statistics_bytes() const noexcept;
  void add_beginning();
  void add_statistics();
  [[nodiscard]] std::uint64_t missed() const noexcept;

  const std::string folder_;
  const std::vector<named_port> ports_;
  effects on_;
  // A disk that takes longer than this at a turn would keep the daemon from its other work.
  static constexpr std::chrono::seconds longest_turn{2};

  std::unique_ptr<dpdk::capture> source_; // while one runs
  std::optional<capture_file> file_;      // the same
  std::string waiting_;                   // whole blocks for the file
  std::uint64_t waiting_packets_ = 0;     // of these
  std::vector<std::uint64_t> taken_;      // by port
  std::uint64_t bytes_left_ = 0;
  bool full_ = false; // the next frame would be beyond max_mb
  admin::capture_state state_;
  clock::time_point began_;
  clock::time_point turn_began_; // by the machine's clock
};

} // namespace linehunt
