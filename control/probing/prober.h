// SPDX-License-Identifier: Apache-2.0
// Probing in the running daemon: a schedule, whose probes go out through workers and whose findings
// become statuses. Belongs to the control thread.
#pragma once

#include "control/daemon/live_view.h"
#include "control/daemon/world_source.h"
#include "control/probing/schedule.h"
#include "dataplane/dpdk/runtime.h"

namespace linehunt::probing {

class prober {
 public:
  // Takes the view's on_status_change and measure_by for itself.
  prober(dpdk::runtime& runtime, world_source& source, live_view& view);

  // After each snapshot, with what it was built from.
  void adopt(const config::configuration& running);
  // Often: at least once in each tick_us.
  void advance() { plan_.advance(runtime_.now()); }
  void on_answer(const event& answered);

  [[nodiscard]] const schedule& plan() const noexcept { return plan_; }

 private:
  [[nodiscard]] bool send(destination_index index, std::uint64_t number);

  dpdk::runtime& runtime_;
  world_source& source_;
  live_view& view_;
  schedule plan_;
};

} // namespace linehunt::probing
