// SPDX-License-Identifier: Apache-2.0
// See index_book.h.
#include "dataplane/index_book.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace linehunt {

index_book::index_book(std::uint32_t max_destinations, std::uint32_t max_slots) {
  destinations_.most = max_destinations;
  slots_.most = max_slots;
}

template <class Owner>
std::uint32_t index_book::numbers<Owner>::of(const Owner& owner) {
  if (const auto found = by_owner.find(owner); found != by_owner.end()) {
    if (!std::exchange(found->second.configured, true)) --retired;
    return found->second.index;
  }
  std::uint32_t index = no_index;
  if (!free.empty()) {
    index = free.back();
    free.pop_back();
  } else if (unused_from < most) {
    index = unused_from++;
  } else {
    return no_index;
  }
  by_owner.emplace(owner, entry{index, true});
  return index;
}

template <class Owner>
void index_book::numbers<Owner>::retire_all() {
  for (auto& [owner, number] : by_owner)
    number.configured = false;
  retired = by_owner.size();
}

// Of one that was retired.
template <class Owner>
void index_book::numbers<Owner>::give_back(std::uint32_t index) {
  --retired;
  free.insert(std::lower_bound(free.begin(), free.end(), index, std::greater<>{}), index);
}

void index_book::begin_reload() {
  destinations_.retire_all();
  slots_.retire_all();
}

destination_index index_book::destination(std::uint32_t id) {
  return destinations_.of(id);
}

slot_index index_book::slot(std::uint32_t id, resource_id resource) {
  return slots_.of({id, resource});
}

resource_id index_book::resource(std::string_view name) {
  std::string key(name);
  if (const auto found = ids_by_name_.find(key); found != ids_by_name_.end()) return found->second;
  if (names_.size() == no_resource) return no_resource;
  const auto id = static_cast<resource_id>(names_.size());
  names_.push_back(key);
  ids_by_name_.emplace(std::move(key), id);
  return id;
}

std::size_t index_book::release_unheld(const std::function<bool(slot_index)>& held,
                                       const std::function<bool(destination_index)>& has_calls) {
  std::size_t released = std::erase_if(slots_.by_owner, [&](const auto& item) {
    const auto& entry = item.second;
    if (entry.configured || held(entry.index)) return false;
    slots_.give_back(entry.index);
    return true;
  });
  released += std::erase_if(destinations_.by_owner, [&](const auto& item) {
    const auto& [id, entry] = item;
    if (entry.configured || has_calls(entry.index)) return false;
    // A slot of its own that is still there is held, or the destination's without being configured.
    const auto slot = slots_.by_owner.lower_bound({id, 0});
    if (slot != slots_.by_owner.end() && slot->first.first == id) return false;
    destinations_.give_back(entry.index);
    return true;
  });
  return released;
}

std::vector<slot_index> index_book::retired_slots() const {
  std::vector<slot_index> all;
  for (const auto& [owner, entry] : slots_.by_owner)
    if (!entry.configured) all.push_back(entry.index);
  return all;
}

} // namespace linehunt
