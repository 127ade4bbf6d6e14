// SPDX-License-Identifier: Apache-2.0
// get_statistics: by name ("load_balancer:calls_started"), by group ("dialog:"), or "all".
#include "control/admin/methods.h"

#include <fmt/format.h>

namespace linehunt::admin {
namespace {

constexpr std::size_t most_names = 256; // the loop does nothing else meanwhile

bool asked(const statistic& s, std::string_view wanted) {
  if (wanted == "all") return true;
  if (wanted.ends_with(':')) return s.group == wanted.substr(0, wanted.size() - 1);
  if (const std::size_t colon = wanted.find(':'); colon != std::string_view::npos)
    return s.group == wanted.substr(0, colon) && s.name == wanted.substr(colon + 1);
  return s.name == wanted;
}

rpc_answer get(const parameters& given, daemon_view& daemon) {
  const auto wanted = given.texts("statistics");
  if (!wanted) return tl::unexpected(wanted.error());
  if (wanted->size() > most_names)
    return tl::unexpected(
        rpc_error{400, fmt::format("Too many names, {} at most", most_names), {}});
  json answer = json::object();
  for (const statistic& s : daemon.statistics())
    for (const std::string& one : *wanted)
      if (asked(s, one)) answer[fmt::format("{}:{}", s.group, s.name)] = s.value;
  if (answer.empty()) return tl::unexpected(rpc_error{404, "Statistics Not Found", {}});
  return answer;
}

} // namespace

std::vector<method> statistics_methods() {
  return {{"get_statistics", "statistics:get", {{"statistics"}}, true, get}};
}

} // namespace linehunt::admin
