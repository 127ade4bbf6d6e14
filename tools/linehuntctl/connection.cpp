// SPDX-License-Identifier: Apache-2.0
// JSON-RPC over a Unix stream socket, one line each way.
#include "tools/linehuntctl/connection.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace linehunt::ctl {
namespace {

void set_timeout(int socket, int which, double seconds) {
  const auto us = static_cast<std::int64_t>(seconds * 1e6);
  const timeval limit{us / 1'000'000, us % 1'000'000}; // 0: none
  ::setsockopt(socket, SOL_SOCKET, which, &limit, sizeof limit);
}

fault unreachable(const std::string& path, std::string_view why) {
  return {fault_kind::no_daemon,
          fmt::format("no daemon answers on {}: {}; start linehunt, or name its socket with "
                      "--socket",
                      path, why)};
}

// The daemon refuses in OpenSIPS' words, which say no more.
std::string_view what_to_do(std::string_view message) {
  if (message == "Destination ID not found") return "; `linehuntctl list` shows those there are";
  if (message == "Destination has no such resource")
    return "; `linehuntctl list` shows those it has";
  if (message == "Requested Dialog not found") return "; `linehuntctl calls` shows those that live";
  if (message == "Statistics Not Found") return "; `linehuntctl stats --all` shows all";
  return {};
}

} // namespace

tl::expected<connection, fault> connection::open(const std::string& path, double patience_s) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return tl::unexpected(unreachable(path, "the path is empty or too long"));
  path.copy(address.sun_path, path.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return tl::unexpected(unreachable(path, std::strerror(errno)));
  connection opened(socket, path, patience_s);
  set_timeout(socket, SO_RCVTIMEO, patience_s);
  set_timeout(socket, SO_SNDTIMEO, patience_s);
  const void* any = &address;
  if (::connect(socket, static_cast<const sockaddr*>(any), sizeof address) == 0) return opened;
  if (errno == EACCES || errno == EPERM)
    return tl::unexpected(
        fault{fault_kind::refused,
              fmt::format("{}: {}; run it as root, or as the user that linehunt runs as", path,
                          std::strerror(errno))});
  // As many as may wait for it do so already.
  if (errno == EAGAIN || errno == EWOULDBLOCK) return tl::unexpected(opened.late());
  return tl::unexpected(unreachable(path, std::strerror(errno)));
}

connection::connection(connection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), path_(std::move(other.path_)),
      patience_s_(other.patience_s_), received_(std::move(other.received_)),
      last_id_(other.last_id_) {}

connection::~connection() {
  if (socket_ >= 0) ::close(socket_);
}

bool connection::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

fault connection::late() const {
  return {fault_kind::no_answer,
          fmt::format("the daemon on {} has not answered within {} s; it may be busy, with a large "
                      "configuration say: try again, or wait longer with --timeout",
                      path_, patience_s_)};
}

connection::receipt connection::receive_line(std::string& line) {
  std::array<char, 65536> chunk;
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = received_.find('\n', searched);
    if (end != std::string::npos) {
      line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return receipt::line;
    }
    searched = received_.size();
    const ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return receipt::too_late;
    if (count <= 0) return receipt::closed;
    received_.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

tl::expected<json, fault> connection::call(std::string_view method, const json& params) {
  const json request = {
      {"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", method}, {"params", params}};
  // A refusal may already be there when the request can no longer be sent.
  (void)send(request.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
  std::string line;
  const receipt how = receive_line(line);
  if (how == receipt::too_late) return tl::unexpected(late());
  if (how == receipt::closed) return tl::unexpected(unreachable(path_, "it closed the connection"));
  const json answer = json::parse(line, nullptr, false);
  if (!answer.is_object()) return tl::unexpected(unreachable(path_, "its answer is not JSON"));
  if (const auto result = answer.find("result"); result != answer.end()) return *result;
  const json error = answer.value("error", json::object());
  std::string message = error.value("message", "the daemon gave no reason");
  if (const auto data = error.find("data"); data != error.end() && data->is_string())
    message += ": " + data->get<std::string>();
  message += what_to_do(message);
  return tl::unexpected(fault{fault_kind::refused, std::move(message)});
}

void connection::be_patient() {
  set_timeout(socket_, SO_RCVTIMEO, 0);
}

tl::expected<json, fault> connection::next_event() {
  std::string line;
  if (receive_line(line) != receipt::line) // it may take as long as it takes
    return tl::unexpected(unreachable(path_, "it closed the connection"));
  json event = json::parse(line, nullptr, false);
  if (!event.is_object()) return tl::unexpected(unreachable(path_, "its event is not JSON"));
  return event;
}

} // namespace linehunt::ctl
