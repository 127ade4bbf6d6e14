// SPDX-License-Identifier: Apache-2.0
// The running daemon for the admin interface: reads what workers publish, and changes things by
// mail to them. Belongs to the control thread.
#pragma once

#include "control/admin/daemon_view.h"
#include "control/admin/events.h"
#include "control/capture/capture_session.h"
#include "control/daemon/device_watch.h"
#include "control/daemon/drainage.h"
#include "control/daemon/link_watch.h"
#include "control/daemon/pauses.h"
#include "control/daemon/reload.h"
#include "control/daemon/supervision.h"
#include "control/daemon/worker_mail.h"
#include "control/daemon/world_source.h"
#include "control/heartbeat/heartbeats.h"
#include "control/metrics/node_figures.h"
#include "control/resolver/resolver.h"
#include "dataplane/dpdk/runtime.h"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace linehunt {

[[nodiscard]] std::vector<dpdk::worker_report> reports_of(const dpdk::runtime& runtime);
[[nodiscard]] std::uint64_t live_calls(const dpdk::runtime& runtime);
// Of these, those that are not answered yet.
[[nodiscard]] std::uint64_t early_calls(const dpdk::runtime& runtime);

class live_view final : public admin::daemon_view {
 public:
  live_view(dpdk::runtime& runtime, worker_mail& workers_mail, world_source& source,
            reloader& reloading, drainage& draining, capture_session& capturing,
            admin::raising raise)
      : runtime_(runtime), mail_(workers_mail), source_(source), reloading_(reloading),
        draining_(draining), capturing_(capturing), raise_(std::move(raise)),
        started_at_(std::chrono::system_clock::now()), up_since_(std::chrono::steady_clock::now()) {
  }

