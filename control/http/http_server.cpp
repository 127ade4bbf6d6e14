// SPDX-License-Identifier: Apache-2.0
// The listening side of HTTP: address, number of clients, targets.
#include "control/http/http_server.h"

#include "control/accept_loop.h"
#include "control/http/http_client.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace linehunt::http {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

struct http_server::state {
  state(asio::io_context& loop, const http_setup& s)
      : setup(s), door(std::make_shared<accept_loop<tcp>>(loop)) {}

  void admit(tcp::socket peer) {
    std::erase_if(clients, [](const auto& client) { return client.expired(); });
    if (clients.size() >= setup.max_clients) {
      ++refused;
      return refuse_client(std::move(peer));
    }
    clients.push_back(serve_client(std::move(peer), setup, routes));
  }

  http_setup setup;
  std::shared_ptr<accept_loop<tcp>> door;
  std::shared_ptr<route_table> routes = std::make_shared<route_table>();
  std::vector<std::weak_ptr<http_client>> clients;
  std::uint64_t refused = 0;
};

tl::expected<std::unique_ptr<http_server>, std::string> http_server::open(asio::io_context& loop,
                                                                          const http_setup& setup) {
  auto s = std::make_shared<state>(loop, setup);
  error_code failure;
  const asio::ip::address address = asio::ip::make_address(setup.address, failure);
  const tcp::endpoint local(address, setup.port);
  tcp::acceptor& acceptor = s->door->acceptor();
  if (!failure) acceptor.open(local.protocol(), failure);
  // A restart need not wait for the connections of the last run to be forgotten.
  if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
  if (!failure) acceptor.bind(local, failure);
  if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    return tl::unexpected(fmt::format("admin http {} port {}: {}; name another address or port as "
                                      "{} in [admin], or \"\" for none",
                                      setup.address, setup.port, failure.message(), setup.key));
  return std::unique_ptr<http_server>(new http_server(std::move(s)));
}

http_server::http_server(std::shared_ptr<state> s) : state_(std::move(s)) {}

http_server::~http_server() {
  state_->door->stop();
  for (const auto& weak : state_->clients)
    if (const auto client = weak.lock()) client->close();
}

void http_server::route(std::string method, std::string target, answering answer) {
  state_->routes->add(std::move(method), std::move(target), std::move(answer));
}

void http_server::serve() {
  state_->door->start([s = state_](tcp::socket peer) { s->admit(std::move(peer)); });
}

std::uint16_t http_server::port() const noexcept {
  error_code ignored;
  return state_->door->acceptor().local_endpoint(ignored).port();
}

std::size_t http_server::clients() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(state_->clients, [](const auto& client) { return !client.expired(); }));
}

std::uint64_t http_server::refused() const noexcept {
  return state_->refused;
}

std::uint64_t http_server::had_reserve() const noexcept {
  return state_->door->had_reserve();
}

} // namespace linehunt::http
