// SPDX-License-Identifier: Apache-2.0
// The runtime: EAL, ports, mempools, one pinned poll-mode worker with its engine per core, rings
// between them and to the control thread. This header is free of rte_*: the control thread goes
// through it and never sees an mbuf.
#pragma once

#include "dataplane/address.h"
#include "dataplane/dpdk/capture.h"
#include "dataplane/engine.h"
#include "dataplane/mail.h"
#include "dataplane/snapshot.h"
#include "dataplane/verdict.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dpdk {

enum class checksum_mode : std::uint8_t {
  automatic, // offload where the device says it can and is no vdev, else software
  software,
  offload,
};

struct port_address {
  ip_address ip;
  std::uint8_t prefix_bits = 0;
};

struct port_setup {
  std::string name; // the operator's name, for messages
  // PCI address or vdev: "net_af_packet0,iface=lh0"; or the name of a DPDK port that exists.
  std::string device;
  std::uint16_t mtu_bytes = 1500;
  std::uint16_t vlan = 0; // 0: untagged
  checksum_mode checksum = checksum_mode::automatic;
  std::vector<port_address> addresses; // ours, with their networks
  std::vector<ip_address> gateways; // next hop for what is not on a network; at most one a family
  bool check_source = true;         // nothing comes in from an address of another port's network
  std::uint16_t rx_descriptors = 1024;
  std::uint16_t tx_descriptors = 1024;
};

struct runtime_setup {
  std::vector<port_setup> ports;
  worker_id workers = 1;
  std::vector<unsigned> cores; // processor of each worker; empty: 1, 2, ... modulo count
  unsigned control_core = 0;
  bool hugepages = false;
  std::uint32_t memory_mb = 512;
  std::uint32_t mbufs = 16384; // per NUMA node; more where the queues of cards keep more
  std::string file_prefix = "linehunt";
  std::vector<std::string> eal_arguments; // passed through as they are
  bool yield_when_idle = true;
  engine_limits limits;
};

struct error {
  std::string message; // names the port or key and says what to do
};

// How many entries wait in the rings towards a worker, and in its ring to the control thread.
struct ring_depths {
  std::uint64_t packets = 0; // handed over by other workers
  std::uint64_t mail = 0;    // of other workers' engines
  std::uint64_t control = 0; // of the control thread
  std::uint64_t events = 0;  // to the control thread
};

// Per worker, as last written by it.
struct worker_report {
  worker_id id = 0;
  unsigned core = 0;
  int numa_node = -1;
  std::uint64_t rx_packets = 0, tx_packets = 0, tx_dropped = 0;
  std::uint64_t loops = 0, idle_loops = 0, busy_cycles = 0, total_cycles = 0;
  std::uint64_t longest_loop_us = 0, longest_adopt_us = 0; // since the start
  std::uint64_t handed_over = 0;                           // packets given to their owner's ring
  std::uint64_t events_lost = 0;                       // the ring to the control thread was full
  std::array<std::uint64_t, verdict_count> verdicts{}; // frames and messages together
  const engine_counters* engine = nullptr;
  const std::atomic<std::int64_t>* used = nullptr;               // load_ledger::published_used
  std::span<const post_dial_delay> post_dial_delays;             // by destination_index
  std::span<const std::atomic<std::uint64_t>> destination_calls; // the same
  ring_depths rings;
};

// Of a device that is not present any more nothing is heard; only another start gets it back.
enum class device_state : std::uint8_t {
  present,
  needs_reset, // a virtual function whose physical one was reset, or a card after a fault
  removed,
};

// Per port, as its device says.
struct port_report {
  std::string name;
  bool link_up = true;
  // Frames that the device itself lost: no place in its queue, no mbuf for it, or broken.
  std::uint64_t rx_missed = 0, rx_no_buffer = 0, rx_errors = 0;
  std::uint64_t tx_errors = 0;
  int numa_node = -1; // of the card; below 0: not known, or of no node
  device_state device = device_state::present;
};

// Hands over calls that a run before has left, one after the other. `restore` says whether there
// was room for the call.
using restoring = std::function<bool(const kept_call& call)>;
using call_source = std::function<void(const snapshot& world, const restoring& restore)>;

class runtime {
 public:
  // Starts EAL, ports and workers with the first snapshot. On an error nothing keeps running. EAL
  // starts only once in a process; where it runs already (eal.h) it is used, and left running.
  // The calls of `kept` are there, and all workers know of their lines, before the first packet.
  [[nodiscard]] static tl::expected<std::unique_ptr<runtime>, error>
  start(const runtime_setup& setup, std::unique_ptr<const snapshot> world,
        const call_source& kept = {});
  // Stops the workers, closes the ports, releases EAL.
  ~runtime();

  // Stops the workers, for good, and visits the calls that another run can take up.
  void end(const std::function<void(const kept_call&)>& visit);

  // Publishes a snapshot, waits until every worker has adopted it, frees the old one.
  void publish(std::unique_ptr<const snapshot> world);
  [[nodiscard]] const snapshot& world() const noexcept;

  // To one worker, or to all. False: a ring is full, nothing was sent to anyone. By one thread.
  [[nodiscard]] bool send(worker_id to, const mail& what);
  [[nodiscard]] bool send_to_all(const mail& what);
  // Hands over the events that workers raised since the last call. To be called some times a
  // second.
  void poll_events(const std::function<void(const event&)>& each);
  // Runs `visit` for every call of every worker, inside the worker's loop, some calls between two
  // bursts of packets: it must not take its time, nor allocate. Waits for the end, in which calls
  // come and go.
  void for_each_call(const std::function<void(worker_id, const call_info&)>& visit);
  // Copies the calls that another run can take up, inside the workers' loops as for_each_call does,
  // from a place on, which is where it stopped before: at a call that `take` had no room for, or
  // after a while. Waits for that. False: that was the last one. May be called by another thread
  // than all else here, but by one at a time.
  struct call_place {
    worker_id worker = 0;
    std::uint32_t next = 0;
  };
  [[nodiscard]] bool copy_calls(call_place& at, const std::function<bool(const kept_call&)>& take);
  // Those of the slots, of which none is in the snapshot, that no worker holds, owes or says
  // anything of any more, with no mail of them under way. Waits for some loops of every worker.
  [[nodiscard]] std::vector<slot_index> settled(std::vector<slot_index> slots);
  void drain(bool on);
  // The workers' clock, in which calls and events say their times.
  [[nodiscard]] time_us now() const noexcept;

  [[nodiscard]] worker_id workers() const noexcept;
  [[nodiscard]] worker_report report(worker_id worker) const;
  [[nodiscard]] std::vector<port_report> ports() const; // by port index
  // What the start has found that need not end it, a line for each.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;
  // Tells the neighbours of all ports again where we are, as at the start.
  void announce();
  // Copies frames from here on. One at a time; it must have ended before this runtime does. The
  // ring of each worker holds 16 MB of copies, or less where there are many workers; `ring_cells`
  // other than 0 is another size, in 16 bytes.
  [[nodiscard]] tl::expected<std::unique_ptr<capture>, error>
  begin_capture(const capture_filter& what, std::size_t ring_cells = 0);
  // mbufs that are in use outside the ports' own rx rings; the same before and after a run, but for
  // what cards keep in their tx queues.
  [[nodiscard]] std::uint64_t mbufs_in_use() const noexcept;

 private:
  struct state;
  explicit runtime(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

} // namespace linehunt::dpdk
