// SPDX-License-Identifier: Apache-2.0
// Where all lines of the log go through: a thread writes them, since a disk or the journal may
// hang. Who logs waits until his line is written, so that a crash leaves what was said before it;
// but no longer than a moment. Of what waits longer there is an end, and what is behind it is
// lost, and counted in the log. Every thread may log.
#pragma once

#include <functional>
#include <memory>
#include <spdlog/sinks/sink.h>
#include <string>

namespace linehunt {

class log_writer final : public spdlog::sinks::sink {
 public:
  using sink_ptr = spdlog::sink_ptr;

  // `usual` is where lines go that `into` does not take, too; `core`: the control thread's.
  log_writer(unsigned core, sink_ptr usual);
  ~log_writer() override; // waits a moment for what is not written
  log_writer(const log_writer&) = delete;
  log_writer& operator=(const log_writer&) = delete;

  void log(const spdlog::details::log_msg& said) override;
  void flush() override {} // each line is, by the thread
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // What is logged from here on goes to the sink that `make` gives, in the thread. Where that
  // throws, everything stays as it is, and `refused` gives the line that says so.
  void replace(std::function<sink_ptr()> make,
               std::function<std::string(const std::string& why)> refused);
  // Lines wait for longer than a moment, or do not get where they should.
  [[nodiscard]] bool unwritten() const;

 private:
  struct state;
  std::shared_ptr<state> state_; // the thread may outlive us
};

} // namespace linehunt
