// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/tx_lane.h"

#include <algorithm>
#include <rte_ethdev.h>

namespace linehunt::dpdk {

std::size_t tx_lane::offer(std::size_t from) noexcept {
  const auto left = static_cast<std::uint16_t>(count_ - from);
  if (to_owner_ != nullptr) return to_owner_->push_burst({batch_.data() + from, left});
  return rte_eth_tx_burst(device_, queue_, batch_.data() + from, left);
}

// The driver stops at a frame that it refuses. That one is dropped, and those behind it move up.
void tx_lane::prepare_burst() noexcept {
  std::size_t ready = 0;
  for (std::size_t at = 0; at < count_; ++at) {
    const auto left = static_cast<std::uint16_t>(count_ - at);
    const std::size_t good = rte_eth_tx_prepare(device_, queue_, batch_.data() + at, left);
    if (at != ready) std::copy_n(batch_.begin() + at, good, batch_.begin() + ready);
    ready += good;
    at += good;
    if (at == count_) break;
    bump(counters_->tx_dropped);
    rte_pktmbuf_free(batch_[at]);
  }
  count_ = ready;
}

void tx_lane::send_burst() noexcept {
  if (prepare_) prepare_burst();
  std::size_t sent = offer(0);
  if (sent < count_) sent += offer(sent);
  // The owner of the queue counts what it sends for others.
  if (to_owner_ == nullptr) bump(counters_->tx_packets, sent);
  if (sent < count_) {
    bump(counters_->tx_dropped, count_ - sent);
    rte_pktmbuf_free_bulk(batch_.data() + sent, static_cast<unsigned>(count_ - sent));
  }
  count_ = 0;
}

void tx_lane::speak() noexcept {
  if (speaks_) (void)rte_eth_tx_burst(device_, queue_, nullptr, 0);
}

void tx_lane::clear() noexcept {
  rte_pktmbuf_free_bulk(batch_.data(), static_cast<unsigned>(count_));
  count_ = 0;
}

} // namespace linehunt::dpdk
