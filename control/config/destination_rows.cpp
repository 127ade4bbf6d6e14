// SPDX-License-Identifier: Apache-2.0
// See destination_rows.h.
#include "control/config/destination_rows.h"

#include "control/config/destination_text.h"
#include "control/config/sections.h"

#include <fmt/format.h>
#include <utility>

namespace linehunt::config {

void add_rows(const std::vector<database::row>& rows, configuration& whole, diagnostics& out,
              wrong_rows what) {
  for (const database::row& row : rows) {
    destination_entry entry;
    entry.origin = fmt::format("table {}, row {}:", whole.database.table, row.id);
    destination_model& model = entry.model;
    model.id = row.id;
    model.group = row.group;
    model.probe_mode = row.probe_mode;
    model.attrs = row.attrs;
    model.description = row.description;
    auto faults = take_uri(row.uri, model);
    for (std::string& fault : take_resources(row.resources, model))
      faults.push_back(std::move(fault));
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
}

} // namespace linehunt::config
  if (!out.failed()) check_counted(whole, out);
