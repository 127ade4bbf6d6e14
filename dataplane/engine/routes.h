// SPDX-License-Identifier: Apache-2.0
// The Route headers of a request: which of them name us, what is taken away, and where the request
// goes (RFC 3261 16.4, 16.6, 16.12), with strict routers before and behind us (16.12.1.1).
#pragma once

#include "dataplane/snapshot.h"
#include "sipparse/edit_list.h"
#include "sipparse/message_view.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace linehunt::calls {

// The URI parameter of our Record-Route that names the call.
inline constexpr std::string_view handle_parameter = "lh";
// Behind host and port in a Record-Route as we write it; so many hexadecimal digits follow.
inline constexpr std::string_view own_route_parameters = ";lr;lh=";
inline constexpr std::size_t handle_digits = 16;

struct route_plan {
  bool ok = false;                 // false: a Route that is none, or too many
  std::uint64_t handle = 0;        // of the call, 0 where none was named
  bool names_further_ways = false; // of the same call through us
  std::string_view next_hop;       // URI of the first Route that is left; empty: the Request-URI
  std::string_view request_uri;    // as the request goes on, ours not replaced yet
  bool request_uri_moved = false;  // its edit is in the list already
  std::string_view target;         // the Request-URI that its sender means, behind strict routers
};

// Has the lr parameter (RFC 3261 19.1.1).
[[nodiscard]] bool is_loose(std::string_view uri) noexcept;

// Adds the edits; all views point into the message. `top_route` is the URI of its topmost Route.
[[nodiscard]] route_plan plan_routes(const sip::message_view& message, std::string_view top_route,
                                     const snapshot& world, sip::edit_list& edits) noexcept;

// Whether those of its Routes that neither name us nor are its target are the known ones, which
// are comma-separated, in that order. Ours may be among both.
[[nodiscard]] bool has_routes(const sip::message_view& message, const snapshot& world,
                              std::string_view target, std::string_view known) noexcept;

// Write elements of the Record-Route headers, comma-separated, into `out`, in the order of Route
// values. Return the text; empty where it does not fit, too.
// The caller's side: all of a request that came in; of a response those behind ours.
[[nodiscard]] std::string_view caller_routes(const sip::message_view& request,
                                             std::span<char> out) noexcept;
[[nodiscard]] std::string_view caller_routes(const sip::message_view& response,
                                             const snapshot& world, std::span<char> out) noexcept;
// The callee's side: of a response those before ours, in reverse.
[[nodiscard]] std::string_view callee_routes(const sip::message_view& response,
                                             const snapshot& world, std::span<char> out) noexcept;

} // namespace linehunt::calls
