// SPDX-License-Identifier: Apache-2.0
// [[destination]]: the boxes that take calls.
#include "control/config/resources.h"
#include "control/config/sections.h"
#include "control/config/sip_target.h"

#include <fmt/format.h>

namespace linehunt::config {

void read_destinations(table_reader& root, configuration& into, diagnostics& out) {
  for (const toml::table* table : root.tables("destination")) {
    table_reader section(*table, "[[destination]]", out);
    destination_entry entry;
    entry.at = section.at();
    entry.uri_at = section.at("uri");
    section.require("id", "id = 1");
    section.require("uri", "uri = \"sip:192.0.2.21:5060\"");
    section.require("resources", "resources = \"vm=50; pstn=32\"");
    bool complete = section.read("id", entry.id, 1);
    section.read("group", entry.group);
    if (section.read("uri", entry.uri)) {
      if (auto address = sip_target(entry.uri)) {
        entry.address = *address;
      } else {
        section.error("uri", address.error());
        complete = false;
      }
    }
    std::string resources;
    if (section.read("resources", resources)) {
      if (auto parsed = parse_resources(resources)) {
        entry.resources = std::move(*parsed);
      } else {
        section.error("resources", parsed.error());
        complete = false;
      }
    }
    section.read("probe_mode", entry.probe_mode, 0, 2);
    section.read("attrs", entry.attrs);
    section.read("description", entry.description);
    section.finish();
    if (complete) into.destinations.push_back(std::move(entry));
  }
}

} // namespace linehunt::config
