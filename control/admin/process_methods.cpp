// SPDX-License-Identifier: Apache-2.0
// version, uptime, ps, drain.
#include "control/admin/methods.h"
#include "control/version.h"

#include <ctime>
#include <fmt/format.h>

namespace linehunt::admin {
namespace {

// As ctime prints it: "Mon Nov 23 06:21:07 2026".
std::string date_text(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[64] = {};
  std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts);
  return text;
}

rpc_answer version(const parameters&, daemon_view&) {
  return json{{"Server", fmt::format("linehunt ({} (x86_64/linux))", linehunt::version)}};
}

rpc_answer uptime(const parameters&, daemon_view& daemon) {
  const auto now = daemon.now();
  const auto started = daemon.started_at();
  return json{{"Now", date_text(now)},
              {"Up since", date_text(started)},
              {"Up time", fmt::format("{} [sec]", daemon.uptime().count())}};
}

rpc_answer ps(const parameters&, daemon_view& daemon) {
  json all = json::array();
  for (const process_state& p : daemon.processes())
    all.push_back({{"ID", p.id}, {"PID", p.pid}, {"Type", p.type}});
  return json{{"Processes", std::move(all)}};
}

// drain: no new calls, those in progress go on; drain 0: new calls again.
rpc_answer drain(const parameters& given, daemon_view& daemon) {
  bool on = true;
  if (given.has("on")) {
    const auto wanted = given.integer("on");
    if (!wanted) return tl::unexpected(wanted.error());
    on = *wanted != 0;
  }
  if (!daemon.drain(on))
    return tl::unexpected(
        rpc_error{503, "Linehunt is ending", "it drains and ends; this is not taken back"});
  return "OK";
}

} // namespace

std::vector<method> process_methods() {
  return {
      {"version", "", {{}}, false, version},
      {"uptime", "", {{}}, false, uptime},
      {"ps", "", {{}}, false, ps},
      {"drain", "linehunt:drain", {{}, {"on"}}, false, drain},
  };
}

} // namespace linehunt::admin
