// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/tx_lane.h"

#include <rte_ethdev.h>

namespace linehunt::dpdk {

std::size_t tx_lane::offer(std::size_t from) noexcept {
  const auto left = static_cast<std::uint16_t>(count_ - from);
  if (to_owner_ != nullptr) return to_owner_->push_burst({batch_.data() + from, left});
  std::uint16_t ready = left;
  if (prepare_) ready = rte_eth_tx_prepare(device_, queue_, batch_.data() + from, left);
  return rte_eth_tx_burst(device_, queue_, batch_.data() + from, ready);
}

void tx_lane::send_burst() noexcept {
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
