// SPDX-License-Identifier: Apache-2.0
// The result of a run, as JSON and as a few lines to read.
#pragma once

#include "tools/pktgen/session.h"

#include <nlohmann/json.hpp>
#include <string>

namespace linehunt::pktgen {

[[nodiscard]] nlohmann::json to_json(const tally& t);
[[nodiscard]] nlohmann::json to_json(const step_result& s);
// One line a step, and the faults and statuses by name where there are any.
[[nodiscard]] std::string to_text(const session& course, bool raw);

} // namespace linehunt::pktgen
