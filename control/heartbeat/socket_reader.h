// SPDX-License-Identifier: Apache-2.0
// The framing of FreeSWITCH's event socket: lines "Name: value", an empty line, and a body as long
// as Content-Length says. Bounded, whatever the peer sends. Knows no sockets.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace linehunt::heartbeat {

inline constexpr std::size_t most_header_bytes = 4096;
inline constexpr std::size_t most_body_bytes = 65'536; // a HEARTBEAT event has about 1,000

struct socket_message {
  std::string content_type;
  std::string reply_text;
  std::string body;
};

class socket_reader {
 public:
  // Hands over each message that is complete. False: the peer does not keep to the protocol or to
  // these limits, as fault() says; nothing more is to be had from it.
  [[nodiscard]] bool feed(std::string_view bytes,
                          const std::function<void(const socket_message&)>& each);
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  [[nodiscard]] bool read_header(std::string_view lines);
  std::string buffer_; // what has come and is not handed over yet
  bool in_body_ = false;
  std::size_t body_bytes_ = 0;
  socket_message message_;
  std::string fault_;
};

} // namespace linehunt::heartbeat
