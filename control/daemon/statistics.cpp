// SPDX-License-Identifier: Apache-2.0
// See statistics.h.
#include "control/daemon/statistics.h"

#include <fmt/format.h>
#include <functional>
#include <string>

namespace linehunt {
namespace {

using admin::statistic;
using dpdk::worker_report;
using reports = std::span<const worker_report>;

std::uint64_t sum(reports workers, const std::function<std::uint64_t(const worker_report&)>& of) {
  std::uint64_t total = 0;
  for (const worker_report& worker : workers)
    total += of(worker);
  return total;
}

std::uint64_t sum(reports workers, std::uint64_t worker_report::*field) {
  return sum(workers, [&](const worker_report& worker) { return worker.*field; });
}

using counter = std::atomic<std::uint64_t> engine_counters::*;

std::uint64_t value_of(const worker_report& worker, counter field) {
  return worker.engine ? (worker.engine->*field).load(std::memory_order_relaxed) : 0;
}

std::uint64_t sum(reports workers, counter field) {
  return sum(workers, [&](const worker_report& worker) { return value_of(worker, field); });
}

// a - b for counters that are read one after the other while they rise.
std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

void add_calls(std::vector<statistic>& all, reports workers) {
  // What ends is read before what starts, so that no difference falls below zero.
  const std::uint64_t failed = sum(workers, &engine_counters::calls_failed);
  const std::uint64_t ended = sum(workers, &engine_counters::calls_ended);
  const std::uint64_t answered = sum(workers, &engine_counters::calls_answered);
  const std::uint64_t started = sum(workers, &engine_counters::calls_started);
  const std::uint64_t restored = sum(workers, &engine_counters::calls_restored);
  const std::uint64_t live = sum(workers, &engine_counters::calls_live);
  const std::uint64_t active = difference(answered + restored, difference(ended, failed));
  all.push_back({"dialog", "active_dialogs", live});
  all.push_back({"dialog", "early_dialogs", difference(live, active)});
  all.push_back({"dialog", "processed_dialogs", started});
  all.push_back({"dialog", "failed_dialogs", failed});
  all.push_back({"load_balancer", "calls_started", started});
  all.push_back({"load_balancer", "calls_answered", answered});
  all.push_back({"load_balancer", "calls_ended", ended});
  all.push_back({"load_balancer", "calls_failed", failed});
  all.push_back({"load_balancer", "calls_restored", restored});
  all.push_back({"load_balancer", "calls_live", live});
  for (std::size_t cause = 0; cause < end_cause_count; ++cause)
    all.push_back({"load_balancer", fmt::format("ended_{}", name_of(static_cast<end_cause>(cause))),
                   sum(workers, [&](const worker_report& worker) {
                     return worker.engine
                                ? worker.engine->ended_by[cause].load(std::memory_order_relaxed)
                                : 0;
                   })});
  all.push_back({"load_balancer", "refused_no_capacity", sum(workers, [](const worker_report& w) {
                   return w.engine ? w.engine->no_capacity.total() : 0;
                 })});
  all.push_back(
      {"load_balancer", "refused_no_destination", sum(workers, &engine_counters::no_destination)});
  all.push_back({"load_balancer", "refused_unknown_resource",
                 sum(workers, &engine_counters::unknown_resource)});
  all.push_back({"load_balancer", "failovers", sum(workers, &engine_counters::failovers)});
  all.push_back({"load_balancer", "address_turns", sum(workers, &engine_counters::address_turns)});
  all.push_back({"load_balancer", "calls_shed", sum(workers, &engine_counters::calls_shed)});
  all.push_back({"load_balancer", "passed_over", sum(workers, &engine_counters::passed_over)});
  all.push_back({"load_balancer", "replacing", sum(workers, &engine_counters::calls_replacing)});
  all.push_back(
      {"load_balancer", "replacing_unheard", sum(workers, &engine_counters::calls_unheard)});
  all.push_back(
      {"load_balancer", "calls_uncounted", sum(workers, &engine_counters::calls_uncounted)});
  all.push_back({"load_balancer", "retransmissions_sent",
                 sum(workers, &engine_counters::retransmissions_sent)});
  all.push_back(
      {"load_balancer", "transactions_live", sum(workers, &engine_counters::transactions_live)});
}

void add_worker(std::vector<statistic>& all, const worker_report& worker) {
  const std::string group = fmt::format("worker{}", worker.id);
  all.push_back({group, "core", worker.core});
  all.push_back({group, "rx_packets", worker.rx_packets});
  all.push_back({group, "tx_packets", worker.tx_packets});
  all.push_back({group, "tx_dropped", worker.tx_dropped});
  all.push_back({group, "handed_over", worker.handed_over});
  all.push_back({group, "events_lost", worker.events_lost});
  all.push_back({group, "loops", worker.loops});
  all.push_back({group, "idle_loops", worker.idle_loops});
  all.push_back({group, "busy_cycles", worker.busy_cycles});
  all.push_back({group, "total_cycles", worker.total_cycles});
  all.push_back({group, "longest_loop_us", worker.longest_loop_us});
  all.push_back({group, "longest_adopt_us", worker.longest_adopt_us});
  all.push_back({group, "ring_packets", worker.rings.packets});
  all.push_back({group, "ring_mail", worker.rings.mail});
  all.push_back({group, "ring_control", worker.rings.control});
  all.push_back({group, "ring_events", worker.rings.events});
  all.push_back({group, "calls_live", value_of(worker, &engine_counters::calls_live)});
  for (std::size_t v = 0; v < verdict_count; ++v)
    all.push_back(
        {group, fmt::format("verdict_{}", name_of(static_cast<verdict>(v))), worker.verdicts[v]});
}

void add_port(std::vector<statistic>& all, const dpdk::port_report& port) {
  const std::string group = "port_" + port.name;
  all.push_back({group, "link_up", port.link_up ? 1u : 0u});
  all.push_back({group, "rx_missed", port.rx_missed});
  all.push_back({group, "rx_no_buffer", port.rx_no_buffer});
  all.push_back({group, "rx_errors", port.rx_errors});
  all.push_back({group, "tx_errors", port.tx_errors});
}

} // namespace

std::vector<statistic> degraded_by(const shortcomings& which) {
  constexpr const char* group = "degraded";
  return {{group, "reload_refused", which.reload_refused ? 1u : 0u},
          {group, "database_unread", which.database_unread ? 1u : 0u},
          {group, "changes_unsaved", which.changes_unsaved ? 1u : 0u},
          {group, "names_stale", which.names_stale ? 1u : 0u},
          {group, "log_unwritten", which.log_unwritten ? 1u : 0u},
          {group, "state_unwritten", which.state_unwritten ? 1u : 0u}};
}

std::vector<statistic> statistics_of(reports workers, const node_statistics& node) {
  std::vector<statistic> all;
  add_calls(all, workers);
  all.push_back({"load_balancer", "destinations", node.destinations});
  all.push_back({"load_balancer", "destinations_disabled", node.destinations_disabled});
  for (std::size_t v = 0; v < verdict_count; ++v)
    all.push_back({"verdict", std::string{name_of(static_cast<verdict>(v))},
                   sum(workers, [&](const worker_report& w) { return w.verdicts[v]; })});
  all.push_back({"linehunt", "workers", workers.size()});
  all.push_back({"linehunt", "rx_packets", sum(workers, &worker_report::rx_packets)});
  all.push_back({"linehunt", "tx_packets", sum(workers, &worker_report::tx_packets)});
  all.push_back({"linehunt", "tx_dropped", sum(workers, &worker_report::tx_dropped)});
  all.push_back({"linehunt", "mbufs_in_use", node.mbufs_in_use});
  all.push_back({"linehunt", "generation", node.generation});
  all.push_back({"linehunt", "draining", node.draining ? 1u : 0u});
  all.push_back({"linehunt", "uptime_s", node.uptime_s});
  all.insert(all.end(), node.degraded.begin(), node.degraded.end());
  for (const dpdk::port_report& port : node.ports)
    add_port(all, port);
  for (const worker_report& worker : workers)
    add_worker(all, worker);
  return all;
}

} // namespace linehunt
