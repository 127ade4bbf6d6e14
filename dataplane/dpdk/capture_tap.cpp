// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/capture_tap.h"

#include <algorithm>
#include <cstring>
#include <rte_cycles.h>

namespace linehunt::dpdk {

std::uint16_t capture_tap::on_received(std::uint16_t, std::uint16_t, rte_mbuf** packets,
                                       std::uint16_t count, std::uint16_t, void* tap) {
  auto& self = *static_cast<capture_tap*>(tap);
  const std::uint64_t now = rte_get_tsc_cycles();
  for (std::uint16_t i = 0; i < count; ++i) {
    packets[i]->ol_flags &= ~self.seen_; // net_ring hands over what another port has sent
    self.copy(*packets[i], now);
  }
  return count;
}

// What a device does not take is offered once more, and comes by here again.
std::uint16_t capture_tap::on_sending(std::uint16_t, std::uint16_t, rte_mbuf** packets,
                                      std::uint16_t count, void* tap) {
  auto& self = *static_cast<capture_tap*>(tap);
  const std::uint64_t now = rte_get_tsc_cycles();
  for (std::uint16_t i = 0; i < count; ++i) {
    if ((packets[i]->ol_flags & self.seen_) != 0) continue;
    packets[i]->ol_flags |= self.seen_;
    self.copy(*packets[i], now);
  }
  return count;
}

void capture_tap::copy(const rte_mbuf& packet, std::uint64_t cycles) noexcept {
  const auto bytes =
      static_cast<std::uint16_t>(std::min<std::size_t>(packet.pkt_len, frame_ring::longest_frame));
  char* const room = ring_.room();
  const void* const at = rte_pktmbuf_read(&packet, 0, bytes, room); // room: where it is in pieces
  if (at == nullptr || !match_.takes({static_cast<const char*>(at), bytes})) return;
  if (at != room) std::memcpy(room, at, bytes);
  if (!ring_.push({cycles, packet.pkt_len, bytes, port_, sent_})) bump(missed_);
}

} // namespace linehunt::dpdk
