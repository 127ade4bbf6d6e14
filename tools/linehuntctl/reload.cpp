// SPDX-License-Identifier: Apache-2.0
// linehuntctl reload: the configuration is read again; all of it or nothing.
#include "tools/linehuntctl/commands.h"

namespace linehunt::ctl {

outcome reload(connection& daemon, const output_style& style) {
  // The daemon asks a database first, and has limits of its own for that.
  daemon.be_patient();
  const auto answer = daemon.call("lb_reload");
  if (!answer) return tl::unexpected(answer.error());
  if (style.as_json)
    print(*answer);
  else
    print(std::string{"the configuration is in force\n"});
  return {};
}

} // namespace linehunt::ctl
