// SPDX-License-Identifier: Apache-2.0
// The last good rows of a database in a file, to serve with while the database is away. Replaced as
// a whole or not at all. Knows nothing of SQL.
#pragma once

#include "control/database/table.h"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <unistd.h>
#include <vector>

namespace linehunt::database {

// An empty error: kept. Otherwise what went wrong; the copy from before is then still there.
[[nodiscard]] std::string keep_copy(const settings& from, const std::vector<row>& good);

// Why there are no rows of a copy. One that is there and cannot be used may have had some.
struct no_copy {
  enum class reason : std::uint8_t { absent, of_another_database, unusable };
  reason why = reason::absent;
  std::string message;
};
using kept_rows = tl::expected<std::vector<row>, no_copy>;

// The rows that were kept for this database and table, whoever it was read as; see open_state_file
// for `user`.
[[nodiscard]] kept_rows kept_copy(const settings& from, ::uid_t user = ::geteuid());

} // namespace linehunt::database
