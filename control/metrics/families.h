// SPDX-License-Identifier: Apache-2.0
// What is measured, as metric families; one source file a group.
#pragma once

#include "control/metrics/family_list.h"
#include "control/metrics/node_figures.h"

namespace linehunt::metrics {

void add_calls(family_list& out, const node_figures& figures);
void add_destinations(family_list& out, const node_figures& figures);
void add_workers(family_list& out, const node_figures& figures);
void add_node(family_list& out, const node_figures& figures);

} // namespace linehunt::metrics
