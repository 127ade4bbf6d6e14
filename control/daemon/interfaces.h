// SPDX-License-Identifier: Apache-2.0
// Every way in to the admin interface: the Unix stream socket, and beside it what the
// configuration asks for. All of them lead to the same dispatcher.
#pragma once

#include "control/admin/datagram_server.h"
#include "control/admin/fifo_server.h"
#include "control/admin/socket_server.h"
#include "control/admin/turns.h"
#include "control/config/configuration.h"
#include "control/http/http_server.h"

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt {

class interfaces {
 public:
  // Takes every path and address, serves nobody yet. The error is the first that failed.
  [[nodiscard]] static tl::expected<std::unique_ptr<interfaces>, std::string>
  open(boost::asio::io_context& loop, const config::admin_settings& settings);

  // What answers GET /metrics, on the HTTP server and on the one that has nothing else. Before
  // serve().
  void show_metrics(const http::answering& answer);
  void serve(admin::daemon_view& daemon);
  // An event, to those who follow on the stream socket.
  void publish(std::string_view line);
  // What was refused, and answers that nobody took, in group "admin".
  [[nodiscard]] std::vector<admin::statistic> statistics() const;
  // As it was given by the kernel where the configuration said 0; 0: there is no HTTP.
  [[nodiscard]] std::uint16_t http_port() const noexcept { return http_ ? http_->port() : 0; }
  // "socket /run/linehunt/linehunt.sock, http 127.0.0.1:8888", for the log.
  [[nodiscard]] std::string description() const;

 private:
  explicit interfaces(boost::asio::io_context& loop);

  admin::turns turns_; // of all clients, whichever way they came in
  std::unique_ptr<admin::socket_server> socket_;
  std::unique_ptr<admin::datagram_server> datagram_;
  std::unique_ptr<admin::fifo_server> fifo_;
  std::unique_ptr<http::http_server> http_, metrics_;
  std::string description_;
};

} // namespace linehunt
