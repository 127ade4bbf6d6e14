// SPDX-License-Identifier: Apache-2.0
// See exposition.h.
#include "control/metrics/exposition.h"

#include "control/metrics/families.h"

#include <utility>

namespace linehunt::metrics {

exposition::exposition(node_figures figures) : figures_(std::move(figures)) {
  family_list before, behind;
  add_node(before, figures_);
  add_calls(before, figures_);
  add_workers(behind, figures_);
  before_ = before.text();
  behind_ = behind.text();
  figures_.workers.clear(); // they point to what the workers write
}

std::string exposition::text(const std::atomic<bool>& given_up) const {
  family_list destinations(given_up);
  add_destinations(destinations, figures_);
  return before_ + destinations.text() + behind_;
}

} // namespace linehunt::metrics
