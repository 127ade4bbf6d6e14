// SPDX-License-Identifier: Apache-2.0
// What an operator may do to the destinations from one configuration to the next.
#pragma once

#include "dataplane/destination_model.h"
#include "event_queue.h"

#include <vector>

namespace linehunt::sim {

// Up to six destinations, with ids from 1 on and up to four resources each; so many numbers they
// need at most, those included that old calls still hold.
inline constexpr std::uint32_t most_destinations = 6, most_slots = 24;

// A few changes by chance: destinations and resources come and go, ids, groups, URIs, addresses and
// capacities change. `machines` is what there is to be configured.
void change(std::vector<destination_model>& configured,
            const std::vector<destination_model>& machines, chance& random);

} // namespace linehunt::sim
