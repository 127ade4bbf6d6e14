// SPDX-License-Identifier: Apache-2.0
// What `linehunt check` says of the copy of a database's rows, with which a start serves until the
// database answers. Asks no database.
#pragma once

#include "control/config/configuration.h"

#include <cstddef>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace linehunt {

struct copy_verdict {
  std::vector<std::string> lines;  // as of the file
  std::optional<std::size_t> rows; // that a start takes of it
  bool fails = false;              // no start would serve with it, nor without
};

// `user`: of [service], who has written the copy. Nothing is said where none is there yet.
[[nodiscard]] copy_verdict check_copy(const config::configuration& file_says,
                                      const std::string& file, ::uid_t user);

} // namespace linehunt
