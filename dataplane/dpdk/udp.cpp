// SPDX-License-Identifier: Apache-2.0
// The UDP header (RFC 768; for IPv6 RFC 8200 8.1).
#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/mbuf.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_udp.h>

namespace linehunt::dpdk {

judgement inspect_udp(const rte_mbuf& m, frame& out) noexcept {
  if (out.l4_len < sizeof(rte_udp_hdr)) return verdict::dropped_bad_udp_checksum;
  if (m.data_len < out.l4_off + sizeof(rte_udp_hdr)) return verdict::dropped_short_frame;
  const auto& udp = header_at<rte_udp_hdr>(m, out.l4_off);
  const std::uint16_t len = rte_be_to_cpu_16(udp.dgram_len);
  // What lies behind the UDP length inside the IP packet is no part of the datagram.
  if (len < sizeof(rte_udp_hdr) || len > out.l4_len) return verdict::dropped_bad_udp_checksum;
  if (is_impossible_source(out.source) || is_multicast(out.destination))
    return verdict::dropped_bad_ip_header;

  // Some devices say "good" of what they could not read as UDP, since nothing was wrong with it.
  const bool device_checked =
      (m.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD &&
      (m.packet_type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_UDP;
  // "No checksum" exists in IPv4 alone.
  if (udp.dgram_cksum == 0 && out.source.is_v6) return verdict::dropped_bad_udp_checksum;
  if (udp.dgram_cksum != 0 && !device_checked) {
    const auto pseudo = pseudo_header_sum(out.source, out.destination, IPPROTO_UDP, len);
    if (!transport_sum_ok(m, out.l4_off, len, pseudo)) return verdict::dropped_bad_udp_checksum;
  }
  out.source_port = rte_be_to_cpu_16(udp.src_port);
  out.destination_port = rte_be_to_cpu_16(udp.dst_port);
  out.payload_off = static_cast<std::uint16_t>(out.l4_off + sizeof(rte_udp_hdr));
  out.payload_len = static_cast<std::uint16_t>(len - sizeof(rte_udp_hdr));
  return std::nullopt;
}

} // namespace linehunt::dpdk
