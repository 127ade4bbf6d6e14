// SPDX-License-Identifier: Apache-2.0
// The URL of a database: which kind it is, and how SOCI wants to hear it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt::database {

enum class kind : std::uint8_t { sqlite, mysql, postgresql };

struct target {
  database::kind kind = kind::sqlite;
  std::string connection; // SOCI's words
  std::string file;       // of SQLite
  std::string shown;      // the URL without its password, for messages
};

// The error says what is wrong and what to write; it holds no password. A connection, and each
// answer where the client library can, is given up after `timeout_s`.
[[nodiscard]] tl::expected<target, std::string> parse_url(std::string_view url,
                                                          std::uint32_t timeout_s);

} // namespace linehunt::database
