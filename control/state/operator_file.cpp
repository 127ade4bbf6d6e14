// SPDX-License-Identifier: Apache-2.0
// See operator_file.h.
#include "control/state/operator_file.h"

#include "control/state/file_replacement.h"
#include "control/state/json_number.h"
#include "control/state/state_file.h"

#include <nlohmann/json.hpp>

namespace linehunt {
namespace {

using nlohmann::json;

constexpr int operator_file_version = 1;

} // namespace

std::string keep_changes(const std::string& path, const std::vector<operator_change>& changes) {
  json all = {{"linehunt_changes", operator_file_version}, {"destinations", json::array()}};
  for (const operator_change& change : changes) {
    json sizes = json::array();
    for (const operator_change::size& size : change.sizes)
      sizes.push_back({{"resource", size.resource},
                       {"configured", size.configured},
                       {"capacity", size.capacity}});
    all["destinations"].push_back({{"id", change.id},
                                   {"group", change.group},
                                   {"uri", change.uri},
                                   {"disabled", change.disabled},
                                   {"gone", change.gone},
                                   {"resized", std::move(sizes)}});
  }
  return replace_file(path, all.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

tl::expected<std::vector<operator_change>, std::string> kept_changes(const std::string& path,
                                                                     ::uid_t user) {
  std::vector<operator_change> changes;
  const auto all = read_state_json(path, "linehunt_changes", operator_file_version, user);
  if (!all) return tl::unexpected(all.error());
  if (all->is_null()) return changes;
  try {
    for (const json& one : all->at("destinations")) {
      operator_change& change = changes.emplace_back();
      change.id = number_in<std::uint32_t>(one.at("id"));
      change.group = number_in<std::uint32_t>(one.at("group"));
      one.at("uri").get_to(change.uri);
      one.at("disabled").get_to(change.disabled);
      change.gone = one.value("gone", false);
      for (const json& size : one.at("resized"))
        change.sizes.push_back({size.at("resource").get<std::string>(),
                                number_in<std::int32_t>(size.at("configured")),
                                number_in<std::int32_t>(size.at("capacity"))});
    }
  } catch (const json::exception&) {
    return tl::unexpected(damaged(path));
  }
  return changes;
}

} // namespace linehunt
