// SPDX-License-Identifier: Apache-2.0
// From a source address and port to the destination that it belongs to: hashed, because every new
// call asks and a node may have thousands of destinations. Built with the snapshot, read by workers
// without allocation. Knows positions in a list, not destinations.
#pragma once

#include "dataplane/address.h"

#include <cstdint>
#include <optional>
#include <unordered_map>

namespace linehunt {

class source_index {
 public:
  // Positions must be added by rising number. Port 0: any port of that address.
  void add(const endpoint& source, std::uint32_t group, std::uint32_t position);

  // The first position whose address fits; port 0 asks for any port, no group for all of them.
  [[nodiscard]] std::optional<std::uint32_t>
  find(const endpoint& source, std::optional<std::uint32_t> group) const noexcept;

 private:
  // Every way to ask has an entry of its own: with the group or without, with the port or for any.
  struct key {
    endpoint source;
    std::uint32_t group = 0;
    bool any_group = false;
    bool any_port = false; // the question says any; a destination that says so has port 0
    friend bool operator==(const key&, const key&) = default;
  };
  struct key_hash {
    std::size_t operator()(const key& k) const noexcept;
  };
  std::unordered_map<key, std::uint32_t, key_hash> first_;
};

} // namespace linehunt
