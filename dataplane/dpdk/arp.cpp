// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/arp.h"

#include "dataplane/dpdk/link_header.h"
#include "dataplane/dpdk/mbuf.h"

#include <rte_arp.h>
#include <rte_byteorder.h>

namespace linehunt::dpdk {

namespace {

void fill(rte_arp_hdr& arp, std::uint16_t opcode, const rte_ether_addr& sender_mac,
          const ip_address& sender, const rte_ether_addr& target_mac,
          const ip_address& target) noexcept {
  arp.arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
  arp.arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
  arp.arp_hlen = RTE_ETHER_ADDR_LEN;
  arp.arp_plen = 4;
  arp.arp_opcode = rte_cpu_to_be_16(opcode);
  arp.arp_data.arp_sha = sender_mac;
  __builtin_memcpy(&arp.arp_data.arp_sip, sender.bytes.data(), 4);
  arp.arp_data.arp_tha = target_mac;
  __builtin_memcpy(&arp.arp_data.arp_tip, target.bytes.data(), 4);
}

} // namespace

answer answer_arp(const station& we, rte_mbuf& m, const frame& f) noexcept {
  if (m.data_len < f.l3_off + sizeof(rte_arp_hdr)) return {verdict::dropped_short_frame};
  auto& arp = header_at<rte_arp_hdr>(m, f.l3_off);
  if (arp.arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
      arp.arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ||
      arp.arp_hlen != RTE_ETHER_ADDR_LEN || arp.arp_plen != 4)
    return {verdict::dropped_ethertype};

  const ip_address sender = ip_from(&arp.arp_data.arp_sip, false);
  const ip_address target = ip_from(&arp.arp_data.arp_tip, false);
  const rte_ether_addr sender_mac = arp.arp_data.arp_sha;
  const bool for_us = we.owns(target);

  answer result{for_us ? verdict::arp_handled : verdict::dropped_other_ip, false, {}};
  // A sender with our own address is a conflict and teaches nothing; nor does a probe (RFC 5227).
  const bool credible = rte_is_unicast_ether_addr(&sender_mac) != 0 &&
                        !is_impossible_source(sender) && !we.owns(sender) && we.on_link(sender);
  // RFC 826: a known sender is updated by any packet, a new one is added only by one for us.
  const bool is_answer = for_us && arp.arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY);
  if (credible) result.claim = neighbour_claim{sender, sender_mac, for_us, is_answer};
  if (!for_us || arp.arp_opcode != rte_cpu_to_be_16(RTE_ARP_OP_REQUEST)) return result;
  if (rte_is_unicast_ether_addr(&sender_mac) == 0) return result;

  fill(arp, RTE_ARP_OP_REPLY, we.mac, target, sender_mac, sender);
  result.send_back = turn_round(we, m, f, sender_mac, sizeof(rte_arp_hdr));
  return result;
}

bool write_arp_request(const station& we, rte_mbuf& m, const ip_address& sender,
                       const ip_address& target, const rte_ether_addr* to) noexcept {
  static constexpr rte_ether_addr everybody{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  const auto len = static_cast<std::uint16_t>(we.l2_bytes() + sizeof(rte_arp_hdr));
  if (rte_pktmbuf_append(&m, len) == nullptr) return false;
  write_link_header(we, bytes_at(m, 0), to != nullptr ? *to : everybody, RTE_ETHER_TYPE_ARP);
  fill(header_at<rte_arp_hdr>(m, we.l2_bytes()), RTE_ARP_OP_REQUEST, we.mac, sender,
       rte_ether_addr{}, target);
  return true;
}

} // namespace linehunt::dpdk
