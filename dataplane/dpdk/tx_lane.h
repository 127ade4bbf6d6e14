// SPDX-License-Identifier: Apache-2.0
// The way out of one worker through one port: frames gather here and leave in bursts, through a tx
// queue of the worker's own, or over a ring to the worker that owns the queue.
#pragma once

#include "dataplane/dpdk/counters.h"
#include "dataplane/dpdk/mbuf.h"
#include "dataplane/dpdk/spsc_ring.h"

#include <array>
#include <cstdint>
#include <rte_mbuf.h>

namespace linehunt::dpdk {

class tx_lane {
 public:
  // `speaks`: the device sends frames of its own along with ours, see speak().
  tx_lane(std::uint16_t device, std::uint16_t queue, bool prepare, bool speaks,
          worker_counters& counters)
      : device_(device), queue_(queue), prepare_(prepare), speaks_(speaks), counters_(&counters) {}
  tx_lane(spsc_ring<rte_mbuf*>& to_owner, worker_counters& counters)
      : to_owner_(&to_owner), counters_(&counters) {}

  void add(mbuf_ptr frame) noexcept {
    batch_[count_++] = frame.release();
    if (count_ == burst) flush();
  }
  // What the port or the ring does not take is tried once more, then dropped and counted.
  void flush() noexcept {
    if (count_ != 0) send_burst();
  }
  // Sends nothing of ours. A bond sends its LACPDUs only when it is asked to send something, and
  // wants that every 100 ms (rte_eth_bond.h), else the switch takes it out of the aggregate.
  void speak() noexcept;
  // Frees what has not been sent; for stopping.
  void clear() noexcept;

 private:
  void send_burst() noexcept;
  void prepare_burst() noexcept;
  [[nodiscard]] std::size_t offer(std::size_t from) noexcept;

  std::uint16_t device_ = 0, queue_ = 0;
  bool prepare_ = false; // offloads need the driver's own preparations
  bool speaks_ = false;
  spsc_ring<rte_mbuf*>* to_owner_ = nullptr;
  worker_counters* counters_;
  std::size_t count_ = 0;
  std::array<rte_mbuf*, burst> batch_{};
};

} // namespace linehunt::dpdk
