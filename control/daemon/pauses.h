// SPDX-License-Identifier: Apache-2.0
// Destinations that asked for a pause by 503 with Retry-After (RFC 3261 21.5.4), and until when.
// The workers keep to it by themselves; this is for those who look at the daemon.
#pragma once

#include "dataplane/snapshot.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace linehunt {

class pauses {
 public:
  using clock = std::chrono::steady_clock;

  // False: it pauses already, and goes on until the later of both.
  bool add(const destination& d, clock::time_point until) {
    const auto [it, is_new] = all_.emplace(d.id, pause{until, d.group, d.uri});
    it->second.until = std::max(it->second.until, until);
    return is_new;
  }
  // True where there was one.
  bool erase(std::uint32_t id) { return all_.erase(id) != 0; }
  // Forgets those of whom a reload has left nothing but the id, if that: workers do so, too.
  // Returns them.
  std::vector<std::uint32_t> keep_of(const std::vector<destination>& configured) {
    std::map<std::uint32_t, pause> before;
    before.swap(all_);
    for (const destination& d : configured)
      if (const auto it = before.find(d.id);
          it != before.end() && it->second.group == d.group && it->second.uri == d.uri)
        all_.insert(before.extract(it));
    std::vector<std::uint32_t> forgotten;
    forgotten.reserve(before.size());
    for (const auto& one : before)
      forgotten.push_back(one.first);
    return forgotten;
  }
  // Whole seconds, the last one begun counts; 0: it does not pause.
  [[nodiscard]] std::uint32_t left_s(std::uint32_t id, clock::time_point now) const {
    const auto it = all_.find(id);
    if (it == all_.end() || it->second.until <= now) return 0;
    return static_cast<std::uint32_t>(
        std::chrono::ceil<std::chrono::seconds>(it->second.until - now).count());
  }
  // Those that are over.
  [[nodiscard]] std::vector<std::uint32_t> take_over(clock::time_point now) {
    std::vector<std::uint32_t> over;
    std::erase_if(all_, [&](const auto& one) {
      if (one.second.until > now) return false;
      over.push_back(one.first);
      return true;
    });
    return over;
  }

 private:
  struct pause {
    clock::time_point until;
    std::uint32_t group = 0;
    std::string uri;
  };
  std::map<std::uint32_t, pause> all_; // by destination id
};

} // namespace linehunt
