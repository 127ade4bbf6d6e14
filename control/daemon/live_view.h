// SPDX-License-Identifier: Apache-2.0
// The running daemon for the admin interface: reads what workers publish, and changes things by
// mail to them. Belongs to the control thread.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/daemon/world_source.h"
#include "dataplane/dpdk/runtime.h"

namespace linehunt {

class live_view final : public admin::daemon_view {
 public:
  live_view(dpdk::runtime& runtime, world_source& source)
      : runtime_(runtime), source_(source), started_at_(std::chrono::system_clock::now()) {}

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

  // A worker has seen a destination fail: from now on it is disabled for all of them.
  void on_failed(destination_index index);

 private:
  [[nodiscard]] const destination* find(std::uint32_t id) const noexcept;
  [[nodiscard]] std::vector<dpdk::worker_report> reports() const;
  [[nodiscard]] bool tell_all(const mail& what);

  dpdk::runtime& runtime_;
  world_source& source_;
  std::chrono::system_clock::time_point started_at_;
};

} // namespace linehunt
