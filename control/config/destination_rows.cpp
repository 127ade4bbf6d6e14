// SPDX-License-Identifier: Apache-2.0
// See destination_rows.h.
#include "control/config/destination_rows.h"

#include "control/config/destination_text.h"
#include "control/config/sections.h"

#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <string>
#include <utility>

namespace linehunt::config {
namespace {

std::string origin_of(const database::row& row, const std::string& table) {
  if (row.id != 0) return fmt::format("table {}, row {}:", table, row.id);
  return fmt::format("table {}, row without a usable id (dst_uri '{}'):", table, as_utf8(row.uri));
}

// What is only shown to people is taken as far as it can be read.
void take_comments(const database::row& row, const std::string& origin, destination_model& model,
                   diagnostics& out) {
  model.attrs = as_utf8(row.attrs);
  model.description = as_utf8(row.description);
  for (const auto& [column, same] : {std::pair{"attrs", model.attrs == row.attrs},
                                     {"description", model.description == row.description}})
    if (!same)
      out.warning({}, fmt::format("{} {} is no UTF-8, and is shown with U+FFFD in the place of "
                                  "what cannot be read; store it as UTF-8",
                                  origin, column));
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

using known_ids = std::map<std::uint32_t, std::string>;

known_ids ids_of(const configuration& whole) {
  known_ids ids;
  diagnostics said_before(std::string{});
  for (const destination_entry& d : whole.destinations)
    check_destination(whole, d, ids, said_before);
  return ids;
}

// What is wrong with it beside the others; each names its row.
std::vector<std::string> conflicts(const configuration& whole, const destination_entry& entry,
                                   known_ids& ids) {
  diagnostics out(std::string{});
  check_destination(whole, entry, ids, out);
  std::vector<std::string> all;
  for (const diagnostic& d : out.sorted())
    all.push_back(d.message);
  return all;
}

} // namespace

std::vector<database::row> add_rows(const std::vector<database::row>& rows, configuration& whole,
                                    diagnostics& out, wrong_rows what) {
  const bool leave_out = what == wrong_rows::leave_out;
  const std::size_t of_file = whole.destinations.size();
  known_ids ids = leave_out ? ids_of(whole) : known_ids{};
  std::vector<database::row> good;
  for (const database::row& row : rows) {
    destination_entry entry;
    entry.origin = origin_of(row, whole.database.table);
    destination_model& model = entry.model;
    model.id = row.id;
    model.group = row.group;
    model.probe_mode = row.probe_mode;
    std::vector<std::string> faults = take_texts(row, model);
    for (std::string& fault : faults)
      fault = fmt::format("{} {}", entry.origin, as_utf8(fault));
    if (leave_out && faults.empty()) faults = conflicts(whole, entry, ids);
    for (std::string& fault : faults) {
      if (leave_out)
        out.warning({}, fault + "; left out until a reload finds it mended");
      else
        out.error({}, std::move(fault));
    }
    if (!faults.empty()) continue;
    take_comments(row, entry.origin, model, out);
    whole.destinations.push_back(std::move(entry));
    good.push_back(row);
  }
  if (!out.failed()) check_destinations(whole, out);
  if (out.failed()) return good;
  check_places(whole, of_file, out);
  check_counted(whole, out);
  return good;
}

} // namespace linehunt::config
