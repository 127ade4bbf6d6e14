// SPDX-License-Identifier: Apache-2.0
// Small worlds for the ledger's tests: snapshots made from a few numbers.
#pragma once

#include "dataplane/load_ledger.h"

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::test {

// Adds a destination with fresh slots; its index is its place, its id the place plus one.
inline destination& add_destination(snapshot& world, std::uint32_t group,
                                    const std::vector<std::pair<resource_id, int>>& resources,
                                    worker_id home = 0) {
  slot_index next_slot = 0;
  for (const destination& d : world.destinations)
    for (const resource& r : d.resources)
      next_slot = std::max(next_slot, r.slot + 1);
  destination d;
  d.index = static_cast<destination_index>(world.destinations.size());
  d.id = d.index + 1;
  d.group = group;
  d.uri = "sip:192.0.2." + std::to_string(d.id);
  d.addresses.push_back({});
  d.home = home;
  for (const auto& [name, capacity] : resources)
    d.resources.push_back({.name = name, .slot = next_slot++, .capacity = capacity});
  world.destinations.push_back(std::move(d));
  return world.destinations.back();
}

// Selections that cannot be pending: one worker.
class nobody_waits final : public selection_listener {
 public:
  void decided(waiter, selection_outcome, const holding&) override { ++calls; }
  int calls = 0;
};

} // namespace linehunt::test
