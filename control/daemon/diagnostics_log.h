// SPDX-License-Identifier: Apache-2.0
// What is said of the configuration, or of rows of the database, while linehunt runs: the lines
// that `linehunt check` prints, in the log.
#pragma once

#include "control/config/diagnostics.h"

namespace linehunt {

// An error as an error, a warning as a warning, a note as information.
void log_diagnostics(const config::diagnostics& said);

} // namespace linehunt
