// SPDX-License-Identifier: Apache-2.0
// Ties the heartbeats of FreeSWITCH machines to the running daemon: which destinations follow one,
// what changes by it, who hears of it. Belongs to the control thread.
#pragma once

#include "control/admin/events.h"
#include "control/daemon/live_view.h"
#include "control/daemon/reload.h"
#include "control/daemon/world_source.h"
#include "control/heartbeat/heartbeats.h"

#include <boost/asio/io_context.hpp>
#include <utility>
#include <vector>

namespace linehunt {

class capacity_feedback {
 public:
  capacity_feedback(boost::asio::io_context& loop, live_view& view, admin::raising raise);
  // Of the run before, before it starts; see heartbeats.
  void remember(const std::vector<heartbeat::known_beat>& before,
                std::vector<dns::known_name> names) {
    heartbeats_.remember(before, std::move(names));
  }
  [[nodiscard]] std::vector<heartbeat::known_beat> known() const { return heartbeats_.known(); }
  [[nodiscard]] std::vector<dns::known_name> known_names() const {
    return heartbeats_.known_names();
  }
  // From now on the destinations of each snapshot are followed, those of the first one at once.
  void start(reloader& reloading, const world_source& source);

 private:
  live_view& view_;
  admin::raising raise_;
  heartbeat::heartbeats heartbeats_;
};

} // namespace linehunt
