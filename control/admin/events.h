// SPDX-License-Identifier: Apache-2.0
// Events for those who follow them: each is one JSON-RPC notification on one line, named as
// OpenSIPS names its own.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace linehunt::admin {

// A destination became usable or not: group, uri, status, cause, destination_id.
inline constexpr std::string_view status_event = "E_LOAD_BALANCER_STATUS";
// The configuration was read again: result, and data where it was refused.
inline constexpr std::string_view reload_event = "E_LINEHUNT_RELOAD";
// Calls were refused for want of lines in the last second: calls.
inline constexpr std::string_view capacity_event = "E_LINEHUNT_CAPACITY";
// INVITEs went on to another destination in the last second: calls, and from which destinations:
// destination_id, group, uri, calls of each.
inline constexpr std::string_view failover_event = "E_LINEHUNT_FAILOVER";
// A host name got addresses, lost them, or keeps old ones because no DNS server answers or the
// configuration cannot be served with the new ones: name, status (resolved, unresolved, stale,
// refused), cause, addresses.
inline constexpr std::string_view name_event = "E_LINEHUNT_NAME";
// The event socket of a FreeSWITCH, whose heartbeats say a capacity: socket, status (fresh, stale),
// cause.
inline constexpr std::string_view heartbeat_event = "E_LINEHUNT_HEARTBEAT";

// New calls are refused, or no longer, or the last call has ended: state (draining, serving,
// drained), calls.
inline constexpr std::string_view drain_event = "E_LINEHUNT_DRAIN";

// The link of a port went down or came up: port, status (up, down).
inline constexpr std::string_view link_event = "E_LINEHUNT_LINK";

// A capture of packets began or ended: state (running, ended), file, and at its end reason
// (stopped, seconds, max_mb, packets, error, shutdown), packets, missed, error.
inline constexpr std::string_view capture_event = "E_LINEHUNT_CAPTURE";

using raising = std::function<void(std::string_view name, const nlohmann::json& params)>;

[[nodiscard]] inline std::string event_line(std::string_view name, const nlohmann::json& params) {
  const nlohmann::json notification = {{"jsonrpc", "2.0"}, {"method", name}, {"params", params}};
  return notification.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace linehunt::admin
