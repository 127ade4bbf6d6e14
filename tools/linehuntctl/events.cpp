// SPDX-License-Identifier: Apache-2.0
// linehuntctl events: status changes, reloads, failovers and refusals as they happen.
#include "dataplane/printable.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <fmt/format.h>

namespace linehunt::ctl {
namespace {

// "E_LOAD_BALANCER_STATUS group=1 status=disabled ..."
std::string text_of(const json& event) {
  std::string line = printable(event.value("method", ""));
  const json params = event.value("params", json::object());
  for (const auto& [name, value] : params.items())
    line += fmt::format(" {}={}", printable(name),
                        printable(value.is_string() ? value.get<std::string>() : value.dump()));
  return line + '\n';
}

} // namespace

outcome events(connection& daemon, const output_style& style) {
  const auto begun = daemon.call("events_follow");
  if (!begun) return tl::unexpected(begun.error());
  daemon.be_patient();
  while (!output_is_lost()) {
    const auto event = daemon.next_event();
    if (!event) return tl::unexpected(event.error());
    if (style.as_json)
      print(*event);
    else
      print(text_of(*event));
  }
  return {};
}

} // namespace linehunt::ctl
