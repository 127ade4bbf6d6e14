// SPDX-License-Identifier: Apache-2.0
// The running daemon for the admin interface: reads what workers publish, and changes things by
// mail to them. Belongs to the control thread.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/admin/events.h"
#include "control/daemon/reload.h"
#include "control/daemon/world_source.h"
#include "dataplane/dpdk/runtime.h"

namespace linehunt {

// Mail to every worker, again where a ring is full. It may reach a worker twice; all that goes this
// way says how things shall be, so that does no harm. False: some worker did not get it in time.
[[nodiscard]] bool tell_all(dpdk::runtime& runtime, const mail& what);

class live_view final : public admin::daemon_view {
 public:
  live_view(dpdk::runtime& runtime, world_source& source, reloader& reloading, admin::raising raise)
      : runtime_(runtime), source_(source), reloading_(reloading), raise_(std::move(raise)),
        started_at_(std::chrono::system_clock::now()) {}

  [[nodiscard]] std::vector<admin::destination_state> destinations() override;
  [[nodiscard]] std::vector<admin::statistic> statistics() override;
  [[nodiscard]] std::vector<admin::call_state> calls() override;
  [[nodiscard]] std::vector<admin::process_state> processes() override;
  [[nodiscard]] std::chrono::system_clock::time_point started_at() override { return started_at_; }
  [[nodiscard]] std::chrono::system_clock::time_point now() override {
    return std::chrono::system_clock::now();
  }
  [[nodiscard]] outcome set_enabled(std::uint32_t id, bool enabled) override;
  [[nodiscard]] outcome resize(std::uint32_t id, const std::string& resource,
                               std::int32_t capacity) override;
  [[nodiscard]] outcome end_call(const admin::call_state& call) override;

  [[nodiscard]] tl::expected<void, std::string> reload() override;

  // A worker has seen a destination fail: from now on it is disabled for all of them.
  void on_failed(destination_index index, std::uint16_t cause);
  // Once a second or so: forgets destinations that are gone and drained, and raises what has been
  // counted since the last time.
  void keep_house();

 private:
  [[nodiscard]] const destination* find(std::uint32_t id) const noexcept;
  [[nodiscard]] std::vector<dpdk::worker_report> reports() const;
  [[nodiscard]] std::int64_t load(const std::vector<dpdk::worker_report>& workers,
                                  slot_index slot) const;
  void raise_status(const destination& d, bool enabled, const std::string& cause);

  dpdk::runtime& runtime_;
  world_source& source_;
  reloader& reloading_;
  admin::raising raise_;
  std::uint64_t refused_calls_ = 0, failovers_ = 0; // as last raised
  std::chrono::system_clock::time_point started_at_;
};

} // namespace linehunt
