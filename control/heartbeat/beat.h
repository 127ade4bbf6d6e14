// SPDX-License-Identifier: Apache-2.0
// What a FreeSWITCH says of itself in a HEARTBEAT event, and the capacity that follows from it.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace linehunt::heartbeat {

struct beat {
  std::int64_t sessions = 0;     // Session-Count: all, whoever has sent them
  std::int64_t max_sessions = 0; // Max-Sessions
  double idle_per_cent = 0;      // Idle-CPU, 0..100
  std::uint32_t interval_s = 0;  // Heartbeat-Interval; 0: not said
  friend bool operator==(const beat&, const beat&) = default;
};

[[nodiscard]] bool is_heartbeat(std::string_view event) noexcept;
// From the lines "Name: value" of the event. nullopt where it is another event, or lacks a figure.
[[nodiscard]] std::optional<beat> read_beat(std::string_view event) noexcept;

// Lines for us, `our_load` of its sessions being ours: what others leave of the sessions, cut down
// by how busy the processor is.
[[nodiscard]] std::int32_t capacity_of(const beat& b, std::int64_t our_load) noexcept;

} // namespace linehunt::heartbeat
