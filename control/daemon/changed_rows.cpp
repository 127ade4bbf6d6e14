// SPDX-License-Identifier: Apache-2.0
// See changed_rows.h.
#include "control/daemon/changed_rows.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <span>
#include <vector>

namespace linehunt {
namespace {

using ids = std::vector<std::uint32_t>;
constexpr std::size_t most_shown = 20;

ids ids_of(const config::configuration& whole) {
  ids all;
  for (const config::destination_entry& d : whole.destinations)
    all.push_back(d.model.id);
  std::ranges::sort(all);
  return all;
}

// "added 4, 5"; empty where there are none.
std::string said(const char* what, const ids& from, const ids& without) {
  ids all;
  std::ranges::set_difference(from, without, std::back_inserter(all));
  if (all.empty()) return {};
  const std::span shown(all.data(), std::min(all.size(), most_shown));
  std::string text = fmt::format("{} {}", what, fmt::join(shown, ", "));
  if (all.size() > most_shown) text += fmt::format(" and {} more", all.size() - most_shown);
  return text;
}

} // namespace

std::string changed_ids(const config::configuration& before, const config::configuration& after) {
  const ids old = ids_of(before), now = ids_of(after);
  const std::string added = said("added", now, old), removed = said("removed", old, now);
  if (added.empty() && removed.empty()) return {};
  return fmt::format("destinations {}{}{}", added, added.empty() || removed.empty() ? "" : "; ",
                     removed);
}

} // namespace linehunt
