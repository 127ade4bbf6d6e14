// SPDX-License-Identifier: Apache-2.0
// [[destination]]: the boxes that take calls.
#include "control/config/destination_text.h"
#include "control/config/sections.h"

#include <string>
#include <string_view>
#include <vector>

namespace linehunt::config {

namespace {

using taking = std::vector<std::string> (*)(std::string_view text, destination_model& model);

bool read_with(table_reader& section, std::string_view key, taking take, destination_model& model) {
  std::string text;
  if (!section.read(key, text)) return false;
  const auto faults = take(text, model);
  for (const std::string& fault : faults)
    section.error(key, fault);
  return faults.empty();
}

} // namespace

void read_destinations(table_reader& root, configuration& into, diagnostics& out) {
  const std::size_t errors_before = out.error_count();
  for (const toml::table* table : root.tables("destination")) {
    table_reader section(*table, "[[destination]]", out);
    destination_entry entry;
    destination_model& model = entry.model;
    entry.at = section.at();
    entry.uri_at = section.at("uri");
    section.require("id", "id = 1");
    section.require("uri", "uri = \"sip:192.0.2.21:5060\"");
    section.require("resources", "resources = \"vm=50; pstn=32\"");
    const bool has_id = section.read("id", model.id, 1);
    section.read("group", model.group);
    const bool has_uri = read_with(section, "uri", take_uri, model);
    const bool has_resources = read_with(section, "resources", take_resources, model);
    section.read("probe_mode", model.probe_mode, 0, 2);
    section.read("attrs", model.attrs);
    section.read("description", model.description);
    section.finish();
    if (has_id && has_uri && has_resources) into.destinations.push_back(std::move(entry));
  }
  if (out.error_count() != errors_before) into.broken.destinations = true;
}

} // namespace linehunt::config
