// SPDX-License-Identifier: Apache-2.0
// Everything that one worker sends: headers, next hop, the neighbour's MAC, and out through the
// port's lane. Knows nothing of SIP.
#pragma once

#include "dataplane/address.h"
#include "dataplane/datagram.h"
#include "dataplane/dpdk/counters.h"
#include "dataplane/dpdk/mbuf.h"
#include "dataplane/dpdk/mld.h"
#include "dataplane/dpdk/neighbour_table.h"
#include "dataplane/dpdk/path_mtu.h"
#include "dataplane/dpdk/station.h"
#include "dataplane/dpdk/tx_lane.h"

#include <cstdint>
#include <rte_mempool.h>
#include <span>
#include <vector>

namespace linehunt::dpdk {

class egress {
 public:
  // One station and one lane for each port, by index.
  egress(std::vector<const station*> stations, std::vector<tx_lane> lanes, rte_mempool& pool,
         worker_counters& counters, std::uint64_t seed);
  ~egress();
  egress(const egress&) = delete;
  egress& operator=(const egress&) = delete;

  void set_time(time_us now) noexcept { now_ = now; }
  // A whole frame.
  void send_frame(std::uint8_t port, mbuf_ptr frame) noexcept;
  // The mbuf holds a UDP payload alone, in one segment.
  void send_udp(std::uint8_t port, mbuf_ptr payload, const endpoint& from,
                const endpoint& to) noexcept;
  // Copies the payload; cut into fragments where it exceeds the MTU.
  void send_udp(std::uint8_t port, std::span<const char> payload, const endpoint& from,
                const endpoint& to) noexcept;

  // True: news that other workers should hear.
  bool learn(std::uint8_t port, const neighbour_claim& claim) noexcept;
  // Says on every link which addresses are ours.
  void announce() noexcept;
  void note_path(const path_report& said) noexcept { paths_.note(said, now_); }
  // Somebody has asked which groups are wanted: the answer is sent by `age`, at a time of chance
  // until its limit, so that not all hosts of a link answer at once.
  void plan_report(std::uint8_t port, const mld_request& asked) noexcept;
  // Asks for neighbours that have not answered, and sends reports that are due. Some times a
  // second.
  void age() noexcept;
  // Lets devices send what they have to say for themselves. At least every 50 ms.
  void speak() noexcept;
  void flush() noexcept;

  [[nodiscard]] const station& at(std::uint8_t port) const noexcept { return *stations_[port]; }
  [[nodiscard]] std::size_t ports() const noexcept { return stations_.size(); }

 private:
  void send_to_neighbour(std::uint8_t port, const endpoint& to, mbuf_ptr frame) noexcept;
  void ask(neighbour& n, question whom) noexcept;
  [[nodiscard]] bool speaks_v6(std::uint8_t port) const noexcept;
  void report(std::uint8_t port, mld_version version, mld_reason why) noexcept;
  // Whoever gets some fragments must not know the identifiers of those to others: he could send
  // pieces of his own among them. To one address they count up, so that each comes again as late as
  // it can (RFC 7739 5.3).
  [[nodiscard]] std::uint16_t mtu_towards(const station& we, const endpoint& to,
                                          std::size_t payload_bytes) noexcept;
  [[nodiscard]] std::uint32_t fragment_id(const ip_address& to) noexcept;
  void drop(std::uint64_t packets) noexcept { bump(counters_.tx_dropped, packets); }

  std::vector<const station*> stations_;
  std::vector<tx_lane> lanes_;
  rte_mempool& pool_;
  worker_counters& counters_;
  neighbour_table neighbours_;
  path_mtu_table paths_;
  struct planned_report {
    time_us due = 0; // 0: none
    mld_version version = mld_version::v2;
  };
  std::vector<planned_report> reports_; // by port
  std::uint64_t seed_, chance_;
  std::uint64_t cut_ = 0; // datagrams in fragments
  std::uint16_t ip_id_;   // of what leaves in one piece, which only a router on the way may cut
  time_us now_ = 0;
};

} // namespace linehunt::dpdk
