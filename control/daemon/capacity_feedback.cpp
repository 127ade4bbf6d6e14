// SPDX-License-Identifier: Apache-2.0
// See capacity_feedback.h.
#include "control/daemon/capacity_feedback.h"

namespace linehunt {

capacity_feedback::capacity_feedback(boost::asio::io_context& loop, live_view& view,
                                     admin::raising raise)
    : view_(view), raise_(std::move(raise)),
      heartbeats_(
          loop,
          [this](std::uint32_t id, const std::string& resource, const auto& size) {
            return view_.resize_by_heartbeat(id, resource, size);
          },
          [this](const heartbeat::report& r) {
            raise_(admin::heartbeat_event, {{"socket", r.socket},
                                            {"status", heartbeat::word_for(r.status)},
                                            {"cause", r.cause}});
          }) {
  view_.report_heartbeats_by([this](std::uint32_t id, const std::string& resource) {
    return heartbeats_.about(id, resource);
  });
}

void capacity_feedback::start(reloader& reloading, const world_source& source) {
  const auto follow = [this, &source](const config::configuration& running) {
    heartbeats_.follow(source.destinations(), running.heartbeat, running.dns);
  };
  follow(reloading.running());
  reloading.on_published(follow);
}

} // namespace linehunt
