// SPDX-License-Identifier: Apache-2.0
// A capture of the frames that go through the ports: taps at their queues, a ring for each worker,
// and the order of the frames over all of them. Belongs to the control thread.
#pragma once

#include "dataplane/dpdk/capture.h"
#include "dataplane/dpdk/capture_tap.h"
#include "dataplane/dpdk/control_block.h"
#include "dataplane/dpdk/frame_ring.h"

#include <functional>
#include <memory>
#include <rte_ethdev.h>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dpdk {

class port_capture final : public capture {
 public:
  // `wait` returns when every worker has left the loop in which it was.
  port_capture(const control_block& shared, std::function<void()> wait)
      : shared_(shared), wait_(std::move(wait)) {}
  ~port_capture() override;
  port_capture(const port_capture&) = delete;
  port_capture& operator=(const port_capture&) = delete;

  // `nodes`: of the workers.
  [[nodiscard]] tl::expected<void, error>
  begin(const capture_filter& what, const std::vector<int>& nodes, std::size_t cells_of_worker);
  void poll(const visitor& each) override;
  void stop(const visitor& each) override;
  [[nodiscard]] std::uint64_t missed(std::size_t port) const noexcept override;

  // Cells of each worker's ring: 16 MB, less where there are many workers.
  [[nodiscard]] static std::size_t usual_cells(worker_id workers) noexcept;

 private:
  // The two clocks at one moment.
  struct moment {
    std::uint64_t cycles = 0, unix_ns = 0;
  };
  struct placed_tap {
    std::unique_ptr<capture_tap> tap;
    std::uint16_t device = 0, queue = 0;
    bool sent = false;
    const rte_eth_rxtx_callback* callback = nullptr;
  };

  [[nodiscard]] static moment read_clocks() noexcept;
  [[nodiscard]] std::uint64_t unix_ns_of(std::uint64_t cycles) const noexcept;
  [[nodiscard]] tl::expected<void, error> place(std::size_t port, std::uint16_t queue, bool sent,
                                                worker_id worker, const std::string& match,
                                                std::uint64_t seen);
  void hand_over(std::uint64_t until_cycles, const visitor& each);
  void remove_taps();

  const control_block& shared_;
  std::function<void()> wait_;
  std::vector<std::unique_ptr<frame_ring>> rings_; // by worker
  std::vector<placed_tap> taps_;
  moment before_, last_; // of the last two polls
  bool stopped_ = true;
};

} // namespace linehunt::dpdk
