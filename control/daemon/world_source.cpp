// SPDX-License-Identifier: Apache-2.0
// See world_source.h.
#include "control/daemon/world_source.h"

#include "control/config/snapshot_source.h"

#include <algorithm>
#include <utility>

namespace linehunt {

std::unique_ptr<const snapshot> world_source::build(const config::configuration& whole,
                                                    config::diagnostics& out) {
  snapshot_model model = config::snapshot_source(whole);
  operator_state changes = changes_;
  changes.apply(model.destinations);
  model.generation = generation_ + 1;
  std::vector<build_error> errors;
  auto built = build_snapshot(model, book_, errors);
  if (!built) {
    config::place_errors(errors, whole, out);
    return nullptr;
  }
  changes_ = std::move(changes);
  retire(*built);
  destinations_ = std::move(model.destinations);
  slots_.clear();
  for (const destination& d : built->destinations) {
    std::vector<slot_index>& slots = slots_.emplace_back();
    for (const resource& r : d.resources)
      slots.push_back(r.slot);
  }
  generation_ = model.generation;
  return built;
}

void world_source::retire(const snapshot& next) {
  const auto configured = [&](const destination_model& model) {
    return std::ranges::find(next.destinations, model.id, &destination::id) !=
           next.destinations.end();
  };
  std::erase_if(draining_, [&](const retired& r) { return configured(r.model); });
  for (std::size_t i = 0; i < destinations_.size(); ++i)
    if (!configured(destinations_[i]))
      draining_.push_back({std::move(destinations_[i]), std::move(slots_[i])});
}

void world_source::release_unheld(const std::function<bool(slot_index)>& held) {
  if (book_.retired() != 0) (void)book_.release_unheld(held);
  std::erase_if(draining_, [&](const retired& r) { return std::ranges::none_of(r.slots, held); });
}

} // namespace linehunt
