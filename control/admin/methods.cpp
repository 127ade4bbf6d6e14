// SPDX-License-Identifier: Apache-2.0
// The table of all methods, and `which`, which shows it.
#include "control/admin/methods.h"

#include <algorithm>

namespace linehunt::admin {
namespace {

rpc_answer which(const parameters& given, daemon_view&) {
  json answer = json::array();
  if (!given.has("command")) {
    for (const method& m : all_methods()) {
      answer.push_back(m.name);
      if (!m.module_name.empty()) answer.push_back(m.module_name);
    }
    return answer;
  }
  const auto command = given.text("command");
  if (!command) return tl::unexpected(command.error());
  const method* found = method_named(*command);
  if (!found) return tl::unexpected(rpc_error{404, "unknown MI command", {}});
  for (const recipe& r : found->recipes)
    answer.push_back(r);
  return answer;
}

rpc_answer follow(const parameters&, daemon_view&) {
  return "OK";
}

std::vector<method> gather() {
  std::vector<method> all{{"which", "", {{}, {"command"}}, false, which},
                          {"events_follow", "", {{}}, false, follow, true}};
  for (auto part : {load_balancer_methods(), dialog_methods(), log_methods(), process_methods(),
                    statistics_methods(), capture_methods()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

} // namespace

std::span<const method> all_methods() {
  static const std::vector<method> all = gather();
  return all;
}

const method* method_named(std::string_view name) {
  const auto all = all_methods();
  const auto found = std::ranges::find_if(all, [&](const method& m) {
    return m.name == name || (!m.module_name.empty() && m.module_name == name);
  });
  return found == all.end() ? nullptr : &*found;
}

} // namespace linehunt::admin
