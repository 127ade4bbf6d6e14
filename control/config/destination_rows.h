// SPDX-License-Identifier: Apache-2.0
// Rows of a database as destinations, beside those of the file.
#pragma once

#include "control/config/configuration.h"
#include "control/database/table.h"

#include <vector>

namespace linehunt::config {

// What becomes of a row with a value that cannot be, or that is at odds with a destination of the
// file: an error, or a warning and it is left out.
enum class wrong_rows : bool { refuse, leave_out };

// Puts the rows behind the destinations of the file and checks all of them. Every error names its
// row; where there is one, `whole` is of no use. The rows that were not left out.
std::vector<database::row> add_rows(const std::vector<database::row>& rows, configuration& whole,
                                    diagnostics& out, wrong_rows what = wrong_rows::refuse);

} // namespace linehunt::config
