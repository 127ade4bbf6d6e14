// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/mbuf.h"

namespace linehunt::dpdk {

int arrival_offset = -1;

bool register_arrival() noexcept {
  rte_mbuf_dynfield wanted{};
  std::snprintf(wanted.name, sizeof wanted.name, "linehunt_arrival");
  wanted.size = sizeof(arrival);
  wanted.align = alignof(arrival);
  arrival_offset = rte_mbuf_dynfield_register(&wanted);
  return arrival_offset >= 0;
}

std::span<const char> contiguous(const rte_mbuf& m, std::uint32_t offset_bytes,
                                 std::uint32_t len_bytes, std::span<char> scratch) noexcept {
  if (offset_bytes > m.pkt_len || len_bytes > m.pkt_len - offset_bytes) return {};
  const bool in_one_segment = offset_bytes + len_bytes <= m.data_len;
  if (!in_one_segment && len_bytes > scratch.size()) return {};
  const void* at = rte_pktmbuf_read(&m, offset_bytes, len_bytes, scratch.data());
  if (at == nullptr) return {};
  return {static_cast<const char*>(at), len_bytes};
}

} // namespace linehunt::dpdk
