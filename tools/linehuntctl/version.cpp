// SPDX-License-Identifier: Apache-2.0
// linehuntctl version: which daemon runs, and since when.
#include "dataplane/printable.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <fmt/format.h>

namespace linehunt::ctl {

outcome version(connection& daemon, const output_style& style) {
  const auto server = daemon.call("version");
  if (!server) return tl::unexpected(server.error());
  if (style.as_json) {
    print(*server);
    return {};
  }
  const auto uptime = daemon.call("uptime");
  if (!uptime) return tl::unexpected(uptime.error());
  print(fmt::format("{}, up {} since {}\n", printable(server->value("Server", "")),
                    printable(uptime->value("Up time", "")),
                    printable(uptime->value("Up since", ""))));
  return {};
}

} // namespace linehunt::ctl
