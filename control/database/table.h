// SPDX-License-Identifier: Apache-2.0
// The table of destinations in a database, as OpenSIPS' load_balancer module has it (version 3).
// Everything here blocks. Knows nothing of what a row means.
#pragma once

#include "control/database/settings.h"

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::database {

// What numbers of a row may be.
struct number_range {
  std::uint32_t least, most;
  [[nodiscard]] constexpr bool holds(std::uint64_t number) const noexcept {
    return number >= least && number <= most;
  }
};
inline constexpr std::uint32_t largest_number = 0xffffffff;
inline constexpr number_range valid_ids{1, largest_number}, valid_groups{0, largest_number},
    valid_probe_modes{0, 2};

struct row {
  std::uint32_t id = 0; // 0: `faults` say what is wrong with it
  std::uint32_t group = 0;
  std::string uri, resources;
  std::uint8_t probe_mode = 0;
  std::string attrs, description;
  // Columns that are NULL or no number, and what must stand there; their fields are as here.
  std::vector<std::string> faults{};
  friend bool operator==(const row&, const row&) = default;
};

using rows = tl::expected<std::vector<row>, std::string>;

// All rows in the order of their ids, those with faults too. Makes file and table of a SQLite
// database that has none. The error names database and table, and says what to do; it holds no
// password.
[[nodiscard]] rows read_rows(const settings& from);

} // namespace linehunt::database
