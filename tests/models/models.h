// SPDX-License-Identifier: Apache-2.0
// The machines, rules and engines that unit tests, the simulator, the fuzzers and the benchmarks
// have in common. Machine n is in group 1, at 192.0.2.(10 + n) or 2001:db8::(10 + n), port 5060.
#pragma once

#include "dataplane/engine.h"
#include "dataplane/snapshot_builder.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::models {

// "192.0.2.1", "[2001:db8::1]:5070"; port 5060 where none is given.
[[nodiscard]] endpoint at(std::string_view text);

[[nodiscard]] destination_model machine(std::uint32_t id, std::string_view resources,
                                        bool ipv6 = false);
[[nodiscard]] listener listening_at(std::string_view text);

// Calls to users that match go to group 1, and on to the next machine on 5xx, 6xx and silence.
[[nodiscard]] rule_model balancing(std::string user, std::vector<std::string> resources);
// Calls from machines of group 1 hold a pstn line there and go to `target`.
[[nodiscard]] rule_model from_machines(std::string_view target);

// Throws what the builder says first.
[[nodiscard]] std::unique_ptr<const snapshot> build(const snapshot_model& model, index_book& book);

inline constexpr node_secret secret{{1, 2}, {3, 4}};
[[nodiscard]] std::unique_ptr<engine>
make_engine(const snapshot& world, const engine_limits& limits, worker_id self = 0,
            worker_id workers = 1, const node_secret& key = secret, std::uint64_t random_seed = 1);

} // namespace linehunt::models
