// SPDX-License-Identifier: Apache-2.0
// linehuntctl log: what the daemon logs, seen and changed.
#include "tools/linehuntctl/commands.h"

#include <array>
#include <fmt/format.h>
#include <utility>

namespace linehunt::ctl {
namespace {

// The daemon says its level in OpenSIPS' numbers.
constexpr std::array<std::pair<int, std::string_view>, 6> level_names{
    {{-3, "alert"}, {-2, "critical"}, {-1, "error"}, {1, "warning"}, {3, "info"}, {4, "debug"}}};

std::string name_of(int level) {
  for (const auto& [number, name] : level_names)
    if (number == level) return std::string{name};
  return fmt::to_string(level);
}

} // namespace

outcome log(connection& daemon, const output_style& style, const std::string& level) {
  const auto answer =
      level.empty() ? daemon.call("log_level") : daemon.call("log_level", json{{"level", level}});
  if (!answer) return tl::unexpected(answer.error());
  if (style.as_json) {
    print(*answer);
  } else if (level.empty()) {
    const json all = answer->value("Processes", json::array());
    const int now = all.empty() ? 0 : all.front().value("Log level", 0);
    print(fmt::format("logs {} and what is worse\n", name_of(now)));
  } else {
    print(fmt::format("logs {} and what is worse, until the next reload\n",
                      name_of(answer->value("New global log level", 0))));
  }
  return {};
}

} // namespace linehunt::ctl
