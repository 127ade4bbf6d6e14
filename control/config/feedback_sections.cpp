// SPDX-License-Identifier: Apache-2.0
// [heartbeat] and [overload]: what destinations say about how much they can take.
#include "control/config/sections.h"

#include <fmt/format.h>

namespace linehunt::config {

void read_heartbeat(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("heartbeat");
  if (!table) return;
  table_reader section(*table, "[heartbeat]", out);
  heartbeat::settings& settings = into.heartbeat;
  std::uint32_t number = 0;
  if (section.read("interval_s", number, 1, 3600))
    settings.socket.interval = std::chrono::seconds(number);
  if (section.read("login_ms", number, 100, 60'000))
    settings.socket.login = std::chrono::milliseconds(number);
  std::string stale;
  if (section.read("when_stale", stale)) {
    if (stale != "keep" && stale != "zero")
      section.error("when_stale", fmt::format("'when_stale' cannot be '{}'; write \"keep\" or "
                                              "\"zero\"",
                                              stale));
    settings.zero_when_stale = stale == "zero";
  }
  section.finish();
}

void read_overload(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("overload");
  if (!table) return;
  table_reader section(*table, "[overload]", out);
  section.read("enabled", into.overload.enabled);
  section.finish();
}

} // namespace linehunt::config
