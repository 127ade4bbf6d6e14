// SPDX-License-Identifier: Apache-2.0
// See world_source.h.
#include "control/daemon/world_source.h"

#include "control/config/snapshot_source.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace linehunt {

std::unique_ptr<const snapshot> world_source::build(const config::configuration& whole,
                                                    config::diagnostics& out) {
  snapshot_model model = config::snapshot_source(whole);
  if (addresses_) resolve(model);
  operator_state changes = changes_;
  changes.apply(model.destinations);
  model.generation = generation_ + 1;
  std::vector<build_error> errors;
  auto built = build_snapshot(model, book_, errors);
  if (!built) {
    config::place_errors(errors, whole, out);
    return nullptr;
  }
  changes_ = std::move(changes);
  std::vector<published> next = published_in(*built, whole);
  retire(*built);
  destinations_ = std::move(model.destinations);
  published_ = std::move(next);
  generation_ = model.generation;
  return built;
}

// What is configured as an address has one already, and no port 0.
void world_source::resolve(snapshot_model& model) const {
  for (destination_model& destination : model.destinations) {
    if (!destination.addresses.empty()) continue;
    dns::found_addresses found = addresses_(destination.uri);
    destination.addresses = std::move(found.addresses);
    destination.turns = std::move(found.turns);
  }
  for (rule_model& rule : model.rules) {
    if (rule.action != rule_action::forward || rule.target.port != 0) continue;
    const dns::found_addresses found = addresses_(rule.target_uri);
    if (!found.addresses.empty()) rule.target = found.addresses.front();
  }
}

// What has been known so far, draining or configured, and is not in `next`.
void world_source::retire(const snapshot& next) {
  std::unordered_set<std::uint32_t> ids;
  std::unordered_set<slot_index> slots;
  for (const destination& d : next.destinations) {
    ids.insert(d.id);
    for (const resource& r : d.resources)
      slots.insert(r.slot);
  }
  std::vector<retired> before = std::exchange(draining_, {});
  for (std::size_t i = 0; i < destinations_.size(); ++i)
    before.push_back(
        {std::move(destinations_[i]), published_[i].index, std::move(published_[i].slots)});
  std::vector<retired_resource> resources = std::exchange(draining_resources_, {});
  for (retired& one : before) {
    if (!ids.contains(one.model.id)) {
      draining_.push_back(std::move(one));
      continue;
    }
    for (std::size_t r = 0; r < one.slots.size(); ++r)
      resources.push_back({one.model.id, std::move(one.model.resources[r]), one.slots[r]});
  }
  for (retired_resource& one : resources) {
    if (slots.contains(one.slot)) continue;
    const auto gone =
        std::ranges::find(draining_, one.id, [](const retired& r) { return r.model.id; });
    if (gone == draining_.end()) {
      draining_resources_.push_back(std::move(one));
      continue;
    }
    gone->model.resources.push_back(std::move(one.model));
    gone->slots.push_back(one.slot);
  }
  std::ranges::stable_sort(draining_resources_, {}, &retired_resource::id);
}

std::vector<world_source::published>
world_source::published_in(const snapshot& next, const config::configuration& whole) const {
  std::unordered_map<destination_index, std::size_t> places; // in the last one
  for (std::size_t i = 0; i < published_.size(); ++i)
    places.emplace(published_[i].index, i);
  std::vector<published> all;
  all.reserve(next.destinations.size());
  for (const destination& d : next.destinations) {
    published& one = all.emplace_back();
    one.index = d.index;
    one.since = next.generation;
    one.has_name = whole.destinations[all.size() - 1].model.addresses.empty();
    for (const resource& r : d.resources)
      one.slots.push_back(r.slot);
    const auto before = places.find(d.index);
    if (before == places.end()) continue;
    const destination_model& had_it = destinations_[before->second];
    if (had_it.id == d.id && had_it.group == d.group && had_it.uri == d.uri)
      one.since = published_[before->second].since;
  }
  return all;
}

bool world_source::is_still(destination_index index, std::uint16_t generation) const {
  const auto found = std::ranges::find(published_, index, &published::index);
  const auto age = static_cast<std::uint16_t>(generation_ - generation);
  return found != published_.end() && found->since + age <= generation_;
}

std::span<const world_source::retired_resource>
world_source::draining_resources(std::uint32_t id) const noexcept {
  const auto before = [id](const retired_resource& one) { return one.id < id; };
  const auto of_it = [id](const retired_resource& one) { return one.id == id; };
  const auto first =
      std::partition_point(draining_resources_.begin(), draining_resources_.end(), before);
  return {first, std::partition_point(first, draining_resources_.end(), of_it)};
}

void world_source::release_settled(const std::function<bool(slot_index)>& held,
                                   const std::function<bool(destination_index)>& has_calls,
                                   const settling& settled) {
  if (book_.retired() != 0) {
    std::vector<slot_index> unheld = book_.retired_slots();
    std::erase_if(unheld, held);
    if (!unheld.empty()) unheld = settled(std::move(unheld));
    const std::unordered_set<slot_index> done(unheld.begin(), unheld.end());
    (void)book_.release_unheld([&](slot_index s) { return !done.contains(s); }, has_calls);
    // Calls that go on hold other slots: these may be another destination's from now on.
    for (retired& one : draining_) {
      for (std::size_t r = one.slots.size(); r-- > 0;) {
        if (!done.contains(one.slots[r])) continue;
        one.slots.erase(one.slots.begin() + static_cast<std::ptrdiff_t>(r));
        one.model.resources.erase(one.model.resources.begin() + static_cast<std::ptrdiff_t>(r));
      }
    }
  }
  std::erase_if(draining_, [&](const retired& r) { return !has_calls(r.index); });
  std::erase_if(draining_resources_, [&](const retired_resource& r) { return !held(r.slot); });
}

} // namespace linehunt
