// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/glance.h"

#include <cstring>

namespace linehunt::pktgen {

namespace {

constexpr std::string_view record_route_name = "Record-Route: ";

// What stands between the first `head` bytes of `expected` and all its others.
std::optional<std::string_view> amid(std::string_view bytes, std::string_view expected,
                                     std::size_t head) noexcept {
  if (bytes.size() < expected.size()) return std::nullopt;
  const std::size_t more = bytes.size() - expected.size();
  if (std::memcmp(bytes.data(), expected.data(), head) != 0 ||
      std::memcmp(bytes.data() + head + more, expected.data() + head, expected.size() - head) != 0)
    return std::nullopt;
  return bytes.substr(head, more);
}

// A whole line, and one element in it alone.
bool is_one_element(std::string_view line) noexcept {
  return line.size() > 2 && line.ends_with("\r\n") && line.find('\n') == line.size() - 1 &&
         line.find(',') == std::string_view::npos;
}

} // namespace

glance::glance(const scene& of, const messages& texts) : scene_(of), texts_(texts) {
  const std::string authority(to_text(of.device));
  const std::string ip(to_text(of.device.ip));
  const std::string bare = of.device.port != 5060 ? authority
                           : of.device.ip.is_v6   ? "[" + ip + "]"
                                                  : ip;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string& at = i == 0 ? authority : bare;
    vias_[i] = "Via: SIP/2.0/UDP " + at + ";branch=";
    record_routes_[i] = std::string(record_route_name) + "<sip:" + at + ";lr";
  }
}

bool glance::is_via(std::string_view line) const noexcept {
  for (const std::string& begin : vias_)
    if (line.size() > begin.size() + 2 && line.starts_with(begin) && line[begin.size()] != ';')
      return is_one_element(line);
  return false;
}

bool glance::is_record_route(std::string_view line) const noexcept {
  for (const std::string& begin : record_routes_)
    if (line.starts_with(begin))
      return is_one_element(line) && (line[begin.size()] == ';' || line[begin.size()] == '>') &&
             line.find('>') == line.size() - 3;
  return false;
}

std::optional<std::string_view> glance::invite(std::string_view bytes, const identity& who,
                                               call_shape shape,
                                               std::uint32_t destination) const noexcept {
  if ((scene_.destinations[destination].offers >> shape.kind & 1) == 0) return std::nullopt;
  char text[longest_message_bytes];
  const auto [len, head] = texts_.invite_there(text, who, shape);
  const auto on_top = amid(bytes, {text, len}, head);
  if (!on_top) return std::nullopt;
  const std::size_t second = on_top->find('\n') + 1;
  if (!is_via(on_top->substr(0, second)) || !is_record_route(on_top->substr(second)))
    return std::nullopt;
  return on_top;
}

bool glance::ack(std::string_view bytes, const identity& who, call_shape shape,
                 std::uint32_t destination) const noexcept {
  char text[longest_message_bytes];
  const auto [len, head] = texts_.ack_there(text, who, shape, destination);
  const auto on_top = amid(bytes, {text, len}, head);
  return on_top && is_via(*on_top);
}

std::optional<std::string_view> glance::bye(std::string_view bytes, const identity& who,
                                            call_shape shape,
                                            std::uint32_t destination) const noexcept {
  char text[longest_message_bytes];
  const auto [len, head] = texts_.bye_there(text, who, shape, destination);
  const auto on_top = amid(bytes, {text, len}, head);
  return on_top && is_via(*on_top) ? on_top : std::nullopt;
}

bool glance::trying(std::string_view bytes, const identity& who, call_shape shape) const noexcept {
  char text[longest_message_bytes];
  return bytes == std::string_view(text, texts_.trying(text, who, shape));
}

std::optional<std::string_view>
glance::invite_reply(std::string_view bytes, std::string_view status_line, const identity& who,
                     call_shape shape, std::uint32_t destination, bool session) const noexcept {
  char text[longest_message_bytes];
  const reply_writer reply(texts_, {}, who, shape, false);
  const std::size_t len = reply.write(text, status_line, destination, session);
  const auto on_top = amid(bytes, {text, len}, status_line.size());
  if (!on_top || !is_record_route(*on_top)) return std::nullopt;
  return on_top->substr(record_route_name.size(), on_top->size() - record_route_name.size() - 2);
}

bool glance::bye_reply(std::string_view bytes, const identity& who, call_shape shape,
                       std::uint32_t destination) const noexcept {
  char text[longest_message_bytes];
  const reply_writer reply(texts_, {}, who, shape, true);
  return bytes ==
         std::string_view(text, reply.write(text, "SIP/2.0 200 OK\r\n", destination, false));
}

} // namespace linehunt::pktgen
