// SPDX-License-Identifier: Apache-2.0
// What a reload cannot change, because workers, ports and tables stand on it from the start.
#pragma once

#include "control/config/configuration.h"

namespace linehunt::config {

// One error for each key in which `next` asks for something else than what runs.
void refuse_unchangeable(const configuration& running, const configuration& next, diagnostics& out);

} // namespace linehunt::config
