// SPDX-License-Identifier: Apache-2.0
// See operator_state.h.
#include "control/daemon/operator_state.h"

#include <algorithm>
#include <utility>

namespace linehunt {

void operator_state::apply(std::vector<destination_model>& configured) {
  std::map<std::uint32_t, record> next;
  for (destination_model& model : configured) {
    record now{model.group, model.uri, {model.enabled, false}, {}};
    for (const resource_model& resource : model.resources)
      now.resources[resource.name] = {resource.capacity, resource.capacity, false,
                                      resource.heartbeat, false};
    if (const record* const before = known(model)) {
      const record& old = *before;
      // What is remembered tells only what admins have disabled.
      const bool says_status = old.status.by_admin || records_.contains(model.id);
      if (says_status && old.group == model.group && old.uri == model.uri) now.status = old.status;
      for (auto& [name, size] : now.resources) {
        const auto known = old.resources.find(name);
        if (known == old.resources.end()) continue;
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
  std::erase_if(remembered_, [this](const auto& one) { return records_.contains(one.first); });
  while (remembered_.size() > most_remembered)
    remembered_.erase(remembered_.begin());
}

bool operator_state::by_operator(const record& r) {
  return r.status.by_admin ||
         std::ranges::any_of(r.resources, [](const auto& one) { return one.second.changed; });
}

void operator_state::remember_gone(std::map<std::uint32_t, record> before) {
  for (auto& [id, r] : before) {
    if (records_.contains(id) || !by_operator(r)) continue;
    if (!r.status.by_admin) r.status.enabled = true; // a failure is found again, if it lasts
    std::erase_if(r.resources, [](const auto& one) { return !one.second.changed; });
    remembered_.insert_or_assign(id, std::move(r));
  }
}

// An id that comes back may be another box by now.
const operator_state::record* operator_state::known(const destination_model& model) const {
  if (const auto found = records_.find(model.id); found != records_.end()) return &found->second;
  const auto found = remembered_.find(model.id);
  const bool same = found != remembered_.end() && found->second.group == model.group &&
                    found->second.uri == model.uri;
  return same ? &found->second : nullptr;
}

void operator_state::remember(const std::vector<operator_change>& changes) {
  for (const operator_change& change : changes) {
    record r{change.group, change.uri, {!change.disabled, change.disabled}, {}};
    for (const operator_change::size& size : change.sizes)
      r.resources[size.resource] = {size.configured, size.capacity, true, std::nullopt, false};
    remembered_.insert_or_assign(change.id, std::move(r));
  }
}

std::vector<operator_change> operator_state::changes() const {
  std::vector<operator_change> all;
  for (const auto* records : {&records_, &remembered_}) {
    for (const auto& [id, r] : *records) {
      operator_change change{id, r.group, r.uri, r.status.by_admin && !r.status.enabled, {}};
      for (const auto& [name, size] : r.resources)
        if (size.changed) change.sizes.push_back({name, size.configured, size.capacity});
      if (change.disabled || !change.sizes.empty()) all.push_back(std::move(change));
    }
  }
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
