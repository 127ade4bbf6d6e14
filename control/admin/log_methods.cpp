// SPDX-License-Identifier: Apache-2.0
// log_level: what is logged, in OpenSIPS' numbers or by name.
#include "control/admin/methods.h"

#include <algorithm>
#include <array>
#include <utility>

namespace linehunt::admin {
namespace {

constexpr int lowest_level = -3; // alerts only
constexpr int highest_level = 4; // debug
constexpr std::array<std::pair<std::string_view, int>, 10> level_names{{{"alert", -3},
                                                                        {"critical", -2},
                                                                        {"error", -1},
                                                                        {"err", -1},
                                                                        {"warn", 1},
                                                                        {"warning", 1},
                                                                        {"notice", 2},
                                                                        {"info", 3},
                                                                        {"debug", 4},
                                                                        {"trace", 4}}};

tl::expected<int, rpc_error> wanted_level(const parameters& given) {
  if (const auto name = given.text("level"); name) {
    const auto found = std::ranges::find(level_names, std::string_view{*name},
                                         &std::pair<std::string_view, int>::first);
    if (found != level_names.end()) return found->second;
  }
  const auto number = given.integer("level");
  if (!number) return tl::unexpected(number.error());
  if (*number < lowest_level || *number > highest_level)
    return tl::unexpected(invalid_params("level must be from -3 (alerts only) to 4 (debug)"));
  return static_cast<int>(*number);
}

json shown(daemon_view& daemon) {
  json all = json::array();
  for (const process_state& p : daemon.processes())
    all.push_back({{"PID", p.pid}, {"Log level", daemon.log_level()}, {"Type", p.type}});
  return {{"Processes", std::move(all)}};
}

rpc_answer log_level(const parameters& given, daemon_view& daemon) {
  if (!given.has("level")) return shown(daemon);
  const auto level = wanted_level(given);
  if (!level) return tl::unexpected(level.error());
  if (!given.has("pid")) {
    daemon.set_log_level(*level);
    return json{{"New global log level", *level}};
  }
  const auto pid = given.integer("pid");
  if (!pid) return tl::unexpected(pid.error());
  // All that there is runs in one process.
  const auto all = daemon.processes();
  if (std::ranges::find(all, *pid, &process_state::pid) == all.end())
    return tl::unexpected(rpc_error{404, "Bad PID", {}});
  daemon.set_log_level(*level);
  return json{{"New log level", *level}};
}

} // namespace

std::vector<method> log_methods() {
  return {{"log_level", "", {{}, {"level"}, {"level", "pid"}}, false, log_level}};
}

} // namespace linehunt::admin
