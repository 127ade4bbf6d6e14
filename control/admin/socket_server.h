// SPDX-License-Identifier: Apache-2.0
// The admin interface on a Unix stream socket: one JSON-RPC request a line, one answer a line. The
// socket is for its owner and root only. A client that sends too much, or does not read, harms
// itself alone. Knows nothing of the methods behind the dispatcher.
#pragma once

#include "control/admin/dispatcher.h"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt::admin {

struct socket_setup {
  std::string path;
  std::uint32_t max_clients = 64;
  std::uint32_t max_request_bytes = 1 << 20;
  std::chrono::milliseconds request_deadline{10'000}; // from its first byte to its newline
  std::chrono::milliseconds answer_deadline{10'000};  // until the client has taken all of it
  std::size_t max_waiting_bytes = 1 << 20;            // of events that a client has not taken
};

class socket_server {
 public:
  // Calls `done` once, in the loop's thread: at once or later; and `hold` before that where events
  // are to come behind the answer.
  using answering =
      std::function<void(std::string_view request, holding_events hold, replying done)>;

  // Binds the path and listens, but serves nobody before serve(). The error names the path and
  // says what to do. A socket file that is left from before is removed only where nobody answers
  // on it.
  [[nodiscard]] static tl::expected<std::unique_ptr<socket_server>, std::string>
  open(boost::asio::io_context& loop, const socket_setup& setup);
  ~socket_server(); // closes every client and removes the socket file
  socket_server(const socket_server&) = delete;
  socket_server& operator=(const socket_server&) = delete;

  void serve(answering answer);
  // One line to every client that follows events. One that does not take them is hung up on.
  void publish(std::string_view line);
  [[nodiscard]] std::size_t clients() const noexcept;
  // One too many, or another user.
  [[nodiscard]] std::uint64_t refused() const noexcept;
  // Clients for whom no file descriptor was left but the one that is kept for that.
  [[nodiscard]] std::uint64_t had_reserve() const noexcept;
  // Followers of events that did not take them.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  struct state;
  explicit socket_server(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace linehunt::admin
