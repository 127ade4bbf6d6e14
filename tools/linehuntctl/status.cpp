// SPDX-License-Identifier: Apache-2.0
// linehuntctl status and resize: one destination, seen and changed.
#include "dataplane/printable.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <algorithm>
#include <fmt/format.h>

namespace linehunt::ctl {

outcome status(connection& daemon, const output_style& style, std::uint32_t id,
               std::optional<bool> enable) {
  json params = {{"destination_id", id}};
  if (enable) params["new_status"] = *enable ? 1 : 0;
  const auto answer = daemon.call("lb_status", params);
  if (!answer) return tl::unexpected(answer.error());
  if (style.as_json) {
    print(*answer);
  } else if (enable) {
    print(fmt::format("destination {} is {}\n", id, *enable ? "enabled" : "disabled"));
  } else {
    // lb_status tells enabled from not; the list knows why.
    const auto all = daemon.call("lb_list");
    if (!all) return tl::unexpected(all.error());
    const json list = all->value("Destinations", json::array());
    const auto found = std::ranges::find_if(
        list, [id](const json& destination) { return destination.value("id", 0u) == id; });
    if (found == list.end())
      return tl::unexpected(
          fault{fault_kind::refused,
                fmt::format("destination {} was taken out just now; see linehuntctl list", id)});
    const std::string attrs = printable(answer->value("attrs", ""));
    print(fmt::format("destination {} is {}{}{}\n", id, state_of(*found), attrs.empty() ? "" : ", ",
                      attrs));
  }
  return {};
}

outcome resize(connection& daemon, const output_style& style, std::uint32_t id,
               const std::string& resource, std::int32_t capacity) {
  const auto answer = daemon.call(
      "lb_resize", {{"destination_id", id}, {"res_name", resource}, {"new_capacity", capacity}});
  if (!answer) return tl::unexpected(answer.error());
  if (style.as_json)
    print(*answer);
  else
    print(fmt::format("destination {} takes {} calls of {}\n", id, capacity, printable(resource)));
  return {};
}

} // namespace linehunt::ctl
