// SPDX-License-Identifier: Apache-2.0
// Builds one snapshot after the other: what is configured, under what operators have changed since,
// with numbers that stay. Belongs to the control thread. Knows nothing of workers.
#pragma once

#include "control/config/configuration.h"
#include "control/daemon/operator_state.h"
#include "control/resolver/lookup.h"
#include "dataplane/index_book.h"
#include "dataplane/snapshot_builder.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace linehunt {

// Where packets to a destination go: what its URI has resolved to, in the order to try. Empty: no
// call goes there until it has.
using address_source = std::function<dns::found_addresses(const std::string& uri)>;

class world_source {
 public:
  explicit world_source(const engine_limits& limits)
      : book_(limits.max_destinations, limits.max_slots) {}

  // nullptr where the configuration cannot become a snapshot: `out` says why, and nothing changes.
  [[nodiscard]] std::unique_ptr<const snapshot> build(const config::configuration& whole,
                                                      config::diagnostics& out);

  // Asked for each URI with a name in it, of destinations and of rules, whenever a snapshot is
  // built from now on. Without one such a destination is not usable.
  void resolve_by(address_source addresses) { addresses_ = std::move(addresses); }

  // Of the last snapshot: as configured, with status and capacities as they were at that time.
  [[nodiscard]] const std::vector<destination_model>& destinations() const noexcept {
    return destinations_;
  }
  // Of a place among them: its URI has a name, so that its addresses come from resolve_by.
  [[nodiscard]] bool has_name(std::size_t place) const { return published_[place].has_name; }
  // No longer configured, but calls were still there when release_settled was last asked.
  struct retired {
    destination_model model;
    destination_index index = no_index;
    std::vector<slot_index> slots; // beside model.resources
  };
  [[nodiscard]] const std::vector<retired>& draining() const noexcept { return draining_; }
  // The same of a resource that a configured destination does not offer any more.
  struct retired_resource {
    std::uint32_t id = 0; // of the destination
    resource_model model;
    slot_index slot = no_index;
  };
  [[nodiscard]] std::span<const retired_resource>
  draining_resources(std::uint32_t id) const noexcept;
  // Forgets where no call is any more, and lets go of the numbers without calls, of slots that are
  // settled, of those that it is asked about (runtime::settled). Only after the last snapshot has
  // been published.
  using settling = std::function<std::vector<slot_index>(std::vector<slot_index> unheld)>;
  void release_settled(const std::function<bool(slot_index)>& held,
                       const std::function<bool(destination_index)>& has_calls,
                       const settling& settled);

  // Whether the number still belongs to the destination that it belonged to in the snapshot of that
  // generation, with the same group and URI. The last 16 bits, of one that is not older than that.
  [[nodiscard]] bool is_still(destination_index index, std::uint16_t generation) const;

  [[nodiscard]] operator_state& changes() noexcept { return changes_; }

 private:
  void resolve(snapshot_model& model) const;
  void retire(const snapshot& next);

  // A destination of the last snapshot.
  struct published {
    destination_index index = no_index;
    std::uint64_t since = 0;       // the first generation with this number, id, group and URI
    std::vector<slot_index> slots; // beside its resources
    bool has_name = false;
  };
  [[nodiscard]] std::vector<published> published_in(const snapshot& next,
                                                    const config::configuration& whole) const;

  index_book book_;
  address_source addresses_;
  operator_state changes_;
  std::vector<destination_model> destinations_;
  std::vector<published> published_; // beside destinations_
  std::vector<retired> draining_;
  std::vector<retired_resource> draining_resources_; // by id
  std::uint64_t generation_ = 0;
};

} // namespace linehunt
