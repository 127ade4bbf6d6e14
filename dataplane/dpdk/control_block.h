// SPDX-License-Identifier: Apache-2.0
// What the control thread and the workers share. Everything but the atomics and the rings is
// written before the workers start and only read afterwards.
#pragma once

#include "dataplane/dpdk/port.h"
#include "dataplane/dpdk/spsc_ring.h"
#include "dataplane/dpdk/worker_mesh.h"
#include "dataplane/engine.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <rte_cycles.h>
#include <rte_rcu_qsbr.h>
#include <span>
#include <vector>

namespace linehunt::dpdk {

// Microseconds from the time stamp counter, which all cores share. It does not begin at 0: a call
// of the run before has started earlier.
class tsc_clock {
 public:
  static constexpr time_us origin = time_us{60} * 24 * 3600 * 1'000'000;

  void start() noexcept {
    start_ = rte_get_tsc_cycles();
    per_cycle_ =
        static_cast<std::uint64_t>((static_cast<wide>(1'000'000) << 40) / rte_get_tsc_hz());
  }
  [[nodiscard]] time_us at(std::uint64_t cycles) const noexcept {
    if (cycles < start_) return origin; // another core's counter may be a few cycles behind
    return origin + us_of(cycles - start_);
  }
  // How long that many cycles take.
  [[nodiscard]] time_us us_of(std::uint64_t cycles) const noexcept {
    return static_cast<time_us>(static_cast<wide>(cycles) * per_cycle_ >> 40);
  }

 private:
  __extension__ using wide = unsigned __int128;
  std::uint64_t start_ = 0, per_cycle_ = 0; // microseconds in units of 2^-40
};

// The control thread asks, the worker answers between two bursts of packets, some calls at a time.
struct visit_request {
  const std::function<void(worker_id, const call_info&)>* visit = nullptr;
  std::uint32_t next = 0; // place in the table of calls; the worker's
  std::atomic<bool> done{false};
};

// The same for the calls that another run could take up, as far as `take` goes along.
struct copy_request {
  const std::function<bool(const kept_call&)>* take = nullptr;
  std::uint32_t next = 0;  // place in the table of calls
  std::uint32_t until = 0; // not further than that at a time: whoever waits may want to give up
  bool ended = false;      // that was all of the table
  std::atomic<bool> done{false};
};

// Which slots are settled, as load_ledger has it.
struct settled_request {
  std::span<const slot_index> slots;
  std::vector<std::uint8_t> settled; // beside them, as long; the worker's, and so are these
  std::size_t next = 0;
  std::size_t loops_before = 0; // so many loops pass before the first look
  std::atomic<bool> done{false};
};

struct control_block {
  std::vector<port> ports;
  std::vector<const station*> stations; // by port index
  worker_id workers = 1;
  node_secret secret;
  tsc_clock clock;
  std::unique_ptr<worker_mesh> mesh;
  // For workers without a tx queue on a port: [port][worker], null where it has one.
  std::vector<std::vector<std::unique_ptr<spsc_ring<rte_mbuf*>>>> tx_crossings;

  std::atomic<const snapshot*> world{nullptr}; // written by control
  std::atomic<bool> stopping{false}, draining{false};
  std::atomic<std::uint32_t> announcements{0}; // how often control has asked for them
  rte_rcu_qsbr* quiescence = nullptr;          // a worker reports once in each loop
};

} // namespace linehunt::dpdk
