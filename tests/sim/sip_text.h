// SPDX-License-Identifier: Apache-2.0
// SIP as the simulated parties read and write it: just enough for them, on purpose apart from
// sipparse, so that both do not share a mistake. Views into the message, no checks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace linehunt::sim {

template <std::size_t Most>
struct header_values {
  std::array<std::string_view, Most> at{};
  std::size_t count = 0;
  void add(std::string_view value) {
    if (count < Most) at[count++] = value;
  }
};

struct message {
  std::string_view bytes;
  int status = 0; // 0: a request
  std::string_view method, uri;
  std::string_view from, to, call_id, contact, cseq_method;
  std::uint32_t cseq = 0;
  header_values<8> vias, record_routes, routes;
};

// False: not a message that a party would look at.
[[nodiscard]] bool read(std::string_view bytes, message& out);

[[nodiscard]] std::string_view parameter(std::string_view value, std::string_view name);
// What stands between < and >, or the whole value.
[[nodiscard]] std::string_view uri_of(std::string_view value);
// "sip:user@host:port;params" -> "host:port".
[[nodiscard]] std::string_view host_port_of(std::string_view uri);

// A response that copies what RFC 3261 8.2.6 says.
[[nodiscard]] std::string respond(const message& request, int status, std::string_view to_tag,
                                  std::string_view contact);

struct request_text {
  std::string_view method, uri, sent_by, branch, from, to, call_id, contact;
  std::uint32_t cseq = 1;
  const std::string* routes = nullptr; // whole header lines
  std::string_view body;
};
[[nodiscard]] std::string request(const request_text& parts);

} // namespace linehunt::sim
