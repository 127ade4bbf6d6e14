// SPDX-License-Identifier: Apache-2.0
// The admin interface on a Unix datagram socket: one JSON-RPC request a datagram, the answer as one
// datagram to the path that the sender is bound to; who is bound to none gets none. The socket is
// for its owner and root only. Nothing waits for a sender that does not read: its answer is dropped
// and counted.
#pragma once

#include "control/admin/dispatcher.h"

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt::admin {

struct datagram_setup {
  std::string path;
  std::uint32_t max_request_bytes = 1 << 20;
  std::uint32_t max_open = 64; // requests whose answer takes its time
};

class datagram_server {
 public:
  // Calls `done` once, in the loop's thread: at once or later.
  using answering = std::function<void(std::string_view request, replying done)>;

  // Binds the path, but serves nobody before serve(). The error names the path and says what to do.
  [[nodiscard]] static tl::expected<std::unique_ptr<datagram_server>, std::string>
  open(boost::asio::io_context& loop, const datagram_setup& setup);
  ~datagram_server(); // removes the socket file
  datagram_server(const datagram_server&) = delete;
  datagram_server& operator=(const datagram_server&) = delete;

  void serve(answering answer);
  // Answers that nobody took: the sender is gone, or does not read.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  struct state;
  explicit datagram_server(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace linehunt::admin
