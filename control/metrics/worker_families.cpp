// SPDX-License-Identifier: Apache-2.0
// How busy each worker is, its packets, and how full its rings are.
#include "control/metrics/families.h"

#include <string>

namespace linehunt::metrics {
namespace {

labels of(const dpdk::worker_report& worker) {
  return {{"worker", std::to_string(worker.id)}};
}

labels of(const dpdk::worker_report& worker, const char* ring) {
  return {{"worker", std::to_string(worker.id)}, {"ring", ring}};
}

} // namespace

void add_workers(family_list& out, const node_figures& figures) {
  const auto each = [&](std::uint64_t dpdk::worker_report::*field) {
    for (const dpdk::worker_report& worker : figures.workers)
      out.add(of(worker), worker.*field);
  };
  out.counter("linehunt_worker_busy_cycles_total",
              "Processor cycles of loops in which a worker had something to do.");
  each(&dpdk::worker_report::busy_cycles);
  out.counter("linehunt_worker_cycles_total", "Processor cycles of all loops, sleep included.");
  each(&dpdk::worker_report::total_cycles);
  out.counter("linehunt_worker_loops_total", "Loops of a worker.");
  each(&dpdk::worker_report::loops);
  out.counter("linehunt_worker_received_packets_total",
              "Packets that a worker took off its ports.");
  each(&dpdk::worker_report::rx_packets);
  out.counter("linehunt_worker_sent_packets_total", "Packets that a worker sent.");
  each(&dpdk::worker_report::tx_packets);
  out.counter("linehunt_worker_unsent_packets_total",
              "Packets that a worker could not send: port full, refused by its driver, no buffer, "
              "next hop unknown.");
  each(&dpdk::worker_report::tx_dropped);
  out.counter("linehunt_worker_handed_over_packets_total",
              "Packets given to the worker that owns their call.");
  each(&dpdk::worker_report::handed_over);
  out.counter("linehunt_worker_lost_events_total",
              "Events that were lost because the ring to the control thread was full.");
  each(&dpdk::worker_report::events_lost);

  out.gauge("linehunt_worker_longest_loop_seconds",
            "The longest loop of a worker since the start: how long a packet may have waited.");
  for (const dpdk::worker_report& worker : figures.workers)
    out.add(of(worker), static_cast<double>(worker.longest_loop_us) / 1e6);
  out.gauge("linehunt_worker_longest_adoption_seconds",
            "The longest time that a worker took to adopt a new configuration.");
  for (const dpdk::worker_report& worker : figures.workers)
    out.add(of(worker), static_cast<double>(worker.longest_adopt_us) / 1e6);

  out.gauge("linehunt_worker_ring_entries", "Entries that wait in the rings of a worker.");
  for (const dpdk::worker_report& worker : figures.workers)
    out.add(of(worker, "packets"), worker.rings.packets)
        .add(of(worker, "mail"), worker.rings.mail)
        .add(of(worker, "control"), worker.rings.control)
        .add(of(worker, "events"), worker.rings.events);
}

} // namespace linehunt::metrics
