// SPDX-License-Identifier: Apache-2.0
// SIP as the simulated parties read and write it: just enough for them, on purpose apart from
// sipparse, so that both do not share a mistake. Views into the message, no checks.
#pragma once

#include "dataplane/datagram.h"

#include <array>
#include <cstdint>
#include <span>
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
  std::string_view from, to, call_id, contact, cseq_method, session_expires;
  std::uint32_t cseq = 0;
  header_values<8> vias, record_routes, routes;
};

// False: not a message that a party would look at.
[[nodiscard]] bool read(std::string_view bytes, message& out);

[[nodiscard]] std::string_view parameter(std::string_view value, std::string_view name);
// What stands between < and >, or the whole value.
[[nodiscard]] std::string_view uri_of(std::string_view value);

// Whoever gets that to an offer hangs up without a word: the call is not known any more, or not as
// it was understood. Not where another request has overtaken or crossed it.
[[nodiscard]] inline bool ends_dialog(int status) {
  return status >= 400 && status != 491 && status != 500;
}

[[nodiscard]] std::string in_angles(std::string_view uri);

// How requests within a call go: Request-URI and Route lines (RFC 3261 12.2.1.1).
struct dialog_path {
  std::string uri, routes;
};
// By these hops, nearest first, to `target`. With `strict` the sender has a strict router of its
// own in front, which has put the first hop into the Request-URI and the target last (RFC 2543).
[[nodiscard]] dialog_path path_of(std::span<const std::string_view> hops, std::string_view target,
                                  bool strict);
// Whether a request came as a strict router at `router` in front of `target` wants it: itself in
// the Request-URI, the target in the last Route.
[[nodiscard]] bool fits_strict_router(const message& m, std::string_view router,
                                      std::string_view target);

// Whether its Route lines are these, comma-separated.
[[nodiscard]] bool has_routes(const message& m, std::string_view routes);

// The request's own wish, as a line of the answer (RFC 4028); empty where it has none.
[[nodiscard]] std::string session_line(const message& request);
[[nodiscard]] std::uint32_t seconds_of(std::string_view session_expires);
// When such a session is refreshed: far more often than it has to be, since calls here are short.
[[nodiscard]] time_us refresh_after(std::uint32_t session_s);

// A response that copies what RFC 3261 8.2.6 says. `extra` is whole lines.
[[nodiscard]] std::string respond(const message& request, int status, std::string_view to_tag,
                                  std::string_view contact, std::string_view extra = {});

// Made by it, and not by the balancer.
[[nodiscard]] bool is_of_party(std::string_view response);
// Made by the balancer in the place of a party.
[[nodiscard]] inline bool is_of_balancer(const message& request) {
  return request.vias.count == 1;
}

struct request_text {
  std::string_view method, uri, sent_by, branch, from, to, call_id, contact;
  std::uint32_t cseq = 1;
  const std::string* routes = nullptr; // whole header lines
  std::string_view extra = {};         // the same
  std::string_view body;
};
[[nodiscard]] std::string request(const request_text& parts);

} // namespace linehunt::sim
