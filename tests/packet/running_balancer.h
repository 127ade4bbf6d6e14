// SPDX-License-Identifier: Apache-2.0
// The whole data plane over one net_ring port: the real runtime and engine, the study case as its
// world, and the two sides of a call played by the test.
#pragma once

#include "../unit/dataplane/engine_world.h"
#include "dataplane/dpdk/runtime.h"
#include "wire.h"

#include <memory>

namespace linehunt::test {

struct bed_options {
  worker_id workers = 1;
  unsigned queues = 1;
  std::uint16_t vlan = 0;
  std::uint16_t mtu_bytes = 1500;
  unsigned depth = 512; // of the wire's queues
  bool v6 = false;      // destinations and listener in 2001:db8::/64
};

// The headers of the texts in engine_world.h, with IPv6 addresses for IPv4 ones.
[[nodiscard]] std::string in_family(std::string message, bool v6);

class running_balancer {
 public:
  explicit running_balancer(const bed_options& options = {});

  [[nodiscard]] std::unique_ptr<const snapshot> snapshot_of(std::uint64_t generation);
  [[nodiscard]] std::unique_ptr<const snapshot> without_destinations(std::uint64_t generation);
  // From a peer on the link, whose MAC is peer_mac.
  void say(const endpoint& from, std::string_view payload, unsigned queue = 0);
  [[nodiscard]] std::string frame_of(const endpoint& from, std::string_view payload) const;
  // The next datagram that the balancer sends. Questions for a neighbour are answered on the way:
  // every address on the link is at peer_mac.
  [[nodiscard]] std::optional<seen_udp> hear();
  // From now on for all addresses that a call needs, so that nothing has to be asked.
  void answer_questions();
  [[nodiscard]] std::uint64_t count_of(verdict v) const; // over all workers
  [[nodiscard]] std::uint64_t received() const;
  [[nodiscard]] std::uint64_t judged() const;
  [[nodiscard]] std::uint64_t tx_dropped() const;
  [[nodiscard]] std::int64_t load() const; // over all slots and workers
  // Everything put on the wire has been judged.
  [[nodiscard]] bool settle();

  // Caller and callee, up to BYE and its 200; every datagram checked. `failed` says where it broke.
  [[nodiscard]] std::string whole_call(const call_parts& parts, unsigned queue = 0);

  bed_options options;
  wire link;
  mac_bytes mac{}; // of the balancer
  endpoint us, caller;
  std::unique_ptr<dpdk::runtime> runtime;

 private:
  [[nodiscard]] std::string answer_for(const ip_address& target) const;
  [[nodiscard]] static snapshot_model model_of(const bed_options& options);
  [[nodiscard]] std::unique_ptr<const snapshot> built(const snapshot_model& model);
  index_book book_;
};

} // namespace linehunt::test
