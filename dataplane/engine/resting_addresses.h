// SPDX-License-Identifier: Apache-2.0
// Addresses of a destination that were silent, or asked for a pause, a short while ago: of several
// they are tried last. A few places for each destination; what finds none is tried as ever. Knows
// nothing of calls.
#pragma once

#include "dataplane/address.h"
#include "dataplane/datagram.h"
#include "dataplane/memory_source.h"
#include "dataplane/snapshot.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace linehunt::calls {

class resting_addresses {
 public:
  resting_addresses(std::uint32_t max_destinations, memory_source& memory)
      : places_(max_destinations, memory) {}

  void rest(destination_index d, const endpoint& address, time_us until) noexcept {
    if (d >= places_.size()) return;
    auto& all = places_[d].all;
    const std::uint32_t key = key_of(address);
    auto at = std::find_if(all.begin(), all.end(), [&](const place& p) { return p.key == key; });
    if (at == all.end())
      at = std::min_element(all.begin(), all.end(),
                            [](const place& a, const place& b) { return a.until_ms < b.until_ms; });
    *at = {key, until / 1000};
  }
  // The bits of those addresses of `d` that rest now.
  [[nodiscard]] std::uint16_t among(const destination& d, time_us now) const noexcept {
    std::uint16_t mask = 0;
    if (d.index >= places_.size()) return mask;
    for (const place& p : places_[d.index].all) {
      if (p.until_ms <= now / 1000) continue;
      for (std::size_t i = 0; i < std::min(d.addresses.size(), max_addresses); ++i)
        if (key_of(d.addresses[i]) == p.key) mask |= static_cast<std::uint16_t>(1u << i);
    }
    return mask;
  }

 private:
  // Two addresses with one key rest together, which does no harm.
  [[nodiscard]] static std::uint32_t key_of(const endpoint& address) noexcept {
    std::uint32_t hash = 0x811c9dc5; // FNV-1a, 32 bits
    const auto mix = [&hash](std::uint32_t byte) { hash = (hash ^ byte) * 0x01000193; };
    for (const std::uint8_t byte : address.ip.bytes)
      mix(byte);
    mix(address.port & 0xffu);
    mix(address.port >> 8);
    return hash;
  }
  struct place {
    std::uint32_t key = 0;
    std::uint64_t until_ms = 0;
  };
  struct of_destination {
    std::array<place, 4> all{};
  };
  record_array<of_destination> places_; // by destination_index
};

} // namespace linehunt::calls
