// SPDX-License-Identifier: Apache-2.0
// The DPDK part: EAL, one port with one queue each way, and the outbox in front of it. Knows
// nothing of calls.
#pragma once

#include "dataplane/dpdk/runtime_folder.h"
#include "tools/pktgen/frame.h"
#include "tools/pktgen/port_settings.h"
#include "tools/pktgen/traffic.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <rte_mbuf.h>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::pktgen {

// Nanoseconds of the time stamp counter.
class tsc_clock {
 public:
  tsc_clock();
  [[nodiscard]] time_ns now() const noexcept;

 private:
  std::uint64_t begin_, per_tick_; // 32 fractional bits
};

class port final : public outbox {
 public:
  // The message says what to do. EAL can be started once in a process.
  [[nodiscard]] static tl::expected<std::unique_ptr<port>, std::string>
  open(const port_settings& settings);
  ~port() override;
  port(const port&) = delete;
  port& operator=(const port&) = delete;

  [[nodiscard]] const mac_address& mac() const noexcept { return mac_; }
  [[nodiscard]] const tsc_clock& clock() const noexcept { return clock_; }
  // For a peer (memif).
  [[nodiscard]] tl::expected<void, std::string> wait_for_link(double patience_s);
  // Asks for the device's MAC until it answers; then once from each of our other addresses, so that
  // no first call has to wait until the device knows them.
  [[nodiscard]] tl::expected<mac_address, std::string> find_device(neighbourhood& around,
                                                                   double patience_s);
  void use(const frame_writer* frames) noexcept { frames_ = frames; }

  static constexpr std::size_t burst = 32, capacity = 1024;
  // Up to `burst` frames; they stay until the next call.
  [[nodiscard]] std::span<rte_mbuf* const> receive() noexcept;
  // An answer of ARP or neighbour discovery over the frame that asked; ahead of all messages.
  void send_back(rte_mbuf& frame, std::size_t len) noexcept;

  [[nodiscard]] std::size_t room() const noexcept override { return capacity - count_; }
  [[nodiscard]] char* begin() noexcept override;
  void commit(std::size_t len, std::uint32_t station, stamp* sent_at) noexcept override;
  // Hands over what has been committed, as far as the port takes it; how much it took.
  std::size_t flush() noexcept;

  [[nodiscard]] unsigned mbufs_in_use() const noexcept;
  void release() noexcept; // gives back what it holds for the next message
  [[nodiscard]] std::uint64_t full_turns() const noexcept { return full_turns_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::string driver() const;

 private:
  port() = default;
  [[nodiscard]] tl::expected<void, std::string> start(const port_settings& settings);
  [[nodiscard]] rte_mbuf* take_mbuf() noexcept;
  void free_received() noexcept;

  tsc_clock clock_;
  std::uint16_t id_ = 0;
  bool running_ = false;
  rte_mempool* pool_ = nullptr;
  mac_address mac_{};
  const frame_writer* frames_ = nullptr;
  std::array<rte_mbuf*, capacity> waiting_{};
  std::size_t count_ = 0;
  std::array<rte_mbuf*, burst> fresh_{};
  std::size_t fresh_count_ = 0;
  rte_mbuf* open_ = nullptr; // begun and not committed
  std::array<rte_mbuf*, burst> received_{};
  std::size_t received_count_ = 0;
  std::uint64_t full_turns_ = 0; // the port took less than it was given
  bool drop_when_full_ = false;
  std::optional<dpdk::runtime_folder> folder_; // what EAL makes for this run
  std::uint64_t dropped_ = 0;
};

} // namespace linehunt::pktgen
