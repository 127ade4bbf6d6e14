// SPDX-License-Identifier: Apache-2.0
// A plain client of HTTP on loopback.
#pragma once

#include "stream_client.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace linehunt::test {

class tcp_client : public stream_client {
 public:
  explicit tcp_client(std::uint16_t port, int receive_buffer_bytes = 0) : stream_client(AF_INET) {
    if (receive_buffer_bytes != 0)
      ::setsockopt(socket(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(address);
  }

  // Until there is an empty line; "" where the server hangs up before.
  std::string header() { return up_to("\r\n\r\n"); }
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
};

} // namespace linehunt::test
