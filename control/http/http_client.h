// SPDX-License-Identifier: Apache-2.0
// One client of the HTTP server: reads a request, answers it, reads the next.
#pragma once

#include "control/http/http_server.h"
#include "control/http/route_table.h"

#include <boost/asio/ip/tcp.hpp>
#include <memory>

namespace linehunt::http {

class http_client {
 public:
  virtual ~http_client() = default;
  virtual void close() = 0;
};

// The loop keeps the client alive as long as it is
// connected.
[[nodiscard]] std::shared_ptr<http_client> serve_client(boost::asio::ip::tcp::socket connection,
                                                        const http_setup& setup,
                                                        std::shared_ptr<const route_table> routes);

// Says 503 and hangs up, without waiting for anything.
void refuse_client(boost::asio::ip::tcp::socket connection);

} // namespace linehunt::http
