// SPDX-License-Identifier: Apache-2.0
// What a worker does for a capture: at one queue of a port, in one direction, it copies the frames
// that are wanted into its own ring to the control thread. It is called by the device's burst
// functions, and only while a capture is on. Allocates nothing, locks nothing, asks the kernel for
// nothing.
#pragma once

#include "dataplane/dpdk/counters.h"
#include "dataplane/dpdk/frame_match.h"
#include "dataplane/dpdk/frame_ring.h"

#include <cstdint>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string>

namespace linehunt::dpdk {

class capture_tap {
 public:
  // `ring` is of the worker that serves the queue. `seen` is the mbuf flag of copied frames.
  capture_tap(frame_ring& ring, std::uint8_t port, bool sent, const std::string& wanted,
              std::uint64_t seen)
      : ring_(ring), port_(port), sent_(sent), match_(wanted), seen_(seen) {}

  // rte_rx_callback_fn and rte_tx_callback_fn; `tap` is the capture_tap. Both hand on what they
  // were given.
  static std::uint16_t on_received(std::uint16_t device, std::uint16_t queue, rte_mbuf** packets,
                                   std::uint16_t count, std::uint16_t most, void* tap);
  static std::uint16_t on_sending(std::uint16_t device, std::uint16_t queue, rte_mbuf** packets,
                                  std::uint16_t count, void* tap);

  [[nodiscard]] std::uint8_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint64_t missed() const noexcept {
    return missed_.load(std::memory_order_relaxed);
  }

 private:
  void copy(const rte_mbuf& packet, std::uint64_t cycles) noexcept;

  frame_ring& ring_;
  const std::uint8_t port_;
  const bool sent_;
  frame_match match_;
  const std::uint64_t seen_;
  counter missed_{0}; // written by the worker, read by control
};

} // namespace linehunt::dpdk