  [[nodiscard]] std::vector<admin::destination_state> destinations() override;
  [[nodiscard]] std::optional<admin::destination_state> destination_with(std::uint32_t id) override;
  [[nodiscard]] std::vector<admin::statistic> statistics() override;
  [[nodiscard]] admin::call_list calls(const admin::call_query& wanted) override;
  [[nodiscard]] std::vector<admin::process_state> processes() override;
  [[nodiscard]] std::chrono::system_clock::time_point started_at() override { return started_at_; }
  [[nodiscard]] std::chrono::system_clock::time_point now() override {
    return std::chrono::system_clock::now();
  }
  [[nodiscard]] std::chrono::seconds uptime() override {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - up_since_);
  }
  [[nodiscard]] int log_level() override;
  void set_log_level(int level) override;
  void set_enabled(std::uint32_t id, bool enabled, answering done) override;
  void resize(std::uint32_t id, const std::string& resource, std::int32_t capacity,
              answering done) override;
  [[nodiscard]] outcome drain(bool on) override;
  [[nodiscard]] outcome end_call(const admin::call_state& call) override;

  void start_capture(const admin::capture_request& wanted,
                     std::function<void(admin::capture_outcome)> done) override {
    capturing_.start(wanted, capture_session::clock::now(), std::move(done));
  }
  void stop_capture(const std::string& file,
                    std::function<void(admin::capture_outcome)> done) override {
    capturing_.stop(capture_session::clock::now(), file, std::move(done));
  }
  [[nodiscard]] admin::capture_state capture_status() override {
    return capturing_.status(capture_session::clock::now());
  }

  void reload(std::function<void(reload_outcome)> done) override;
  // Logs how a reload went, and tells those who follow events.
  void report_reload(const reload_outcome& how);

  // All that Prometheus is told.
  [[nodiscard]] metrics::node_figures figures();
  // Who counts something beside the workers; it joins what get_statistics gives.
  using counting = std::function<std::vector<admin::statistic>()>;
  void also_count(counting more) { more_statistics_ = std::move(more); }
  void count_copies(counting more) { copies_ = std::move(more); }

  // Says of a URI with a host name how its resolution stands; nullopt for one with an address. And
  // whether any name is stale.
  using naming_report = std::function<std::optional<dns::name_report>(const std::string& uri)>;
  void report_names_by(naming_report report, std::function<bool()> any_stale) {
    names_ = std::move(report);
    names_stale_ = std::move(any_stale);
  }
  // Whether lines of the log are not where they should be.
  void report_log_by(std::function<bool()> unwritten) { log_unwritten_ = std::move(unwritten); }
  // Whether state_dir could not be written since the start.
  void report_state_by(std::function<bool()> unwritten) { state_unwritten_ = std::move(unwritten); }

  // The capacity of a resource that follows a heartbeat, computed from its load. False: no worker
  // has heard of it.
  [[nodiscard]] bool resize_by_heartbeat(std::uint32_t id, const std::string& resource,
                                         const heartbeat::heartbeats::sizing& size);
  // Says of a resource whether it follows a heartbeat.
  using heartbeat_report = std::function<std::optional<heartbeat::report>(
      std::uint32_t destination, const std::string& resource)>;
  void report_heartbeats_by(heartbeat_report report) { heartbeats_ = std::move(report); }

  // A worker has seen a destination ask for a pause: all of them grant it.
  void on_paused(const event& raised);
  // Another snapshot is in force.
  void on_reloaded();
  // A reload has taken back what was said of it, since it is another machine now.
  void on_status_set_back(destination_index index, bool enabled);
  // A worker has seen a destination fail: from now on it is disabled for all of them.
  void on_failed(const event& raised);
  // What probes say about a destination; nothing against an admin.
  // `status` of the answer; 0: none came.
  void on_probed(std::uint32_t id, bool enabled, std::uint16_t status);
  // We did not run for a while, and perhaps no worker did: nobody has heard what probes got.
  void note_absence() { absent_at_ = link_watch::clock::now(); }
  // What rises with each loop of a worker. Twice a second or so, which is often enough for the
  // patience with a probe.
  void look_at_workers(std::span<const std::uint64_t> loops);
  // Who knows how long the last answer of a destination took.
  void measure_by(std::function<std::optional<std::uint32_t>(std::uint32_t id)> round_trip_us) {
    round_trip_us_ = std::move(round_trip_us);
  }
  // Who puts on the disk what operators have changed, and calls `done` once, at once or later;
  // false: that failed, and is tried again.
  using saving = std::function<void(std::function<void(bool saved)> done)>;
  void save_by(saving save) { save_ = std::move(save); }
  // `done`: they are there, or that failed.
  void save_changes(std::function<void()> done = [] {});
  // Called after each change of a status.
  void on_status_change(std::function<void(std::uint32_t id)> call) {
    status_changed_ = std::move(call);
  }
  // Called once, when a port has lost its device, which has been logged then.
  void on_device_lost(std::function<void()> call) { device_lost_ = std::move(call); }
  [[nodiscard]] bool device_is_lost() const noexcept { return devices_.lost(); }
  // Once a second or so: forgets destinations that are gone and drained, and raises what has been
  // counted since the last time.
  void keep_house();
  // For whoever looks at the service from outside: "serving, 12 calls, 4 destinations".
  [[nodiscard]] std::string status_line();

 private:
  [[nodiscard]] const destination* find(std::uint32_t id) const noexcept;
  [[nodiscard]] const destination* find_index(destination_index index) const noexcept;
  // nullptr where a reload has made it another one since, which has done nothing.
  [[nodiscard]] const destination* whom(const event& raised) const;
  [[nodiscard]] std::vector<dpdk::worker_report> reports() const;
  // Of a configured one, which has that place among them.
  [[nodiscard]] admin::destination_state state_at(std::size_t place,
                                                  const std::vector<dpdk::worker_report>& workers);
  [[nodiscard]] std::int64_t load(const std::vector<dpdk::worker_report>& workers,
                                  slot_index slot) const;
  [[nodiscard]] static bool has_calls(const std::vector<dpdk::worker_report>& workers,
                                      destination_index index);
  void raise_status(const destination& d, std::string_view status, const std::string& cause);
  // Ends a pause as well.
  void raise_status(const destination& d, bool enabled, const std::string& cause);

  [[nodiscard]] bool was_absent(std::chrono::milliseconds waited) const {
    return absent_at_ &&
           link_watch::clock::now() - *absent_at_ <= waited + link_watch::between_looks;
  }
  [[nodiscard]] bool could_be_heard(const destination& d, std::chrono::milliseconds waited);
  void look_at_links();
  [[nodiscard]] node_statistics node();
  void add_destinations(metrics::node_figures& all);
  void tell_refused(const std::vector<dpdk::worker_report>& workers);
  void tell_elsewhere(const std::vector<dpdk::worker_report>& workers);
  [[nodiscard]] nlohmann::json moved_on_since(const std::vector<dpdk::worker_report>& workers);

  dpdk::runtime& runtime_;
  worker_mail& mail_;
  world_source& source_;
  reloader& reloading_;
  drainage& draining_;
  capture_session& capturing_;
  admin::raising raise_;
  std::function<void(std::uint32_t)> status_changed_;
  saving save_;
  bool changes_saved_ = true, reload_refused_ = false;
  std::function<std::optional<std::uint32_t>(std::uint32_t)> round_trip_us_;
  counting more_statistics_, copies_;
  naming_report names_;
  std::function<bool()> names_stale_, log_unwritten_, state_unwritten_;
  heartbeat_report heartbeats_;
  pauses pauses_;
  link_watch links_;
  device_watch devices_;
  progress_watch progress_;                                // of the workers
  std::optional<link_watch::clock::time_point> absent_at_; // we, or one of them
  std::function<void()> device_lost_;
  bool told_elsewhere_ = false;
  std::uint64_t failovers_ = 0; // as last raised, and so are these
  // By group and resources, the same.
  std::map<std::pair<std::uint32_t, std::vector<std::string>>, std::uint64_t> no_capacity_;
  std::uint64_t no_capacity_others_ = 0;
  std::map<std::uint32_t, std::uint64_t> moved_on_;  // by id, the same
  std::chrono::system_clock::time_point started_at_; // shown to people
  std::chrono::steady_clock::time_point up_since_;
};

} // namespace linehunt
