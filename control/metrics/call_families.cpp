// SPDX-License-Identifier: Apache-2.0
// Calls by outcome, and what became of every packet.
#include "control/metrics/families.h"
#include "dataplane/verdict.h"

#include <array>
#include <string>
#include <utility>

namespace linehunt::metrics {
namespace {

using counter = std::atomic<std::uint64_t> engine_counters::*;

std::uint64_t sum(const node_figures& figures, counter field) {
  std::uint64_t total = 0;
  for (const dpdk::worker_report& worker : figures.workers)
    if (worker.engine) total += (worker.engine->*field).load(std::memory_order_relaxed);
  return total;
}

std::uint64_t sum(const node_figures& figures, verdict of) {
  std::uint64_t total = 0;
  for (const dpdk::worker_report& worker : figures.workers)
    total += worker.verdicts[static_cast<std::size_t>(of)];
  return total;
}

// a - b for counters that are read one after the other while they rise.
std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

} // namespace

void add_calls(family_list& out, const node_figures& figures) {
  // What ends is read before what starts, so that no difference falls below zero.
  const std::uint64_t failed = sum(figures, &engine_counters::calls_failed);
  const std::uint64_t ended = sum(figures, &engine_counters::calls_ended);
  const std::uint64_t answered = sum(figures, &engine_counters::calls_answered);
  const std::uint64_t started = sum(figures, &engine_counters::calls_started);
  const std::uint64_t restored = sum(figures, &engine_counters::calls_restored);
  const std::uint64_t live = sum(figures, &engine_counters::calls_live);
  const std::uint64_t talking = difference(answered + restored, difference(ended, failed));

  out.counter("linehunt_calls_started_total", "Calls whose INVITE was sent to a destination.")
      .add({}, started);
  out.counter("linehunt_calls_restored_total", "Calls of the run before, taken up at the start.")
      .add({}, restored);
  out.counter("linehunt_calls_total",
              "Calls by outcome: answered, failed before an answer, or refused unsent for the "
              "named reason. Of loop, no_rule, rule, table_full and draining each repetition of an "
              "INVITE counts again.")
      .add({{"outcome", "answered"}}, answered)
      .add({{"outcome", "failed"}}, failed);
  // By counters of their own, since calls that wait for a lease are refused later than the verdict
  // on their INVITE.
  std::uint64_t no_capacity = 0;
  for (const dpdk::worker_report& worker : figures.workers)
    if (worker.engine) no_capacity += worker.engine->no_capacity.total();
  out.add({{"outcome", "no_capacity"}}, no_capacity);
  out.add({{"outcome", "no_destination"}}, sum(figures, &engine_counters::no_destination));
  out.add({{"outcome", "unknown_resource"}}, sum(figures, &engine_counters::unknown_resource));
  out.add({{"outcome", "overload"}}, sum(figures, &engine_counters::calls_shed));
  // Nothing is kept of these, so a repetition is one more.
  constexpr std::array<std::pair<const char*, verdict>, 5> refusals{
      {{"loop", verdict::rejected_loop},
       {"no_rule", verdict::rejected_no_rule},
       {"rule", verdict::rejected_by_rule},
       {"table_full", verdict::rejected_table_full},
       {"draining", verdict::dropped_draining}}};
  for (const auto& [outcome, why] : refusals)
    out.add({{"outcome", outcome}}, sum(figures, why));
  out.counter("linehunt_calls_ended_total", "Started calls that are over, by what ended them.");
  for (std::size_t cause = 0; cause < end_cause_count; ++cause) {
    std::uint64_t total = 0;
    for (const dpdk::worker_report& worker : figures.workers)
      if (worker.engine) total += worker.engine->ended_by[cause].load(std::memory_order_relaxed);
    out.add({{"cause", std::string{name_of(static_cast<end_cause>(cause))}}}, total);
  }
  out.gauge("linehunt_calls", "Calls now, by state.")
      .add({{"state", "early"}}, difference(live, talking))
      .add({{"state", "answered"}}, talking);
  out.counter("linehunt_failovers_total", "INVITEs sent on to another destination.")
      .add({}, sum(figures, &engine_counters::failovers));
  out.counter("linehunt_calls_uncounted_total",
              "Calls from a destination that does not offer a resource which their rule counts.")
      .add({}, sum(figures, &engine_counters::calls_uncounted));
  out.counter("linehunt_retransmissions_total", "Messages that linehunt sent again.")
      .add({}, sum(figures, &engine_counters::retransmissions_sent));
  out.gauge("linehunt_transactions", "INVITE transactions in progress.")
      .add({}, sum(figures, &engine_counters::transactions_live));

  out.counter("linehunt_verdicts_total",
              "Packets by what became of them; each ends in one verdict.");
  for (std::size_t v = 0; v < verdict_count; ++v)
    out.add({{"verdict", std::string{name_of(static_cast<verdict>(v))}}},
            sum(figures, static_cast<verdict>(v)));
}

} // namespace linehunt::metrics
