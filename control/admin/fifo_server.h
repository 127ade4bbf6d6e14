// SPDX-License-Identifier: Apache-2.0
// The admin interface on a FIFO, as opensips-cli uses it: requests come in on one FIFO (framing in
// fifo_framing.h), each answer goes to a FIFO that its client made in the reply directory. The
// request FIFO is for its owner and root only. A client that does not fetch its answer holds up
// nobody.
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

struct fifo_setup {
  std::string path;
  std::string reply_dir = "/tmp";
  std::uint32_t max_request_bytes = 1 << 20;
  std::uint32_t max_replies = 64;                     // on their way at once
  std::chrono::milliseconds request_deadline{10'000}; // from its first byte to its end
  std::chrono::milliseconds reply_deadline{5'000};    // until the client has taken all of it
};

class fifo_server {
 public:
  // Calls `done` once, in the loop's thread: at once or later.
  using answering = std::function<void(std::string_view request, replying done)>;

  // Makes the FIFO, but serves nobody before serve(). The error names the path and says what to do.
  // From then on the process ignores SIGPIPE.
  [[nodiscard]] static tl::expected<std::unique_ptr<fifo_server>, std::string>
  open(boost::asio::io_context& loop, const fifo_setup& setup);
  ~fifo_server(); // gives up the answers on their way and removes the FIFO
  fifo_server(const fifo_server&) = delete;
  fifo_server& operator=(const fifo_server&) = delete;

  void serve(answering answer);
  // Lines that were no request, or named a reply FIFO that is refused.
  [[nodiscard]] std::uint64_t refused() const noexcept;
  // Answers that nobody took in time.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  struct state;
  explicit fifo_server(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace linehunt::admin
