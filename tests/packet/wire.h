// SPDX-License-Identifier: Apache-2.0
// The other end of a net_ring port: frames put here arrive at the port, frames it sends can be
// taken here.
#pragma once

#include "frame_bytes.h"
#include "packet_bed.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <rte_ring.h>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::test {

class wire {
 public:
  // The port "net_ring_<name>", with so many rx and tx queues of `depth` packets, a power of two.
  wire(const std::string& name, unsigned queues, unsigned depth = 512);
  ~wire();
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;

  [[nodiscard]] const std::string& device() const { return device_; }
  void put(std::string_view frame, unsigned queue = 0);
  void put(dpdk::mbuf_ptr frame, unsigned queue = 0);
  // False where the queue is full; then it is not put.
  bool offer(std::string_view frame, unsigned queue = 0);
  // What has been sent so far.
  [[nodiscard]] std::vector<std::string> take();
  // Waits, at most some seconds, for a frame that `wanted` accepts; others are dropped.
  [[nodiscard]] std::optional<std::string>
  take_one(const std::function<bool(std::string_view)>& wanted);
  [[nodiscard]] std::optional<seen_udp> take_udp();

  std::uint64_t sent = 0; // put

 private:
  std::string device_;
  std::vector<rte_ring*> to_port_, from_port_;
  std::vector<std::string> waiting_;
};

// Polls until `done` or some seconds have passed; returns whether done.
[[nodiscard]] bool eventually(const std::function<bool()>& done);

} // namespace linehunt::test
