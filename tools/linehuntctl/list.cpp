// SPDX-License-Identifier: Apache-2.0
// linehuntctl list: destinations with their loads.
#include "dataplane/printable.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <fmt/format.h>

namespace linehunt::ctl {
namespace {

constexpr std::size_t bar_cells = 24;

void add_rows(table& rows, const json& destination, bool bars) {
  std::vector<std::string> head{fmt::to_string(destination.value("id", 0u)),
                                fmt::to_string(destination.value("group", 0u)),
                                state_of(destination), printable(destination.value("uri", ""))};
  const json resources = destination.value("Resources", json::array());
  if (resources.empty()) {
    head.insert(head.end(), bars ? 5 : 4, "-");
    rows.add(std::move(head));
    return;
  }
  for (const json& resource : resources) {
    const auto max = resource.value("max", std::int64_t{0});
    const auto load = resource.value("load", std::int64_t{0});
    auto cells = head;
    cells.push_back(printable(resource.value("name", "")));
    cells.push_back(fmt::to_string(load));
    cells.push_back(fmt::to_string(max));
    cells.push_back(fmt::to_string(max - load));
    const double share =
        max > 0 ? static_cast<double>(load) / static_cast<double>(max) : (load > 0 ? 1.0 : 0.0);
    if (bars) cells.push_back(load_bar(share, bar_cells));
    rows.add(std::move(cells));
    head.assign(head.size(), "");
  }
}

// What a table has no room for, one line each: "3: no address: no such name".
std::string notes_on(const json& destination) {
  std::string out;
  const auto note = [&](const std::string& what) {
    out += fmt::format("{}: {}\n", destination.value("id", 0u), printable(what));
  };
  if (destination.contains("unresolved"))
    note("no address: " + destination.value("unresolved", ""));
  if (destination.contains("stale"))
    note("addresses are older than DNS allows: " + destination.value("stale", ""));
  if (destination.contains("paused"))
    note(fmt::format("no new calls for {} s, as it asked with Retry-After",
                     destination.value("paused", 0u)));
  for (const json& resource : destination.value("Resources", json::array())) {
    const std::string beat = resource.value("heartbeat", "fresh");
    if (beat != "fresh")
      note(fmt::format("{}: its heartbeat is {}", resource.value("name", ""), beat));
    if (resource.value("draining", false))
      note(resource.value("name", "") + ": no longer offered, but calls still hold lines of it");
  }
  return out;
}

} // namespace

std::string state_of(const json& destination) {
  if (destination.value("draining", false)) return "draining";
  if (destination.value("enabled", "") == "yes") {
    if (destination.contains("unresolved")) return "unresolved";
    return destination.contains("paused") ? "paused" : "enabled";
  }
  // What an admin disabled stays so; what failed may come back by itself.
  return destination.value("auto-reenable", "") == "on" ? "failed" : "disabled";
}

std::string list_text(const json& answer, bool bars) {
  std::vector<table::column> columns{{"ID", align::right},
                                     {"GROUP", align::right},
                                     {"STATUS"},
                                     {"URI"},
                                     {"RESOURCE"},
                                     {"LOAD", align::right},
                                     {"MAX", align::right},
                                     {"FREE", align::right}};
  if (bars) columns.push_back({""});
  table rows(std::move(columns));
  std::string notes;
  for (const json& destination : answer.value("Destinations", json::array())) {
    add_rows(rows, destination, bars);
    notes += notes_on(destination);
  }
  return rows.text() + notes;
}

outcome list(connection& daemon, const output_style& style) {
  const auto answer = daemon.call("lb_list");
  if (!answer) return tl::unexpected(answer.error());
  if (style.as_json)
    print(*answer);
  else
    print(list_text(*answer, style.terminal));
  return {};
}

} // namespace linehunt::ctl
