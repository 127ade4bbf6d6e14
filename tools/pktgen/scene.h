// SPDX-License-Identifier: Apache-2.0
// Who plays: the device under test, the callers, the destinations with what they offer, and the
// kinds of calls. Fixed for a run. Knows nothing of calls in progress.
#pragma once

#include "dataplane/address.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::pktgen {

struct destination {
  endpoint at;
  std::uint32_t offers = 0; // bits: kinds of calls that it may be given
  std::string text;         // "10.9.0.21:5060"
};

struct call_kind {
  std::string resource; // what a destination must offer to get it
  std::string user;     // pattern of the dialled user: "VM_#######"
};

inline constexpr std::size_t max_kinds = 32;
inline constexpr std::size_t max_destinations = 16'384;

// All stations, numbered: the callers first, then the destinations.
struct scene {
  endpoint device;
  std::vector<endpoint> callers;
  std::vector<destination> destinations;
  std::vector<call_kind> kinds;

  [[nodiscard]] std::size_t stations() const noexcept {
    return callers.size() + destinations.size();
  }
  [[nodiscard]] const endpoint& station(std::size_t i) const noexcept {
    return i < callers.size() ? callers[i] : destinations[i - callers.size()].at;
  }
};

// "ADDRESS:PORT" or "ADDRESS:FIRST-LAST", then "=resource,resource". Adds a destination for each
// port; the resources are those of the kinds. The message says what is wrong.
[[nodiscard]] std::optional<std::string> add_destinations(scene& to, std::string_view text);
// "resource=user pattern".
[[nodiscard]] std::optional<std::string> add_kind(scene& to, std::string_view text);
// What does not fit together: no kinds, a kind that nobody offers, addresses of two families.
[[nodiscard]] std::optional<std::string> what_is_wrong(const scene& with);

// Which station an endpoint is; open addressing, half full at most.
class station_index {
 public:
  explicit station_index(const scene& of);
  [[nodiscard]] std::optional<std::uint32_t> find(const endpoint& e) const noexcept {
    for (std::size_t i = hash(e) & mask_;; i = (i + 1) & mask_) {
      if (entries_[i].station == none) return std::nullopt;
      if (entries_[i].at == e) return entries_[i].station;
    }
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct entry {
    endpoint at;
    std::uint32_t station = none;
  };
  [[nodiscard]] static std::size_t hash(const endpoint& e) noexcept;
  std::vector<entry> entries_;
  std::size_t mask_;
};

} // namespace linehunt::pktgen
