// SPDX-License-Identifier: Apache-2.0
// One network port: the DPDK device, opened and started as configured, and who we are on it.
#pragma once

#include "dataplane/dpdk/runtime.h"
#include "dataplane/dpdk/station.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <rte_mempool.h>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dpdk {

class port {
 public:
  // Finds or probes the device and asks it how many queues it will have for so many workers.
  [[nodiscard]] static tl::expected<port, error> probe(const port_setup& setup, worker_id workers);
  port(port&& other) noexcept;
  port& operator=(port&&) = delete;
  ~port(); // stops and closes what it opened

  // Configures and starts it; rx queue q takes its mbufs from pools[q modulo size]. `interrupts`:
  // of rx queues, where the device has them.
  [[nodiscard]] tl::expected<void, error> start(const std::vector<rte_mempool*>& pools,
                                                bool interrupts);
  void stop() noexcept;

  // Of a bond the MAC is known once it is started.
  [[nodiscard]] const station& us() const noexcept { return station_; }
  // Before the workers run.
  void know_of(const port& other);
  [[nodiscard]] const std::string& name() const noexcept { return setup_.name; }
  [[nodiscard]] std::uint16_t device() const noexcept { return device_; }
  // What each rx queue holds, once started.
  [[nodiscard]] std::size_t rx_queue_packets() const noexcept { return rx_queue_packets_; }
  [[nodiscard]] std::uint16_t rx_queues() const noexcept { return rx_queues_; }
  [[nodiscard]] std::uint16_t tx_queues() const noexcept { return tx_queues_; }
  [[nodiscard]] bool is_bond() const noexcept { return is_bond_; }
  [[nodiscard]] bool rx_interrupts() const noexcept { return rx_interrupts_; }
  // How many mbufs its queues keep when it is started: those of rx wait for frames, and cards give
  // back what they have sent only when the place in their queue is wanted again.
  [[nodiscard]] std::size_t mbufs_kept() const noexcept;
  // What the device counts, and its link. Any thread.
  [[nodiscard]] port_report report() const noexcept;

  // Who polls an rx queue, and through which tx queue a worker sends: its own, or, where there are
  // fewer queues than workers, that of `tx_owner`.
  [[nodiscard]] worker_id rx_owner(std::uint16_t queue, worker_id workers) const noexcept {
    return static_cast<worker_id>(queue % workers);
  }
  [[nodiscard]] worker_id tx_owner(worker_id w) const noexcept {
    return static_cast<worker_id>(w % tx_queues_);
  }

 private:
  explicit port(const port_setup& setup) : setup_(setup) {}
  [[nodiscard]] std::string device_name() const; // without its arguments
  [[nodiscard]] error failed(const std::string& what, int code) const;
  [[nodiscard]] tl::expected<void, error> configure(bool interrupts);
  [[nodiscard]] tl::expected<void, error> start_once(const std::vector<rte_mempool*>& pools,
                                                     bool interrupts);
  void take_bond_mac();
  void take_group_frames() const;
  void watch_device() noexcept;
  void forget_device() noexcept;

  port_setup setup_;
  station station_;
  std::uint16_t device_ = 0;
  std::uint16_t rx_queues_ = 1, tx_queues_ = 1;
  std::size_t rx_queue_packets_ = 0;
  std::vector<int> xdp_sockets_; // ours, of the driver
  unsigned interface_ = 0;       // the kernel's behind it, of drivers that do not tell its link
  // Written by DPDK's interrupt thread, read by the control thread; where it lies is told to DPDK.
  std::unique_ptr<std::atomic<device_state>> device_state_ =
      std::make_unique<std::atomic<device_state>>(device_state::present);
  bool is_pci_ = false, is_bond_ = false;
  bool rx_interrupts_ = false;
  bool filters_vlan_ = false;
  bool opened_ = false; // probed by us, so closed by us
  bool started_ = false;
};

} // namespace linehunt::dpdk
