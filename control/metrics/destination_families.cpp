// SPDX-License-Identifier: Apache-2.0
// Load, capacity, status and post-dial delay of each destination.
#include "control/metrics/families.h"

#include <string>

namespace linehunt::metrics {
namespace {

std::string id_of(const destination_figures& d) {
  return std::to_string(d.id);
}

labels of(const resource_figures& r) {
  return {{"destination", std::to_string(r.destination)}, {"resource", r.name}};
}

prometheus::ClientMetric::Histogram histogram_of(const destination_delays& delays) {
  prometheus::ClientMetric::Histogram out;
  for (std::size_t i = 0; i < delays.counts.size(); ++i) {
    out.sample_count += delays.counts[i];
    if (i < post_dial_bounds_ms.size())
      out.bucket.push_back({out.sample_count, post_dial_bounds_ms[i] / 1e3});
  }
  out.sample_sum = static_cast<double>(delays.sum_us) / 1e6;
  return out;
}

} // namespace

void add_destinations(family_list& out, const node_figures& figures) {
  out.gauge("linehunt_destination_info", "Always 1; says where a destination is.");
  for (const auto& d : figures.destinations)
    out.add({{"destination", id_of(d)}, {"group", std::to_string(d.group)}, {"uri", d.uri}}, 1);
  // Those that drain get no new call in any case, and nobody can change that.
  const auto configured = [&](const auto& value_of) {
    for (const auto& d : figures.destinations)
      if (!d.draining) out.add({{"destination", id_of(d)}}, value_of(d));
  };
  out.gauge("linehunt_destination_enabled",
            "1 where nobody has disabled a destination: no operator, failover or probe; else 0. Of "
            "configured ones.");
  configured([](const auto& d) { return d.enabled ? 1 : 0; });
  out.gauge("linehunt_destination_resolved",
            "1 where a destination has an address, 0 where DNS gives none and it gets no call. Of "
            "configured ones.");
  configured([](const auto& d) { return d.resolved ? 1 : 0; });
  out.gauge("linehunt_destination_paused_seconds",
            "How long a destination gets no new calls yet, as it asked itself (Retry-After). Of "
            "configured ones.");
  configured([](const auto& d) { return d.paused_s; });
  out.gauge("linehunt_destination_draining",
            "1 where a destination is no longer configured but still has calls, else 0.");
  for (const auto& d : figures.destinations)
    out.add({{"destination", id_of(d)}}, d.draining ? 1 : 0);

  out.gauge("linehunt_probe_round_trip_seconds",
            "Time until the last answer to a probe of a destination.");
  for (const auto& d : figures.destinations)
    if (d.probe_round_trip_us) out.add({{"destination", id_of(d)}}, *d.probe_round_trip_us / 1e6);

  out.gauge("linehunt_destination_load", "Lines of a resource that live calls hold.");
  for (const resource_figures& r : figures.resources)
    out.add(of(r), r.load);
  out.gauge("linehunt_destination_capacity", "Lines of a resource that a destination offers.");
  for (const resource_figures& r : figures.resources)
    out.add(of(r), r.capacity);

  out.gauge("linehunt_heartbeat_fresh",
            "1 where the capacity of a resource follows a FreeSWITCH that is heard, else 0.");
  for (const resource_figures& r : figures.resources)
    if (r.heartbeat_fresh) out.add(of(r), *r.heartbeat_fresh ? 1 : 0);

  out.counter("linehunt_destination_failovers_total",
              "Calls that failed at a destination and were sent on to another one.");
  for (const destination_delays& delays : figures.post_dial)
    out.add({{"destination", std::to_string(delays.destination)}}, delays.moved_on);
  out.histogram("linehunt_post_dial_delay_seconds",
                "Time from the INVITE to a destination until it rings or answers.");
  for (const destination_delays& delays : figures.post_dial)
    out.add({{"destination", std::to_string(delays.destination)}}, histogram_of(delays));
}

} // namespace linehunt::metrics
