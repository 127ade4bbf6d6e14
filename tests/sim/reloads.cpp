// SPDX-License-Identifier: Apache-2.0
// See reloads.h.
#include "reloads.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace linehunt::sim {

namespace {

constexpr std::array<std::string_view, most_slots / most_destinations> names{"pstn", "transc", "vm",
                                                                             "fax"};

std::int32_t any_capacity(chance& random) {
  static constexpr std::array<std::int32_t, 2> extremes{0, 0x7fffffff};
  return random.below(6) == 0 ? extremes[random.below(extremes.size())]
                              : static_cast<std::int32_t>(random.below(40));
}

void add_destination(std::vector<destination_model>& configured, destination_model d,
                     chance& random) {
  d.id = 1 + random.below(most_destinations);
  if (std::ranges::find(configured, d.id, &destination_model::id) == configured.end())
    configured.push_back(std::move(d));
}

void add_resource(destination_model& d, chance& random) {
  const std::string_view name = names[random.below(names.size())];
  if (std::ranges::find(d.resources, name, &resource_model::name) == d.resources.end())
    d.resources.emplace_back().name = name;
}

} // namespace

void change(std::vector<destination_model>& configured,
            const std::vector<destination_model>& machines, chance& random) {
  for (std::uint32_t changes = 1 + random.below(4); changes > 0; --changes) {
    const std::uint32_t what = random.below(9);
    const destination_model& machine = machines[random.below(machines.size())];
    if (what < 2 || configured.empty()) {
      add_destination(configured, machine, random);
      continue;
    }
    destination_model& d = configured[random.below(configured.size())];
    destination_model& other = configured[random.below(configured.size())];
    std::vector<resource_model>& resources = d.resources;
    switch (what) {
    case 2:
      if (configured.size() > 1)
        configured.erase(configured.begin() + random.below(configured.size()));
      break;
    case 3:
      std::swap(d.id, other.id);
      break;
    case 4: // another machine, or none whose name can be resolved
      d.uri = machine.uri;
      d.addresses = random.below(3) == 0 ? std::vector<endpoint>{} : machine.addresses;
      break;
    case 5:
      d.group = 3 - d.group;
      break;
    case 6:
      add_resource(d, random);
      break;
    case 7:
      if (!resources.empty()) resources.erase(resources.begin() + random.below(resources.size()));
      break;
    default:
      if (!resources.empty())
        resources[random.below(resources.size())].capacity = any_capacity(random);
      break;
    }
  }
}

} // namespace linehunt::sim
