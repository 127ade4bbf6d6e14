// SPDX-License-Identifier: Apache-2.0
// The last good rows of a database in a file, to serve with while the database is away. Replaced as
// a whole or not at all. Knows nothing of SQL.
#pragma once

#include "control/database/table.h"

#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

namespace linehunt::database {

// An empty error: kept. Otherwise what went wrong; the copy from before is then still there.
[[nodiscard]] std::string keep_copy(const settings& from, const std::vector<row>& good);

// The rows that were kept for this database and table. The error says why there are none; see
// open_state_file for `user`.
[[nodiscard]] rows kept_copy(const settings& from, ::uid_t user = ::geteuid());

} // namespace linehunt::database
