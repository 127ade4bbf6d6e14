// SPDX-License-Identifier: Apache-2.0
// The methods of the admin interface, one table over all of them.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/admin/rpc.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::admin {

using rpc_answer = tl::expected<json, rpc_error>;

// Writes a piece more of an answer behind the text that there is. False: that was the last.
using writing = std::function<bool(std::string& text)>;

struct method {
  std::string_view name;
  std::string_view module_name; // "load_balancer:list"; empty where there is only one name
  std::vector<recipe> recipes;
  bool gathers = false; // positional parameters are one list
  rpc_answer (*run)(const parameters& given, daemon_view& daemon) = nullptr;
  bool follows = false; // its caller gets events from then on
  // In the place of `run`, where the answer may take its time.
  void (*run_later)(const parameters& given, daemon_view& daemon,
                    std::function<void(rpc_answer)> done) = nullptr;
  bool optional_names = false; // named parameters may be any of the longest recipe
  // In the place of `run`, where the answer is long: others have their turns between its pieces.
  writing (*run_in_pieces)(const parameters& given, daemon_view& daemon) = nullptr;
};

[[nodiscard]] std::span<const method> all_methods();
[[nodiscard]] const method* method_named(std::string_view name);

// One source file each.
[[nodiscard]] std::vector<method> load_balancer_methods();
[[nodiscard]] std::vector<method> capture_methods();
[[nodiscard]] std::vector<method> dialog_methods();
[[nodiscard]] std::vector<method> log_methods();
[[nodiscard]] std::vector<method> process_methods();
[[nodiscard]] std::vector<method> statistics_methods();

} // namespace linehunt::admin
