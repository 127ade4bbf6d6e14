// SPDX-License-Identifier: Apache-2.0
// What a start does about the database: begin with the copy of its last good rows, ask it, and go
// on asking until it answers. No start fails because a database is away.
#pragma once

#include "control/config/configuration.h"
#include "control/daemon/live_view.h"
#include "control/daemon/reload.h"
#include "control/database/store.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

namespace linehunt {

struct first_configuration {
  config::configuration running; // of the file and the copy
  std::optional<std::size_t> copied_rows;
  std::size_t left_out = 0;                     // rows of it
  config::diagnostics copy_said{std::string{}}; // which those were, and why; and others
  std::string copy_fault;   // why there are none; of interest only where the database is away too
  bool copy_absent = false; // for that reason
};

// `user`: of [service], who has written the copy.
[[nodiscard]] first_configuration with_copy(const config::configuration& file_says,
                                            const std::string& file, ::uid_t user = ::geteuid());

// Why destinations of the database are not known before it is read; empty: all are.
[[nodiscard]] std::string rows_unknown(const first_configuration& first);

// Runs the loop until the database has answered or its time is over, and logs what could not be
// had. False: the loop was stopped meanwhile.
[[nodiscard]] bool read_first_rows(boost::asio::io_context& loop, reloader& reloading,
                                   const first_configuration& first);

[[nodiscard]] row_source rows_of(database::store& store);

// Reads the database again and again, with pauses that grow, until it has been read once.
class row_retry {
 public:
  row_retry(boost::asio::io_context& loop, reloader& reloading, live_view& view)
      : timer_(loop), reloading_(reloading), view_(view) {}
  void start();

 private:
  boost::asio::steady_timer timer_;
  reloader& reloading_;
  live_view& view_;
  unsigned pause_s_ = 1;
};

} // namespace linehunt
