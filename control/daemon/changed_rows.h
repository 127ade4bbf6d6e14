// SPDX-License-Identifier: Apache-2.0
// Which destinations a reload has added and removed, in words for the log.
#pragma once

#include "control/config/configuration.h"

#include <string>

namespace linehunt {

// One line with the ids in their order, at most 20 of each kind, and how many more there are.
// Empty: both have the same ids.
[[nodiscard]] std::string changed_ids(const config::configuration& before,
                                      const config::configuration& after);

} // namespace linehunt
