// SPDX-License-Identifier: Apache-2.0
// What the running daemon counts: get_statistics, and what Prometheus is told. What has to do with
// all destinations is read in their order, without a search for each.
#include "control/daemon/live_view.h"
#include "control/daemon/statistics.h"

#include <utility>

namespace linehunt {

node_statistics live_view::node() {
  node_statistics all;
  all.generation = runtime_.world().generation;
  all.draining = draining_.draining();
  all.mbufs_in_use = runtime_.mbufs_in_use();
  all.ports = runtime_.ports();
  all.uptime_s = static_cast<std::uint64_t>(uptime().count());
  all.destinations = runtime_.world().destinations.size();
  all.destinations_disabled = source_.changes().disabled();
  all.degraded = degraded_by({.reload_refused = reload_refused_,
                              .database_unread = !reloading_.rows_are_read(),
                              .changes_unsaved = !changes_saved_,
                              .names_stale = names_stale_ && names_stale_(),
                              .log_unwritten = log_unwritten_ && log_unwritten_(),
                              .state_unwritten = state_unwritten_ && state_unwritten_()});
  return all;
}

std::vector<admin::statistic> live_view::statistics() {
  auto all = statistics_of(reports(), node());
  for (const counting* more : {&more_statistics_, &copies_})
    if (*more)
      for (admin::statistic& one : (*more)())
        all.push_back(std::move(one));
  return all;
}

void live_view::add_destinations(metrics::node_figures& all) {
  const auto& built = runtime_.world().destinations;
  const auto& models = source_.destinations(); // in the same order
  const operator_state& changes = source_.changes();
  const auto now = pauses::clock::now();
  std::size_t resources = 0;
  for (const destination& d : built)
    resources += d.resources.size();
  all.destinations.reserve(built.size());
  all.resources.reserve(resources);
  all.post_dial.reserve(built.size());
  for (std::size_t place = 0; place < built.size(); ++place) {
    const destination& d = built[place];
    metrics::destination_figures& one = all.destinations.emplace_back();
    one.id = d.id;
    one.group = d.group;
    one.uri = d.uri;
    one.enabled = changes.status_at(place).enabled;
    one.resolved = !d.addresses.empty();
    one.paused_s = pauses_.left_s(d.id, now);
    if (round_trip_us_) one.probe_round_trip_us = round_trip_us_(d.id);
    for (std::size_t r = 0; r < d.resources.size(); ++r) {
      const resource_model& resource = models[place].resources[r];
      metrics::resource_figures& shown = all.resources.emplace_back();
      shown.destination = d.id;
      shown.name = resource.label;
      shown.capacity = changes.capacity_at(place, r);
      shown.load = load(all.workers, d.resources[r].slot);
      if (!resource.heartbeat || !heartbeats_) continue;
      if (const auto report = heartbeats_(d.id, resource.name))
        shown.heartbeat_fresh = report->status == heartbeat::status::fresh;
    }
    for (const world_source::retired_resource& gone : source_.draining_resources(d.id))
      if (const std::int64_t held = load(all.workers, gone.slot); held != 0)
        all.resources.push_back({d.id, gone.model.label, 0, held});
    metrics::destination_delays& delays = all.post_dial.emplace_back();
    delays.destination = d.id;
    for (const dpdk::worker_report& worker : all.workers) {
      const post_dial_delay& of_worker = worker.post_dial_delays[d.index];
      delays.sum_us += of_worker.sum_us.load(std::memory_order_relaxed);
      delays.moved_on += of_worker.moved_on.load(std::memory_order_relaxed);
      for (std::size_t i = 0; i < delays.counts.size(); ++i)
        delays.counts[i] += of_worker.counts[i].load(std::memory_order_relaxed);
    }
  }
  for (const world_source::retired& gone : source_.draining()) {
    // Those without calls wait for the next keep_house only.
    if (!has_calls(all.workers, gone.index)) continue;
    metrics::destination_figures& one = all.destinations.emplace_back();
    one.id = gone.model.id;
    one.group = gone.model.group;
    one.uri = gone.model.uri;
    one.draining = true;
    for (std::size_t r = 0; r < gone.slots.size(); ++r)
      all.resources.push_back(
          {one.id, gone.model.resources[r].label, 0, load(all.workers, gone.slots[r])});
  }
}

metrics::node_figures live_view::figures() {
  metrics::node_figures all;
  all.started_at = started_at_;
  all.workers = reports();
  all.node = node();
  add_destinations(all);
  if (more_statistics_) all.ways_in = more_statistics_();
  if (copies_) all.copies = copies_();
  return all;
}

} // namespace linehunt
