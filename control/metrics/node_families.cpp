// SPDX-License-Identifier: Apache-2.0
// What there is once in a linehunt.
#include "control/metrics/families.h"
#include "control/version.h"

#include <string>

namespace linehunt::metrics {

void add_node(family_list& out, const node_figures& figures) {
  const std::chrono::duration<double> started = figures.started_at.time_since_epoch();
  out.gauge("linehunt_build_info", "Always 1; says the version.")
      .add({{"version", std::string{linehunt::version}}}, 1);
  out.gauge("linehunt_start_time_seconds", "When linehunt started, since 1970.")
      .add({}, started.count());
  out.gauge("linehunt_snapshot_generation",
            "How many configurations were published since the start.")
      .add({}, figures.node.generation);
  out.gauge("linehunt_draining", "1 while new calls are refused because linehunt drains, else 0.")
      .add({}, figures.node.draining ? 1 : 0);
  out.gauge(
      "linehunt_degraded",
      "1 while something is not as it should be although calls go on, else 0: the last reload "
      "was refused; the database has not been read since the start; what "
      "operators have changed is not on the disk; DNS does not answer; the log is not written "
      "where it should be; the folder of state could not be written since the start.");
  for (const admin::statistic& s : figures.node.degraded)
    out.add({{"reason", s.name}}, s.value);
  out.gauge("linehunt_packet_buffers_in_use", "Packet buffers that are neither free nor in a port.")
      .add({}, figures.node.mbufs_in_use);
  const auto& ports = figures.node.ports;
  out.gauge("linehunt_port_link_up", "1 while the link of a port is up, else 0.");
  for (const dpdk::port_report& p : ports)
    out.add({{"port", p.name}}, p.link_up ? 1 : 0);
  out.counter("linehunt_port_rx_lost_total",
              "Frames that the device itself lost: no place in its queue, no packet buffer for "
              "them, or broken.");
  for (const dpdk::port_report& p : ports)
    out.add({{"port", p.name}, {"reason", "missed"}}, p.rx_missed)
        .add({{"port", p.name}, {"reason", "no_buffer"}}, p.rx_no_buffer)
        .add({{"port", p.name}, {"reason", "error"}}, p.rx_errors);
  out.counter("linehunt_port_tx_errors_total", "Frames that the device could not send.");
  for (const dpdk::port_report& p : ports)
    out.add({{"port", p.name}}, p.tx_errors);
  out.counter("linehunt_admin_refusals_total",
              "Requests and answers that the admin interface refused or dropped, by reason.");
  for (const admin::statistic& s : figures.ways_in)
    out.add({{"reason", s.name}}, s.value);
  out.counter("linehunt_call_copies_total",
              "Copies of the calls for a crash, by what became of them.");
  for (const admin::statistic& s : figures.copies)
    out.add({{"result", s.name}}, s.value);
}

} // namespace linehunt::metrics
