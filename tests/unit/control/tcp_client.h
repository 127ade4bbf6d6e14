// SPDX-License-Identifier: Apache-2.0
// A plain TCP client on loopback that sends what it is told and reads what comes. What it waits for
// comes within seconds, or the test has failed.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace linehunt::test {

class tcp_client {
 public:
  explicit tcp_client(std::uint16_t port, int receive_buffer_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer_bytes != 0)
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const void* any = &address;
    connected = ::connect(socket_, static_cast<const sockaddr*>(any), sizeof address) == 0;
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  ~tcp_client() { ::close(socket_); }
  tcp_client(const tcp_client&) = delete;
  tcp_client& operator=(const tcp_client&) = delete;

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  // Until there is an empty line; "" where the server hangs up before.
  std::string header() {
    for (;;) {
      if (const auto end = received_.find("\r\n\r\n"); end != std::string::npos)
        return taken(end + 4);
      if (!receive()) return {};
    }
  }
  // Header and body of the next answer.
  struct answer {
    int status = 0; // 0: the server hung up
    std::string header, body;
  };
  answer next() {
    answer a;
    a.header = header();
    if (a.header.size() < 12) return a;
    std::from_chars(a.header.data() + 9, a.header.data() + 12, a.status);
    constexpr std::string_view name = "Content-Length: ";
    std::size_t length = 0;
    if (const auto at = a.header.find(name); at != std::string::npos)
      std::from_chars(a.header.data() + at + name.size(), a.header.data() + a.header.size(),
                      length);
    a.body = body(length);
    return a;
  }
  // What comes behind a header, or less where the server hangs up before.
  std::string body(std::size_t length_bytes) {
    while (received_.size() < length_bytes)
      if (!receive()) break;
    return taken(std::min(length_bytes, received_.size()));
  }
  // True once the server has hung up.
  bool ends() {
    while (receive())
      received_.clear();
    return errno == 0 || errno == ECONNRESET;
  }

  bool connected = false;

 private:
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

  int socket_;
  std::string received_;
};

} // namespace linehunt::test
