// SPDX-License-Identifier: Apache-2.0
// See beat.h.
#include "control/heartbeat/beat.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace linehunt::heartbeat {
namespace {

// The value of the first line with that name; empty where there is none.
std::string_view value_of(std::string_view lines, std::string_view name) noexcept {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.empty()) break; // what follows is the body of the event
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(": ")) continue;
    line.remove_prefix(name.size() + 2);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  return {};
}

template <class Number>
bool read_number(std::string_view text, Number& out) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, out);
  return !text.empty() && fault == std::errc{} && stop == end;
}

} // namespace

bool is_heartbeat(std::string_view event) noexcept {
  return value_of(event, "Event-Name") == "HEARTBEAT";
}

std::optional<beat> read_beat(std::string_view event) noexcept {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (!is_heartbeat(event)) return std::nullopt;
  beat b;
  if (!read_number(value_of(event, "Session-Count"), b.sessions) ||
      !read_number(value_of(event, "Max-Sessions"), b.max_sessions) ||
      !read_number(value_of(event, "Idle-CPU"), b.idle_per_cent))
    return std::nullopt;
  if (b.sessions < 0 || b.sessions > most || b.max_sessions < 0 || b.max_sessions > most ||
      !std::isfinite(b.idle_per_cent))
    return std::nullopt;
  b.idle_per_cent = std::clamp(b.idle_per_cent, 0.0, 100.0);
  (void)read_number(value_of(event, "Heartbeat-Interval"), b.interval_s);
  return b;
}

std::int32_t capacity_of(const beat& b, std::int64_t our_load) noexcept {
  const std::int64_t of_others = b.sessions - our_load;
  const std::int64_t left =
      of_others < b.max_sessions ? b.max_sessions - of_others : b.max_sessions;
  const double lines = static_cast<double>(left) * b.idle_per_cent / 100.0;
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp(lines, 0.0, most));
}

} // namespace linehunt::heartbeat
