// SPDX-License-Identifier: Apache-2.0
// See operator_state.h.
#include "control/daemon/operator_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace linehunt {

void operator_state::apply(std::vector<destination_model>& configured) {
  std::vector<record> next;
  std::unordered_map<std::uint32_t, std::size_t> places;
  std::size_t disabled = 0;
  next.reserve(configured.size());
  for (destination_model& model : configured) {
    record& now = next.emplace_back();
    now.id = model.id;
    now.group = model.group;
    now.uri = model.uri;
    now.status = {model.enabled, false};
    for (const resource_model& resource : model.resources)
      now.resources.push_back(
          {resource.name, resource.capacity, resource.capacity, false, resource.heartbeat, false});
    if (const record* const old = whose_status(model)) now.status = old->status;
    if (const record* const old = whose_sizes(model)) {
      for (resized& size : now.resources) {
        const resized* const was = resource_of(*old, size.name);
        if (was != nullptr && (was->changed || was->beaten) && was->configured == size.configured &&
            was->heartbeat == size.heartbeat)
          size = *was;
      }
    }
    model.enabled = now.status.enabled;
    for (std::size_t i = 0; i < model.resources.size(); ++i)
      model.resources[i].capacity = now.resources[i].capacity;
    places.emplace(model.id, next.size() - 1);
    disabled += now.status.enabled ? 0 : 1;
  }
  places_ = std::move(places);
  disabled_ = disabled;
  remember_gone(std::exchange(records_, std::move(next)));
  for (auto it = remembered_.begin(); it != remembered_.end();) {
    auto& [whose, r] = *it;
    const record* const now = find(r.id);
    const bool holds_now = now != nullptr && identity_of(*now) == whose;
    // Under an id that is in use capacities go by id.
    if (now != nullptr) {
      r.resources.clear();
      r.before_restart = false;
    }
    it = holds_now || !by_operator(r) ? remembered_.erase(it) : std::next(it);
  }
  while (remembered_.size() > most_remembered)
    remembered_.erase(remembered_.begin());
}

bool operator_state::by_operator(const record& r) {
  return r.status.by_admin || std::ranges::any_of(r.resources, &resized::changed);
}

operator_state::resized* operator_state::resource_of(record& r, const std::string& name) {
  const auto found = std::ranges::find(r.resources, name, &resized::name);
  return found == r.resources.end() ? nullptr : &*found;
}

const operator_state::resized* operator_state::resource_of(const record& r,
                                                           const std::string& name) {
  const auto found = std::ranges::find(r.resources, name, &resized::name);
  return found == r.resources.end() ? nullptr : &*found;
}

operator_state::record* operator_state::find(std::uint32_t id) {
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : &records_[found->second];
}

const operator_state::record* operator_state::find(std::uint32_t id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? nullptr : &records_[found->second];
}

operator_state::identity operator_state::identity_of(const record& r) {
  return {r.id, r.group, r.uri};
}

void operator_state::remember_gone(std::vector<record>&& before) {
  for (record& r : before) {
    const record* const now = find(r.id);
    const identity whose = identity_of(r);
    if (!by_operator(r) || (now != nullptr && identity_of(*now) == whose)) continue;
    if (!r.status.by_admin) r.status.enabled = true; // a failure is found again, if it lasts
    std::erase_if(r.resources, [](const resized& one) { return !one.changed; });
    remembered_.insert_or_assign(whose, std::move(r));
  }
}

const operator_state::record* operator_state::remembered(const destination_model& model) const {
  const auto found = remembered_.find({model.id, model.group, model.uri});
  return found == remembered_.end() ? nullptr : &found->second;
}

// Another group or URI may be another box, and that of before may come back.
const operator_state::record* operator_state::whose_status(const destination_model& model) const {
  const record* const found = find(model.id);
  if (found != nullptr && found->group == model.group && found->uri == model.uri) return found;
  // What is remembered tells only what admins have disabled.
  const record* const before = remembered(model);
  return before != nullptr && before->status.by_admin ? before : nullptr;
}

const operator_state::record* operator_state::whose_sizes(const destination_model& model) const {
  if (const record* const found = find(model.id)) return found;
  for (auto it = remembered_.lower_bound({model.id, 0, {}});
       it != remembered_.end() && it->second.id == model.id; ++it)
    if (it->second.before_restart) return &it->second; // as above, but for the restart
  return remembered(model);
}

void operator_state::remember(const std::vector<operator_change>& changes) {
  for (const operator_change& change : changes) {
    record r{change.id, change.group, change.uri, {!change.disabled, change.disabled},
             {},        !change.gone};
    for (const operator_change::size& size : change.sizes)
      r.resources.push_back(
          {size.resource, size.configured, size.capacity, true, std::nullopt, false});
    remembered_.insert_or_assign(identity_of(r), std::move(r));
  }
}

std::vector<operator_change> operator_state::changes() const {
  std::vector<operator_change> all;
  const auto add = [&](const record& r, bool gone) {
    operator_change change{r.id, r.group, r.uri, r.status.by_admin && !r.status.enabled, {}, gone};
    for (const resized& size : r.resources)
      if (size.changed) change.sizes.push_back({size.name, size.configured, size.capacity});
    std::ranges::sort(change.sizes, {}, &operator_change::size::resource);
    if (change.disabled || !change.sizes.empty()) all.push_back(std::move(change));
  };
  for (const record& r : records_)
    add(r, false);
  std::ranges::sort(all, {}, &operator_change::id);
  for (const auto& [whose, r] : remembered_)
    add(r, !r.before_restart);
  return all;
}

destination_status operator_state::status(std::uint32_t id) const {
  const record* const found = find(id);
  return found == nullptr ? destination_status{} : found->status;
}

void operator_state::set_status(record& r, destination_status status) {
  disabled_ += r.status.enabled ? 1 : 0;
  disabled_ -= status.enabled ? 1 : 0;
  r.status = status;
}

void operator_state::set_by_admin(std::uint32_t id, bool enabled) {
  if (record* const found = find(id)) set_status(*found, {enabled, !enabled});
}

void operator_state::set_usable(std::uint32_t id, bool enabled) {
  if (record* const found = find(id); found != nullptr && !found->status.by_admin)
    set_status(*found, {enabled, false});
}

std::int32_t operator_state::capacity(std::uint32_t id, const std::string& resource) const {
  const record* const found = find(id);
  const resized* const size = found == nullptr ? nullptr : resource_of(*found, resource);
  return size == nullptr ? 0 : size->capacity;
}

void operator_state::set_capacity(std::uint32_t id, const std::string& resource,
                                  std::int32_t capacity) {
  record* const found = find(id);
  resized* const size = found == nullptr ? nullptr : resource_of(*found, resource);
  if (size == nullptr) return;
  size->capacity = capacity;
  size->changed = true;
}

void operator_state::set_by_heartbeat(std::uint32_t id, const std::string& resource,
                                      std::int32_t capacity) {
  record* const found = find(id);
  resized* const size = found == nullptr ? nullptr : resource_of(*found, resource);
  if (size == nullptr || !size->heartbeat) return;
  size->capacity = capacity;
  size->beaten = true;
  size->changed = false;
}

} // namespace linehunt
