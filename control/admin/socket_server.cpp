// SPDX-License-Identifier: Apache-2.0
// The listening side of the admin socket: file, permissions, peers, number of clients.
#include "control/admin/socket_server.h"

#include "control/accept_loop.h"
#include "control/admin/socket_client.h"
#include "control/admin/socket_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace linehunt::admin {

namespace asio = boost::asio;
using stream = asio::local::stream_protocol;
using error_code = boost::system::error_code;

namespace {

// The same user or root may talk to us.
bool is_trusted(stream::socket& connection) {
  ucred peer{};
  socklen_t len_bytes = sizeof peer;
  if (::getsockopt(connection.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &len_bytes) != 0)
    return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

} // namespace

struct socket_server::state {
  state(asio::io_context& loop, const socket_setup& s)
      : setup(s), door(std::make_shared<accept_loop<stream>>(loop)) {}

  void admit(stream::socket peer) {
    std::erase_if(clients, [](const auto& client) { return client.expired(); });
    const bool trusted = is_trusted(peer);
    const bool room = clients.size() < setup.max_clients;
    auto client = std::make_shared<socket_client>(std::move(peer), setup, answer);
    refused += trusted && room ? 0 : 1;
    if (!trusted) return client->refuse("Only the owner of the daemon and root may connect");
    if (!room) return client->refuse("Too many clients");
    clients.push_back(client);
    client->start(door->by_reserve());
  }

  socket_setup setup;
  std::shared_ptr<accept_loop<stream>> door;
  answering answer;
  std::vector<std::weak_ptr<socket_client>> clients;
  std::uint64_t refused = 0, dropped = 0;
};

tl::expected<std::unique_ptr<socket_server>, std::string>
socket_server::open(asio::io_context& loop, const socket_setup& setup) {
  const std::string title = "admin socket " + setup.path;
  if (std::string fault = clear_way(title, setup.path, file_kind::stream_socket); !fault.empty())
    return tl::unexpected(fault);
  auto s = std::make_shared<state>(loop, setup);
  error_code failure;
  stream::acceptor& acceptor = s->door->acceptor();
  acceptor.open(stream(), failure);
  // No moment in which others may connect: the file is made with its mode.
  const mode_t before = ::umask(0177);
  if (!failure) acceptor.bind(stream::endpoint(setup.path), failure);
  ::umask(before);
  if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    return tl::unexpected(
        fmt::format("{}: {}; name another path in [admin]", title, failure.message()));
  return std::unique_ptr<socket_server>(new socket_server(std::move(s)));
}

socket_server::socket_server(std::shared_ptr<state> s) : state_(std::move(s)) {}

socket_server::~socket_server() {
  state_->door->stop();
  ::unlink(state_->setup.path.c_str());
  for (const auto& weak : state_->clients)
    if (const auto client = weak.lock()) client->close();
}

void socket_server::serve(answering answer) {
  state_->answer = std::move(answer);
  state_->door->start([s = state_](stream::socket peer) { s->admit(std::move(peer)); });
}

void socket_server::publish(std::string_view line) {
  for (const auto& weak : state_->clients)
    if (const auto client = weak.lock(); client && !client->publish(line)) ++state_->dropped;
}

std::size_t socket_server::clients() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(state_->clients, [](const auto& client) { return !client.expired(); }));
}

std::uint64_t socket_server::refused() const noexcept {
  return state_->refused;
}

std::uint64_t socket_server::had_reserve() const noexcept {
  return state_->door->had_reserve();
}

std::uint64_t socket_server::dropped() const noexcept {
  return state_->dropped;
}

} // namespace linehunt::admin
