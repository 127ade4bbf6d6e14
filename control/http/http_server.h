// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 for management systems: a few fixed targets, small bodies, few clients. A client that
// sends too much, too slowly or does not read harms itself alone. There is no authentication: the
// address to listen on is the protection, and what a browser sends for another site is refused.
// Knows nothing of what its targets mean.
#pragma once

#include "control/http/message.h"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

namespace linehunt::http {

struct http_setup {
  std::string key = "http"; // of [admin], for messages
  std::string address = "127.0.0.1";
  std::uint16_t port = 8888; // 0: any that is free
  std::uint32_t max_clients = 64;
  std::uint32_t max_header_bytes = 8192;
  std::uint32_t max_body_bytes = 1 << 20;
  std::chrono::milliseconds request_deadline{10'000}; // from the connection or the last answer
  std::chrono::milliseconds answer_deadline{10'000};  // until the client has taken all of it
  std::chrono::milliseconds parting_deadline{1'000};  // reads on, so that a refusal is not lost
};

class http_server {
 public:
  // Binds the address and listens, but serves nobody before serve(). The error names the address
  // and says what to do.
  [[nodiscard]] static tl::expected<std::unique_ptr<http_server>, std::string>
  open(boost::asio::io_context& loop, const http_setup& setup);
  ~http_server(); // closes every client
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  // Before serve().
  void route(std::string method, std::string target, answering answer);
  void serve();
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t clients() const noexcept;
  // Clients that were one too many.
  [[nodiscard]] std::uint64_t refused() const noexcept;
  // Clients for whom no file descriptor was left but the one that is kept for that.
  [[nodiscard]] std::uint64_t had_reserve() const noexcept;

 private:
  struct state;
  explicit http_server(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace linehunt::http
