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

namespace linehunt {

class capacity_feedback {
 public:
  capacity_feedback(boost::asio::io_context& loop, live_view& view, admin::raising raise);
  // From now on the destinations of each snapshot are followed, those of the first one at once.
  void start(reloader& reloading, const world_source& source);

 private:
  live_view& view_;
  admin::raising raise_;
  heartbeat::heartbeats heartbeats_;
};

} // namespace linehunt
