// SPDX-License-Identifier: Apache-2.0
// Destinations that asked for a pause by 503 with Retry-After (RFC 3261 21.5.4), and until when.
// The workers keep to it by themselves; this is for those who look at the daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace linehunt {

class pauses {
 public:
  using clock = std::chrono::steady_clock;

  // False: it pauses already, and goes on as long as that.
  bool add(std::uint32_t id, clock::time_point until) { return until_.emplace(id, until).second; }
  // True where there was one.
  bool erase(std::uint32_t id) { return until_.erase(id) != 0; }
  // Whole seconds, the last one begun counts; 0: it does not pause.
  [[nodiscard]] std::uint32_t left_s(std::uint32_t id, clock::time_point now) const {
    const auto it = until_.find(id);
    if (it == until_.end() || it->second <= now) return 0;
    return static_cast<std::uint32_t>(
        std::chrono::ceil<std::chrono::seconds>(it->second - now).count());
  }
  // Those that are over.
  [[nodiscard]] std::vector<std::uint32_t> take_over(clock::time_point now) {
    std::vector<std::uint32_t> over;
    std::erase_if(until_, [&](const auto& one) {
      if (one.second > now) return false;
      over.push_back(one.first);
      return true;
    });
    return over;
  }

 private:
  std::map<std::uint32_t, clock::time_point> until_; // by destination id
};

} // namespace linehunt
