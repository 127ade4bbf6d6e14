// SPDX-License-Identifier: Apache-2.0
// A destination as the operator writes it, in a configuration file or a database row: before names
// are resolved and numbers handed out. Knows nothing of where the row came from.
#pragma once

#include "dataplane/address.h"
#include "dataplane/address_turn.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt {

// The FreeSWITCH event socket whose heartbeat says the capacity (see control/README.md).
struct heartbeat_source {
  std::string user; // may be empty
  std::string password;
  std::string host; // IPv6 without brackets
  std::uint16_t port = 8021;
  friend bool operator==(const heartbeat_source&, const heartbeat_source&) = default;
};

inline constexpr std::int32_t capacity_before_heartbeat = 1000;

struct resource_model {
  std::string name;  // by which rules ask for it: without "/b" or "/s"
  std::string label; // as written, for lists
  std::int32_t capacity = 0;
  std::optional<heartbeat_source> heartbeat;
  friend bool operator==(const resource_model&, const resource_model&) = default;
};

struct destination_model {
  std::uint32_t id = 0;
  std::uint32_t group = 0;
  std::string uri;
  std::vector<resource_model> resources;
  std::vector<endpoint> addresses; // what `uri` resolved to; empty: it gets no call
  std::vector<address_turn> turns; // beside them; empty: in order
  bool enabled = true;
  std::uint8_t probe_mode = 0; // 0 never, 1 while disabled, 2 always
  std::string attrs;
  std::string description;
};

// Reads "name=capacity[;name=capacity]...". White space around every part and a trailing ';' are
// fine. Every mistake gives one message in `errors`, which says what stands there and what should;
// the resources that could be read are returned all the same.
[[nodiscard]] std::vector<resource_model> parse_resources(std::string_view text,
                                                          std::vector<std::string>& errors);

} // namespace linehunt
