// SPDX-License-Identifier: Apache-2.0
// See world_source.h.
#include "control/daemon/world_source.h"

#include "control/config/snapshot_source.h"

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
  destinations_ = std::move(model.destinations);
  generation_ = model.generation;
  return built;
}

} // namespace linehunt
