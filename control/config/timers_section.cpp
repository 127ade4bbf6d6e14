// SPDX-License-Identifier: Apache-2.0
// [timers].
#include "control/config/sections.h"

#include <fmt/format.h>

namespace linehunt::config {

void read_timers(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("timers");
  if (!table) return;
  table_reader section(*table, "[timers]", out);
  timers& t = into.timers;
  constexpr std::uint32_t hour_ms = 3'600'000;
  section.read("t1_ms", t.t1_ms, 10, 10'000);
  section.read("t2_ms", t.t2_ms, 10, 60'000);
  section.read("t4_ms", t.t4_ms, 10, 60'000);
  section.read("fr_timeout_ms", t.fr_timeout_ms, 100, hour_ms);
  section.read("fr_inv_timeout_ms", t.fr_inv_timeout_ms, 100, hour_ms);
  section.read("timer_c_ms", t.timer_c_ms, 100, hour_ms);
  section.read("ack_wait_ms", t.ack_wait_ms, 100, hour_ms);
  section.read("max_call_s", t.max_call_s, 1, 30 * 24 * 3600);
  section.read("ping_interval_s", t.ping_interval_s, 1, 24 * 3600);
  if (section.finish() && t.t2_ms < t.t1_ms)
    section.error("t2_ms",
                  fmt::format("t2_ms {} is below t1_ms {}; retransmissions rise from t1 to "
                              "t2, so make t2 the larger one",
                              t.t2_ms, t.t1_ms));
}

} // namespace linehunt::config
