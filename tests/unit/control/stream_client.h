// SPDX-License-Identifier: Apache-2.0
// What plain clients of a stream socket have in common: they send what they are told and read what
// comes. What they wait for comes within seconds, or the test has failed.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace linehunt::test {

class stream_client {
 public:
  ~stream_client() { ::close(socket_); }
  stream_client(const stream_client&) = delete;
  stream_client& operator=(const stream_client&) = delete;

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  bool connected = false;

 protected:
  explicit stream_client(int family) : socket_(::socket(family, SOCK_STREAM, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  [[nodiscard]] int socket() const noexcept { return socket_; }
  template <class Address>
  void connect(const Address& address) {
    const void* any = &address;
    connected = ::connect(socket_, static_cast<const sockaddr*>(any), sizeof address) == 0;
  }
  // False where the server has hung up, or nothing comes.
  bool receive() {
    char chunk[4096];
    errno = 0;
    const ssize_t count = ::recv(socket_, chunk, sizeof chunk, 0);
    if (count <= 0) return false;
    received_.append(chunk, static_cast<std::size_t>(count));
    return true;
  }
  std::string taken(std::size_t bytes) {
    std::string front = received_.substr(0, bytes);
    received_.erase(0, bytes);
    return front;
  }
  // What comes up to and with `end`; "" where the server hangs up before.
  std::string up_to(std::string_view end) {
    for (;;) {
      if (const auto at = received_.find(end); at != std::string::npos)
        return taken(at + end.size());
      if (!receive()) return {};
    }
  }

  std::string received_;

 private:
  const int socket_;
};

} // namespace linehunt::test
