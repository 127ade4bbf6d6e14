// SPDX-License-Identifier: Apache-2.0
// [database]: where destinations come from besides the file.
#include "control/config/sections.h"
#include "control/database/url.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

bool is_table_name(const std::string& name) {
  return !name.empty() && name.size() <= 63 &&
         std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name,
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

} // namespace

void read_database(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("database");
  if (!table) {
    into.broken.destinations |= root.has("database"); // it is no table
    return;
  }
  table_reader section(*table, "[database]", out);
  const std::size_t errors_before = out.error_count();
  database::settings& database = into.database;
  section.require("url", "url = \"sqlite:///var/lib/linehunt/linehunt.db\"");
  section.read("table", database.table);
  if (!is_table_name(database.table))
    section.error("table", fmt::format("table '{}' is no name of a table; write letters, digits "
                                       "and '_' only",
                                       database.table));
  section.read("copy", database.copy);
  if (!database.copy.empty() && database.copy[0] != '/')
    section.error("copy", fmt::format("copy '{}' must begin with '/'; write an absolute path, or "
                                      "\"\" for no copy",
                                      database.copy));
  section.read("timeout_s", database.timeout_s, 1, 60);
  section.read("retry_s", database.retry_s, 1, 3600);
  if (section.read("url", database.url))
    if (const auto where = database::parse_url(database.url, database.timeout_s); !where)
      section.error("url", where.error());
  section.finish();
  if (out.error_count() != errors_before) into.broken.destinations = true;
}

} // namespace linehunt::config
