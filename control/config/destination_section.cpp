// SPDX-License-Identifier: Apache-2.0
// [[destination]]: the boxes that take calls.
#include "control/config/sections.h"
#include "control/config/sip_target.h"

#include <fmt/format.h>

namespace linehunt::config {

namespace {

bool read_uri(table_reader& section, destination_model& model) {
  if (!section.read("uri", model.uri)) return false;
  const auto address = sip_target(model.uri);
  if (!address) {
    section.error("uri", address.error());
    return false;
  }
  model.addresses = {*address};
  return true;
}

bool read_resources(table_reader& section, destination_model& model) {
  std::string text;
  if (!section.read("resources", text)) return false;
  std::vector<std::string> faults;
  model.resources = parse_resources(text, faults);
  for (const resource_model& resource : model.resources)
    if (resource.heartbeat)
      faults.push_back(fmt::format("\"{}\" follows a FreeSWITCH heartbeat, which this version does "
                                   "not do; write a number",
                                   resource.label));
  for (const std::string& fault : faults)
    section.error("resources", fault);
  return faults.empty();
}

} // namespace

void read_destinations(table_reader& root, configuration& into, diagnostics& out) {
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
    const bool has_uri = read_uri(section, model);
    const bool has_resources = read_resources(section, model);
    section.read("probe_mode", model.probe_mode, 0, 2);
    section.read("attrs", model.attrs);
    section.read("description", model.description);
    section.finish();
    if (has_id && has_uri && has_resources) into.destinations.push_back(std::move(entry));
  }
}

} // namespace linehunt::config
