// SPDX-License-Identifier: Apache-2.0
// See socket_reader.h.
#include "control/heartbeat/socket_reader.h"

#include <charconv>
#include <utility>

namespace linehunt::heartbeat {

bool socket_reader::feed(std::string_view bytes,
                         const std::function<void(const socket_message&)>& each) {
  if (!fault_.empty()) return false;
  buffer_ += bytes;
  std::size_t at = 0; // up to here it is handed over
  while (true) {
    const std::string_view left = std::string_view{buffer_}.substr(at);
    if (!in_body_) {
      const std::size_t end = left.find("\n\n");
      if (end == std::string_view::npos) {
        if (left.size() > most_header_bytes) fault_ = "a header longer than 4096 bytes";
        break;
      }
      if (end > most_header_bytes) {
        fault_ = "a header longer than 4096 bytes";
        break;
      }
      message_ = {};
      body_bytes_ = 0;
      if (!read_header(left.substr(0, end))) break;
      at += end + 2;
      in_body_ = true;
      continue;
    }
    if (left.size() < body_bytes_) break;
    message_.body = left.substr(0, body_bytes_);
    at += body_bytes_;
    in_body_ = false;
    each(message_);
  }
  buffer_.erase(0, at);
  return fault_.empty();
}

bool socket_reader::read_header(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.empty()) continue;
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) {
      fault_ = "no event socket: a line without a colon";
      return false;
    }
    const std::string_view name = line.substr(0, colon), value = line.substr(colon + 2);
    if (name == "Content-Type") {
      message_.content_type = value;
    } else if (name == "Reply-Text") {
      message_.reply_text = value;
    } else if (name == "Content-Length") {
      const char* const stop = value.data() + value.size();
      const auto [reached, wrong] = std::from_chars(value.data(), stop, body_bytes_);
      if (wrong != std::errc{} || reached != stop || body_bytes_ > most_body_bytes) {
        fault_ = "a body of more than 65536 bytes, or of no length";
        return false;
      }
    }
  }
  return true;
}

} // namespace linehunt::heartbeat
