// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/link_header.h"

#include <rte_byteorder.h>
#include <rte_ip.h>

namespace linehunt::dpdk {

void write_link_header(const station& we, std::uint8_t* at, const rte_ether_addr& to,
                       std::uint16_t ethertype) noexcept {
  auto& ether = *static_cast<rte_ether_hdr*>(static_cast<void*>(at));
  ether.dst_addr = to;
  ether.src_addr = we.mac;
  if (we.vlan == 0) {
    ether.ether_type = rte_cpu_to_be_16(ethertype);
    return;
  }
  ether.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
  auto& tag = *static_cast<rte_vlan_hdr*>(static_cast<void*>(at + sizeof(rte_ether_hdr)));
  tag.vlan_tci = rte_cpu_to_be_16(we.vlan);
  tag.eth_proto = rte_cpu_to_be_16(ethertype);
}

bool turn_round(const station& we, rte_mbuf& m, const frame& f, const rte_ether_addr& to,
                std::uint32_t l3_len_bytes) noexcept {
  const rte_ether_addr recipient = to; // may lie in the frame that is about to be rewritten
  const auto had = f.l3_off;
  const auto wanted = static_cast<std::uint16_t>(we.l2_bytes());
  if (had > wanted) {
    if (rte_pktmbuf_adj(&m, had - wanted) == nullptr) return false;
  } else if (had < wanted) {
    if (rte_pktmbuf_prepend(&m, wanted - had) == nullptr) return false;
  }
  const std::uint32_t len = wanted + l3_len_bytes;
  if (m.pkt_len < len) return false;
  if (m.pkt_len > len && rte_pktmbuf_trim(&m, static_cast<std::uint16_t>(m.pkt_len - len)) != 0)
    return false;
  write_link_header(we, bytes_at(m, 0), recipient, f.ethertype);
  clear_rx_flags(m);
  return true;
}

} // namespace linehunt::dpdk
