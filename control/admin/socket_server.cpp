// SPDX-License-Identifier: Apache-2.0
// The listening side of the admin socket: file, permissions, peers, number of clients.
#include "control/admin/socket_server.h"

#include "control/admin/socket_client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace linehunt::admin {

namespace asio = boost::asio;
using stream = asio::local::stream_protocol;
using error_code = boost::system::error_code;

namespace {

// Whether another process answers on the path.
bool somebody_answers(const std::string& path) {
  asio::io_context loop;
  stream::socket probe(loop);
  error_code failure;
  probe.connect(stream::endpoint(path), failure);
  return !failure;
}

// Makes room for the socket file. The error is a whole message; empty: all is well.
std::string clear_way(const std::string& path) {
  std::error_code failure;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && !std::filesystem::exists(parent, failure)) {
    std::filesystem::create_directory(parent, failure);
    if (failure)
      return fmt::format("admin socket {}: folder {} cannot be made: {}; make it or name another "
                         "socket in [admin]",
                         path, parent.string(), failure.message());
  }
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode))
    return fmt::format("admin socket {}: a file that is no socket stands there; name another "
                       "socket in [admin]",
                       path);
  if (somebody_answers(path))
    return fmt::format("admin socket {}: another linehunt answers on it; stop that one or name "
                       "another socket in [admin]",
                       path);
  if (::unlink(path.c_str()) != 0)
    return fmt::format("admin socket {}: the old one cannot be removed: {}; remove it by hand",
                       path, std::strerror(errno));
  return {};
}

// The same user or root may talk to us.
bool is_trusted(stream::socket& connection) {
  ucred peer{};
  socklen_t len_bytes = sizeof peer;
  if (::getsockopt(connection.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &len_bytes) != 0)
    return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

} // namespace

struct socket_server::state : std::enable_shared_from_this<state> {
  state(asio::io_context& loop, const socket_setup& s) : setup(s), acceptor(loop), pause(loop) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](error_code failure, stream::socket peer) {
      if (failure == asio::error::operation_aborted) return;
      if (!failure) {
        self->admit(std::move(peer));
        return self->accept();
      }
      // Out of file descriptors, say: a short rest instead of a busy loop.
      self->pause.expires_after(std::chrono::milliseconds(100));
      self->pause.async_wait([self](error_code stopped) {
        if (!stopped) self->accept();
      });
    });
  }

  void admit(stream::socket peer) {
    std::erase_if(clients, [](const auto& client) { return client.expired(); });
    const bool trusted = is_trusted(peer);
    const bool room = clients.size() < setup.max_clients;
    auto client = std::make_shared<socket_client>(std::move(peer), setup, answer);
    if (!trusted) return client->refuse("Only the owner of the daemon and root may connect");
    if (!room) return client->refuse("Too many clients");
    clients.push_back(client);
    client->start();
  }

  socket_setup setup;
  stream::acceptor acceptor;
  asio::steady_timer pause;
  answering answer;
  std::vector<std::weak_ptr<socket_client>> clients;
};

tl::expected<std::unique_ptr<socket_server>, std::string>
socket_server::open(asio::io_context& loop, const socket_setup& setup) {
  if (std::string fault = clear_way(setup.path); !fault.empty()) return tl::unexpected(fault);
  auto s = std::make_shared<state>(loop, setup);
  error_code failure;
  s->acceptor.open(stream(), failure);
  // No moment in which others may connect: the file is made with its mode.
  const mode_t before = ::umask(0177);
  if (!failure) s->acceptor.bind(stream::endpoint(setup.path), failure);
  ::umask(before);
  if (!failure) s->acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    return tl::unexpected(fmt::format("admin socket {}: {}; name another socket in [admin]",
                                      setup.path, failure.message()));
  return std::unique_ptr<socket_server>(new socket_server(std::move(s)));
}

socket_server::socket_server(std::shared_ptr<state> s) : state_(std::move(s)) {}

socket_server::~socket_server() {
  error_code ignored;
  state_->pause.cancel();
  state_->acceptor.close(ignored);
  ::unlink(state_->setup.path.c_str());
  for (const auto& weak : state_->clients)
    if (const auto client = weak.lock()) client->close();
}

void socket_server::serve(answering answer) {
  state_->answer = std::move(answer);
  state_->accept();
}

void socket_server::publish(std::string_view line) {
  for (const auto& weak : state_->clients)
    if (const auto client = weak.lock()) client->publish(line);
}

std::size_t socket_server::clients() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(state_->clients, [](const auto& client) { return !client.expired(); }));
}

} // namespace linehunt::admin
