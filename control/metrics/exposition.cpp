// SPDX-License-Identifier: Apache-2.0
// See exposition.h.
#include "control/metrics/exposition.h"

#include "control/metrics/families.h"

#include <prometheus/text_serializer.h>

namespace linehunt::metrics {

std::string exposition(const node_figures& figures) {
  family_list all;
  add_node(all, figures);
  add_calls(all, figures);
  add_destinations(all, figures);
  add_workers(all, figures);
  return prometheus::TextSerializer{}.Serialize(all.all());
}

} // namespace linehunt::metrics
