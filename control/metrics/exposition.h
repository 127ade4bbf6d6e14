// SPDX-License-Identifier: Apache-2.0
// The text that Prometheus scrapes. Names follow its conventions: base units, _total for what only
// rises. Labels are bounded by the configuration: destinations, their resources, workers, verdicts.
#pragma once

#include "control/metrics/node_figures.h"

#include <string>
#include <string_view>

namespace linehunt::metrics {

inline constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string exposition(const node_figures& figures);

} // namespace linehunt::metrics
