// SPDX-License-Identifier: Apache-2.0
// Which listener of the snapshot a datagram came to. Rebuilt by each worker when it adopts a
// snapshot; few entries, so they are simply compared.
#pragma once

#include "dataplane/snapshot.h"

#include <array>
#include <cstdint>
#include <optional>

namespace linehunt::dpdk {

class listener_table {
 public:
  void adopt(const snapshot& world) noexcept {
    count_ = 0;
    for (const listener& l : world.listeners) {
      if (count_ == entries_.size()) break; // listener_index has 8 bits
      entries_[count_++] = {l.local, l.port};
    }
  }
  [[nodiscard]] std::optional<listener_index> find(std::uint8_t port, const ip_address& ip,
                                                   std::uint16_t udp_port) const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      const entry& e = entries_[i];
      if (e.local.port == udp_port && e.port == port && e.local.ip == ip)
        return static_cast<listener_index>(i);
    }
    return std::nullopt;
  }

 private:
  struct entry {
    endpoint local;
    std::uint8_t port = 0;
  };
  std::array<entry, 256> entries_{};
  std::size_t count_ = 0;
};

} // namespace linehunt::dpdk
