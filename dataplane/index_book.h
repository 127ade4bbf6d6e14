// SPDX-License-Identifier: Apache-2.0
// The numbers of destinations, slots and resources, stable across reloads: workers keep loads by
// number and never translate. Belongs to the control thread. Knows ids and names, not snapshots.
//
// A number is handed out at its first use and stays with its owner as long as that is configured
// and, after that, until somebody says that no call is there any more. So a destination that is
// taken out of the configuration and put back finds its loads again.
//
// Copyable: a reload works on a copy and puts it in place only when all of it has gone well.
#pragma once

#include "dataplane/snapshot.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linehunt {

class index_book {
 public:
  index_book(std::uint32_t max_destinations, std::uint32_t max_slots);

  // A new configuration is about to be numbered: what it does not ask for again is retired.
  void begin_reload();
  // The number of that owner, no_index where none is left: engine_limits is too small.
  [[nodiscard]] destination_index destination(std::uint32_t id);
  [[nodiscard]] slot_index slot(std::uint32_t id, resource_id resource);
  // Names are few and never given back; no_resource after 65,535 of them.
  static constexpr resource_id no_resource = 0xffff;
  [[nodiscard]] resource_id resource(std::string_view name);
  [[nodiscard]] const std::vector<std::string>& resource_names() const noexcept { return names_; }

  // Gives back the retired slots that are not held, and the retired destinations without slots and
  // calls. `held`: some worker has not settled it, or mail of it is under way
  // (load_ledger::settled); else the next owner of the number would not start from nothing.
  // `has_calls`: some worker has calls there (engine::destination_calls); else they would be
  // another's. Returns how many slots and destinations were given back.
  std::size_t release_unheld(const std::function<bool(slot_index)>& held,
                             const std::function<bool(destination_index)>& has_calls);

  // Slots and destinations waiting for that.
  [[nodiscard]] std::size_t retired() const noexcept {
    return destinations_.retired + slots_.retired;
  }
  [[nodiscard]] std::vector<slot_index> retired_slots() const;
  [[nodiscard]] std::uint32_t max_destinations() const noexcept { return destinations_.most; }
  [[nodiscard]] std::uint32_t max_slots() const noexcept { return slots_.most; }

 private:
  // Numbers 0..most-1; the lowest free one is next, so that the tables stay dense.
  template <class Owner>
  struct numbers {
    struct entry {
      std::uint32_t index = no_index;
      bool configured = true;
    };
    std::uint32_t most = 0;
    std::map<Owner, entry> by_owner;
    std::vector<std::uint32_t> free; // highest first
    std::uint32_t unused_from = 0;   // never handed out so far
    std::size_t retired = 0;         // not configured, of by_owner

    void retire_all();
    std::uint32_t of(const Owner& owner);
    void give_back(std::uint32_t index);
  };

  using slot_owner = std::pair<std::uint32_t, resource_id>; // destination id, resource
  numbers<std::uint32_t> destinations_;
  numbers<slot_owner> slots_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, resource_id> ids_by_name_;
};

} // namespace linehunt
