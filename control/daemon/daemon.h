// SPDX-License-Identifier: Apache-2.0
// The whole daemon: workers, admin socket and one event loop, from a checked configuration until a
// signal ends it.
#pragma once

#include "control/config/configuration.h"

#include <string>

namespace linehunt {

// Serves until a signal ends it and returns the exit status: 0, or 1 where it could not start or a
// device was lost, which has then been logged. `file` is the configuration's name, for messages.
[[nodiscard]] int run_daemon(const config::configuration& whole, const std::string& file);

} // namespace linehunt
