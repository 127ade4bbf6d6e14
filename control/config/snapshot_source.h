// SPDX-License-Identifier: Apache-2.0
// From a checked configuration to the model that snapshots are built from: listeners with their
// network ports, routes, destinations, rules.
#pragma once

#include "control/config/configuration.h"
#include "dataplane/snapshot_builder.h"

namespace linehunt::config {

[[nodiscard]] snapshot_model snapshot_source(const configuration& whole);

// Builds a snapshot only to hear what is wrong with it. Patterns are compiled here, but for those
// that `whole.patterns` has, and stay there.
void check_snapshot(configuration& whole, diagnostics& out);

// Says the errors of the builder at their places in the file.
void place_errors(const std::vector<build_error>& errors, const configuration& whole,
                  diagnostics& out);

} // namespace linehunt::config
