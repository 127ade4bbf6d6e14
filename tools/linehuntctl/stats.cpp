// SPDX-License-Identifier: Apache-2.0
// linehuntctl stats: the counters of the daemon.
#include "dataplane/printable.h"
#include "dataplane/verdict.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <fmt/format.h>

namespace linehunt::ctl {
namespace {

// What a verdict means, for those who do not know its name by heart.
std::string_view meaning_of_statistic(std::string_view name) {
  constexpr std::string_view group = "verdict:";
  if (!name.starts_with(group)) return {};
  name.remove_prefix(group.size());
  for (std::size_t v = 0; v < verdict_count; ++v)
    if (name_of(static_cast<verdict>(v)) == name) return meaning_of(static_cast<verdict>(v));
  return {};
}

} // namespace

outcome stats(connection& daemon, const output_style& style, const std::vector<std::string>& names,
              bool zeros) {
  const json wanted = names.empty() ? json::array({"all"}) : json(names);
  const auto answer = daemon.call("get_statistics", {{"statistics", wanted}});
  if (!answer) return tl::unexpected(answer.error());
  if (style.as_json) {
    print(*answer);
    return {};
  }
  table rows({{"STATISTIC"}, {"VALUE", align::right}, {"MEANING"}});
  for (const auto& [name, value] : answer->items()) {
    // Whoever asked by name wants to see a zero too.
    if (!zeros && names.empty() && value == 0) continue;
    rows.add({printable(name), printable(value.dump()), std::string{meaning_of_statistic(name)}});
  }
  print(rows.text());
  return {};
}

} // namespace linehunt::ctl
