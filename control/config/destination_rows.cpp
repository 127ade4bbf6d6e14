// SPDX-License-Identifier: Apache-2.0
// See destination_rows.h.
#include "control/config/destination_rows.h"

#include "control/config/destination_text.h"
#include "control/config/sections.h"

#include <fmt/format.h>
#include <utility>

namespace linehunt::config {
namespace {

std::string origin_of(const database::row& row, const std::string& table) {
  if (row.id != 0) return fmt::format("table {}, row {}:", table, row.id);
  return fmt::format("table {}, row without a usable id (dst_uri '{}'):", table, row.uri);
}

// Of a column that is NULL nothing more need be said.
std::vector<std::string> take_texts(const database::row& row, destination_model& model) {
  std::vector<std::string> faults = row.faults;
  const auto add = [&](std::vector<std::string> more) {
    faults.insert(faults.end(), more.begin(), more.end());
  };
  if (!row.uri.empty() || row.faults.empty()) add(take_uri(row.uri, model));
  if (!row.resources.empty() || row.faults.empty()) add(take_resources(row.resources, model));
  return faults;
}

} // namespace

void add_rows(const std::vector<database::row>& rows, configuration& whole, diagnostics& out,
              wrong_rows what) {
  for (const database::row& row : rows) {
    destination_entry entry;
    entry.origin = origin_of(row, whole.database.table);
    destination_model& model = entry.model;
    model.id = row.id;
    model.group = row.group;
    model.probe_mode = row.probe_mode;
    model.attrs = row.attrs;
    model.description = row.description;
    const auto faults = take_texts(row, model);
    for (const std::string& fault : faults) {
      if (what == wrong_rows::refuse)
        out.error({}, fmt::format("{} {}", entry.origin, fault));
      else
        out.warning(
            {}, fmt::format("{} {}; left out until a reload finds it mended", entry.origin, fault));
    }
    if (faults.empty()) whole.destinations.push_back(std::move(entry));
  }
  if (!out.failed()) check_destinations(whole, out);
  if (!out.failed()) check_counted(whole, out);
}

} // namespace linehunt::config
