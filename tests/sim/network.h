// SPDX-License-Identifier: Apache-2.0
// The network between the parties and the balancer: it loses, doubles, delays, reorders and
// corrupts datagrams, each with its own share.
#pragma once

#include "event_queue.h"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace linehunt::sim {

struct fault_shares { // per mille
  std::uint32_t lost = 0, doubled = 0, late = 0, corrupted = 0;
};

struct fault_counts {
  std::uint64_t lost = 0, doubled = 0, late = 0, corrupted = 0;
  std::uint64_t overtaken = 0; // of two on the same way the one that was sent later came first
};

// Where the balancer listens, an address for each family.
struct front {
  endpoint v4, v6;
  [[nodiscard]] const endpoint& facing(const endpoint& party) const {
    return party.ip.is_v6 ? v6 : v4;
  }
};

// At the address of a box, where it does not listen itself.
constexpr std::uint16_t port_of_others = 5999;

// In a network to which only the proxies in front of it know a way.
[[nodiscard]] inline ip_address behind_proxies(ip_address ip) {
  ip.bytes[0] = ip.is_v6 ? 0xfd : 10;
  return ip;
}
[[nodiscard]] inline bool is_behind_proxies(const ip_address& ip) {
  return ip.bytes[0] == (ip.is_v6 ? 0xfd : 10);
}

struct packet {
  std::string bytes;
  endpoint from, to;
  std::uint64_t order = 0; // of being sent
};

class network {
 public:
  network(event_queue& events, chance& random, const fault_shares& shares)
      : events_(events), random_(random), shares_(shares) {}

  void send(std::string bytes, const endpoint& from, const endpoint& to);
  // Takes a packet that has arrived.
  [[nodiscard]] packet take(std::uint32_t number);

  fault_counts faults;
  std::uint64_t sent = 0;

 private:
  void put(packet p, time_us delay);
  void corrupt(std::string& bytes);

  event_queue& events_;
  chance& random_;
  fault_shares shares_;
  std::vector<packet> packets_;
  std::vector<std::uint32_t> unused_;
  std::unordered_map<std::uint64_t, std::uint64_t>
      newest_; // by way: the last one sent of those come
};

} // namespace linehunt::sim
