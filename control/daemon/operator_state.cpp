// SPDX-License-Identifier: Apache-2.0
// See operator_state.h.
#include "control/daemon/operator_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace linehunt {

void operator_state::apply(std::vector<destination_model>& configured) {
  std::map<std::uint32_t, record> next;
  for (destination_model& model : configured) {
    record now{model.group, model.uri, {model.enabled, false}, {}, false};
    for (const resource_model& resource : model.resources)
      now.resources[resource.name] = {resource.capacity, resource.capacity, false,
                                      resource.heartbeat, false};
    if (const record* const old = whose_status(model)) now.status = old->status;
    if (const record* const old = whose_sizes(model)) {
      for (auto& [name, size] : now.resources) {
        const auto known = old->resources.find(name);
        if (known == old->resources.end()) continue;
        const resized& was = known->second;
        if ((was.changed || was.beaten) && was.configured == size.configured &&
            was.heartbeat == size.heartbeat)
          size = was;
      }
    }
    model.enabled = now.status.enabled;
    for (resource_model& resource : model.resources)
      resource.capacity = now.resources[resource.name].capacity;
    next.emplace(model.id, std::move(now));
  }
  remember_gone(std::exchange(records_, std::move(next)));
  for (auto it = remembered_.begin(); it != remembered_.end();) {
    auto& [whose, r] = *it;
    const auto now = records_.find(std::get<0>(whose));
    const bool holds_now = now != records_.end() && identity_of(now->first, now->second) == whose;
    // Under an id that is in use capacities go by id.
    if (now != records_.end()) {
      r.resources.clear();
      r.before_restart = false;
    }
    it = holds_now || !by_operator(r) ? remembered_.erase(it) : std::next(it);
  }
  while (remembered_.size() > most_remembered)
    remembered_.erase(remembered_.begin());
}

bool operator_state::by_operator(const record& r) {
  return r.status.by_admin ||
         std::ranges::any_of(r.resources, [](const auto& one) { return one.second.changed; });
}

operator_state::identity operator_state::identity_of(std::uint32_t id, const record& r) {
  return {id, r.group, r.uri};
}

void operator_state::remember_gone(std::map<std::uint32_t, record>&& before) {
  for (auto& [id, r] : before) {
    const auto now = records_.find(id);
    const identity whose = identity_of(id, r);
    if (!by_operator(r) || (now != records_.end() && identity_of(id, now->second) == whose))
      continue;
    if (!r.status.by_admin) r.status.enabled = true; // a failure is found again, if it lasts
    std::erase_if(r.resources, [](const auto& one) { return !one.second.changed; });
    remembered_.insert_or_assign(whose, std::move(r));
  }
}

const operator_state::record* operator_state::remembered(const destination_model& model) const {
  const auto found = remembered_.find({model.id, model.group, model.uri});
  return found == remembered_.end() ? nullptr : &found->second;
}

// Another group or URI may be another box, and that of before may come back.
const operator_state::record* operator_state::whose_status(const destination_model& model) const {
  const auto found = records_.find(model.id);
  if (found != records_.end() && found->second.group == model.group &&
      found->second.uri == model.uri)
    return &found->second;
  // What is remembered tells only what admins have disabled.
  const record* const before = remembered(model);
  return before != nullptr && before->status.by_admin ? before : nullptr;
}

const operator_state::record* operator_state::whose_sizes(const destination_model& model) const {
  const auto found = records_.find(model.id);
  if (found != records_.end()) return &found->second;
  for (auto it = remembered_.lower_bound({model.id, 0, {}});
       it != remembered_.end() && std::get<0>(it->first) == model.id; ++it)
    if (it->second.before_restart) return &it->second; // as above, but for the restart
  return remembered(model);
}

void operator_state::remember(const std::vector<operator_change>& changes) {
  for (const operator_change& change : changes) {
    record r{change.group, change.uri, {!change.disabled, change.disabled}, {}, !change.gone};
    for (const operator_change::size& size : change.sizes)
      r.resources[size.resource] = {size.configured, size.capacity, true, std::nullopt, false};
    remembered_.insert_or_assign(identity_of(change.id, r), std::move(r));
  }
}

std::vector<operator_change> operator_state::changes() const {
  std::vector<operator_change> all;
  const auto add = [&](std::uint32_t id, const record& r, bool gone) {
    operator_change change{id, r.group, r.uri, r.status.by_admin && !r.status.enabled, {}, gone};
    for (const auto& [name, size] : r.resources)
      if (size.changed) change.sizes.push_back({name, size.configured, size.capacity});
    if (change.disabled || !change.sizes.empty()) all.push_back(std::move(change));
  };
  for (const auto& [id, r] : records_)
    add(id, r, false);
  for (const auto& [whose, r] : remembered_)
    add(std::get<0>(whose), r, !r.before_restart);
  return all;
}

destination_status operator_state::status(std::uint32_t id) const {
  const auto found = records_.find(id);
  return found == records_.end() ? destination_status{} : found->second.status;
}

void operator_state::set_by_admin(std::uint32_t id, bool enabled) {
  if (const auto found = records_.find(id); found != records_.end())
    found->second.status = {enabled, !enabled};
}

void operator_state::set_usable(std::uint32_t id, bool enabled) {
  if (const auto found = records_.find(id);
      found != records_.end() && !found->second.status.by_admin)
    found->second.status.enabled = enabled;
}

std::int32_t operator_state::capacity(std::uint32_t id, const std::string& resource) const {
  const auto found = records_.find(id);
  if (found == records_.end()) return 0;
  const auto size = found->second.resources.find(resource);
  return size == found->second.resources.end() ? 0 : size->second.capacity;
}

void operator_state::set_capacity(std::uint32_t id, const std::string& resource,
                                  std::int32_t capacity) {
  const auto found = records_.find(id);
  if (found == records_.end()) return;
  if (const auto size = found->second.resources.find(resource);
      size != found->second.resources.end()) {
    size->second.capacity = capacity;
    size->second.changed = true;
  }
}

void operator_state::set_by_heartbeat(std::uint32_t id, const std::string& resource,
                                      std::int32_t capacity) {
  const auto found = records_.find(id);
  if (found == records_.end()) return;
  const auto size = found->second.resources.find(resource);
  if (size == found->second.resources.end() || !size->second.heartbeat) return;
  size->second.capacity = capacity;
  size->second.beaten = true;
  size->second.changed = false;
}

} // namespace linehunt
