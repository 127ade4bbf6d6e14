// SPDX-License-Identifier: Apache-2.0
// Layer 2: is the frame for us, and of our VLAN?
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/mbuf.h"

#include <rte_byteorder.h>

namespace linehunt::dpdk {

namespace {

// A station takes its own address, broadcast (ARP) and the IPv6 groups (neighbour discovery).
bool for_us(const station& we, const rte_ether_addr& to) noexcept {
  if (rte_is_same_ether_addr(&to, &we.mac) != 0 || rte_is_broadcast_ether_addr(&to) != 0)
    return true;
  return to.addr_bytes[0] == 0x33 && to.addr_bytes[1] == 0x33;
}

} // namespace

judgement inspect_ethernet(const station& we, const rte_mbuf& m, frame& out) noexcept {
  if (m.data_len < sizeof(rte_ether_hdr)) return verdict::dropped_short_frame;
  const auto& ether = header_at<rte_ether_hdr>(m, 0);
  if (!for_us(we, ether.dst_addr)) return verdict::dropped_other_mac;
  // A packet socket also shows what the host itself sends; those frames carry our own source. And
  // no group is one (IEEE 802.3 3.2.3): an answer would go to all of it.
  if (rte_is_same_ether_addr(&ether.src_addr, &we.mac) != 0 ||
      rte_is_multicast_ether_addr(&ether.src_addr) != 0)
    return verdict::dropped_other_mac;
  out.to_group = rte_is_multicast_ether_addr(&ether.dst_addr) != 0;
  out.ethertype = rte_be_to_cpu_16(ether.ether_type);
  out.l3_off = sizeof(rte_ether_hdr);

  std::uint16_t vlan = 0;
  if ((m.ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
    vlan = m.vlan_tci & 0x0fff; // the kernel or the device has taken the tag off
  } else if (out.ethertype == RTE_ETHER_TYPE_VLAN) {
    if (m.data_len < sizeof(rte_ether_hdr) + sizeof(rte_vlan_hdr))
      return verdict::dropped_short_frame;
    const auto& tag = header_at<rte_vlan_hdr>(m, sizeof(rte_ether_hdr));
    vlan = rte_be_to_cpu_16(tag.vlan_tci) & 0x0fff;
    out.ethertype = rte_be_to_cpu_16(tag.eth_proto);
    out.l3_off += sizeof(rte_vlan_hdr);
  }
  // VLAN 0 is a priority tag on an untagged frame (IEEE 802.1Q 6.9).
  if (vlan != we.vlan) return verdict::dropped_other_vlan;
  if (out.ethertype == RTE_ETHER_TYPE_VLAN || out.ethertype == RTE_ETHER_TYPE_QINQ)
    return verdict::dropped_other_vlan;
  return std::nullopt;
}

} // namespace linehunt::dpdk
