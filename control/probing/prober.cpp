// SPDX-License-Identifier: Apache-2.0
// See prober.h.
#include "control/probing/prober.h"

namespace linehunt::probing {

prober::prober(dpdk::runtime& runtime, world_source& source, live_view& view)
    : runtime_(runtime), source_(source), view_(view),
      plan_([this](std::uint32_t id) { return source_.changes().status(id); },
            [this](destination_index index, std::uint64_t number) { return send(index, number); },
            [this](const change& c) { view_.on_probed(c.id, c.enabled, c.status); }) {
  view_.measure_by([this](std::uint32_t id) { return plan_.round_trip_us(id); });
  view_.on_status_change([this](std::uint32_t id) { plan_.on_status_changed(id); });
}

void prober::adopt(const config::configuration& running) {
  const auto& models = source_.destinations();
  const auto& built = runtime_.world().destinations; // in the same order
  std::vector<target> targets;
  for (std::size_t i = 0; i < models.size(); ++i)
    targets.push_back({models[i].id, built[i].index, models[i].uri, models[i].probe_mode,
                       static_cast<unsigned>(built[i].addresses.size())});
  plan_.adopt(running.probing, targets);
}

bool prober::send(destination_index index, std::uint64_t number) {
  mail m;
  m.kind = mail_kind::send_probe;
  m.from = max_workers;
  m.subject = index;
  m.value = static_cast<std::int64_t>(number);
  return runtime_.send(static_cast<worker_id>(index % runtime_.workers()), m);
}

void prober::on_answer(const event& answered) {
  plan_.on_answer(answered.destination, answered.subject, answered.cause, answered.round_trip_us);
}

} // namespace linehunt::probing
