// SPDX-License-Identifier: Apache-2.0
// What `count` of a rule can hold: a destination without that resource holds nothing of it, and its
// calls go on all the same.
#include "control/config/sections.h"

#include <algorithm>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr std::size_t most_named = 5;

bool offers(const destination_entry& d, std::string_view name) {
  return std::ranges::find(d.model.resources, name, &resource_model::name) !=
         d.model.resources.end();
}

std::string named(const std::vector<std::uint32_t>& ids) {
  std::string text = ids.size() == 1 ? "destination" : "destinations";
  for (std::size_t i = 0; i < std::min(ids.size(), most_named); ++i)
    text += fmt::format("{}{}", i == 0 ? " " : ", ", ids[i]);
  if (ids.size() > most_named) text += fmt::format(" and {} more", ids.size() - most_named);
  return text;
}

void check_resource(const configuration& whole, const rule_model& rule, const std::string& name,
                    place at, diagnostics& out) {
  std::vector<std::uint32_t> without;
  std::size_t offering = 0, offering_elsewhere = 0;
  for (const destination_entry& d : whole.destinations) {
    const bool meant = rule.group == 0 || d.model.group == rule.group;
    if (offers(d, name))
      ++(meant ? offering : offering_elsewhere);
    else if (meant)
      without.push_back(d.model.id);
  }
  // Where nobody at all offers it, such calls are refused, which is said elsewhere.
  if (without.empty() || offering + offering_elsewhere == 0) return;
  const std::string group = rule.group == 0 ? "" : fmt::format(" of group {}", rule.group);
  if (offering == 0)
    out.warning(at, fmt::format("[[rule]] count '{}' is offered by no destination{}; calls from "
                                "them will not be counted",
                                name, group));
  else
    out.note(at, fmt::format("[[rule]] count '{}' is not offered by {}{}; calls from there go on "
                             "and hold no line",
                             name, named(without), group));
}

} // namespace

void check_counted(const configuration& whole, diagnostics& out) {
  for (const rule_entry& rule : whole.rules) {
    if (rule.model.action != rule_action::forward || !rule.model.count) continue;
    for (std::size_t i = 0; i < rule.model.resources.size(); ++i)
      check_resource(whole, rule.model, rule.model.resources[i], rule.resource_at[i], out);
  }
}

} // namespace linehunt::config
