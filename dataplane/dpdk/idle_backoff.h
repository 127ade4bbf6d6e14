// SPDX-License-Identifier: Apache-2.0
// What a worker does with a loop that found nothing: first a pause, then ever longer sleeps, so
// that others on its core live and an idle balancer does not burn it; where the ports have rx
// interrupts it sleeps until one comes. Never longer than `longest_us`, because mail and timers
// wait meanwhile.
#pragma once

#include "dataplane/datagram.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace linehunt::dpdk {

class idle_backoff {
 public:
  static constexpr std::uint32_t shortest_us = 20, longest_us = 1000;

  struct rx_queue {
    std::uint16_t device = 0, queue = 0;
  };

  // Called on the worker's thread: the rx interrupts that may wake it (none: it polls), and the
  // kernel's timer slack, whose default of 50 us would blur short sleeps.
  void prepare(bool yield, const std::vector<rx_queue>& interruptible);
  void worked() noexcept {
    idle_loops_ = 0;
    sleep_us_ = shortest_us;
  }
  void idle() noexcept;

 private:
  void sleep_until_interrupt() noexcept;

  bool yield_ = true;
  std::uint32_t idle_loops_ = 0;
  std::uint32_t sleep_us_ = shortest_us; // the next one
  std::vector<rx_queue> interruptible_;
};

} // namespace linehunt::dpdk
