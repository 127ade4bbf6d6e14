// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/tcp.h"

#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/link_header.h"
#include "dataplane/dpdk/mbuf.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

namespace linehunt::dpdk {

namespace {

constexpr std::uint8_t opening_flags =
    RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

// Bytes of the header with its options; 0: it is none.
std::uint32_t header_bytes(const rte_tcp_hdr& tcp, std::uint32_t l4_len) noexcept {
  const std::uint32_t len = (tcp.data_off >> 4) * 4u;
  return len >= sizeof(rte_tcp_hdr) && len <= l4_len ? len : 0;
}

} // namespace

answer answer_tcp(const station& we, rte_mbuf& m, const frame& f) noexcept {
  constexpr answer ignored{verdict::dropped_other_protocol};
  // As for echo, not with IP options or extension headers, and not to a group.
  const std::size_t l3_bytes = f.source.is_v6 ? sizeof(rte_ipv6_hdr) : sizeof(rte_ipv4_hdr);
  if (m.nb_segs != 1 || f.l4_off != f.l3_off + l3_bytes || f.l4_len < sizeof(rte_tcp_hdr) ||
      m.data_len < f.l4_off + f.l4_len || is_multicast(f.destination) ||
      is_impossible_source(f.source))
    return ignored;
  auto& tcp = header_at<rte_tcp_hdr>(m, f.l4_off);
  const std::uint32_t header = header_bytes(tcp, f.l4_len);
  // All but a SYN belongs to a connection that nobody has with us. A reset is never answered.
  if (header == 0 || (tcp.tcp_flags & opening_flags) != RTE_TCP_SYN_FLAG) return ignored;
  if (!transport_sum_ok(m, f.l4_off, f.l4_len,
                        pseudo_header_sum(f.source, f.destination, IPPROTO_TCP, f.l4_len)))
    return ignored;

  const rte_be16_t asker = tcp.src_port;
  tcp.src_port = tcp.dst_port;
  tcp.dst_port = asker;
  // The SYN counts as one, besides what comes with it.
  tcp.recv_ack = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp.sent_seq) + 1 + (f.l4_len - header));
  tcp.sent_seq = 0;
  tcp.data_off = (sizeof(rte_tcp_hdr) / 4) << 4;
  tcp.tcp_flags = RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG;
  tcp.rx_win = 0;
  tcp.tcp_urp = 0;
  tcp.cksum = 0;
  tcp.cksum = transport_checksum(
      {bytes_at(m, f.l4_off), sizeof(rte_tcp_hdr)},
      pseudo_header_sum(f.destination, f.source, IPPROTO_TCP, sizeof(rte_tcp_hdr)));
  if (f.source.is_v6)
    write_v6_header(bytes_at(m, f.l3_off), f.destination, f.source, IPPROTO_TCP, initial_ttl,
                    sizeof(rte_tcp_hdr));
  else
    turn_v4_header(header_at<rte_ipv4_hdr>(m, f.l3_off), sizeof(rte_tcp_hdr));
  const auto back_to = header_at<rte_ether_hdr>(m, 0).src_addr;
  return {
      verdict::tcp_refused,
      turn_round(we, m, f, back_to, static_cast<std::uint32_t>(l3_bytes + sizeof(rte_tcp_hdr)))};
}

} // namespace linehunt::dpdk
