// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/udp_frame.h"

#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/link_header.h"

#include <algorithm>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_udp.h>

namespace linehunt::dpdk {

namespace {

constexpr rte_ether_addr not_yet_known{};

std::size_t ip_header_bytes(const endpoint& to) noexcept {
  return to.ip.is_v6 ? sizeof(rte_ipv6_hdr) : sizeof(rte_ipv4_hdr);
}

void write_ipv4(std::uint8_t* at, const endpoint& from, const endpoint& to,
                std::size_t payload_bytes, std::uint16_t ip_id, std::uint16_t fragment,
                bool fill_checksum) noexcept {
  auto& ip = *static_cast<rte_ipv4_hdr*>(static_cast<void*>(at));
  ip.version_ihl = RTE_IPV4_VHL_DEF;
  ip.type_of_service = 0;
  ip.total_length = rte_cpu_to_be_16(static_cast<std::uint16_t>(sizeof ip + payload_bytes));
  ip.packet_id = rte_cpu_to_be_16(ip_id);
  ip.fragment_offset = rte_cpu_to_be_16(fragment);
  ip.time_to_live = initial_ttl;
  ip.next_proto_id = IPPROTO_UDP;
  ip.hdr_checksum = 0;
  __builtin_memcpy(&ip.src_addr, from.ip.bytes.data(), 4);
  __builtin_memcpy(&ip.dst_addr, to.ip.bytes.data(), 4);
  if (fill_checksum) ip.hdr_checksum = rte_ipv4_cksum(&ip);
}

rte_udp_hdr udp_header(const endpoint& from, const endpoint& to, std::size_t len_bytes) noexcept {
  return {rte_cpu_to_be_16(from.port), rte_cpu_to_be_16(to.port),
          rte_cpu_to_be_16(static_cast<std::uint16_t>(len_bytes)), 0};
}

} // namespace

bool fits_one_packet(std::uint16_t mtu_bytes, const endpoint& to,
                     std::size_t payload_bytes) noexcept {
  return ip_header_bytes(to) + sizeof(rte_udp_hdr) + payload_bytes <= mtu_bytes;
}

bool prepend_headers(const station& we, rte_mbuf& m, const endpoint& from, const endpoint& to,
                     std::uint16_t ip_id) noexcept {
  const std::size_t udp_len = sizeof(rte_udp_hdr) + m.data_len;
  const std::size_t l2_len = we.l2_bytes(), l3_len = ip_header_bytes(to);
  const auto header_len = static_cast<std::uint16_t>(l2_len + l3_len + sizeof(rte_udp_hdr));
  if (rte_pktmbuf_prepend(&m, header_len) == nullptr) return false;
  clear_rx_flags(m);
  write_link_header(we, bytes_at(m, 0), not_yet_known,
                    to.ip.is_v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
  const bool offload = we.offload_checksums;
  if (to.ip.is_v6)
    write_v6_header(bytes_at(m, l2_len), from.ip, to.ip, IPPROTO_UDP, initial_ttl, udp_len);
  else
    write_ipv4(bytes_at(m, l2_len), from, to, udp_len, ip_id, 0, !offload);

  auto& udp = header_at<rte_udp_hdr>(m, l2_len + l3_len);
  udp = udp_header(from, to, udp_len);
  const auto pseudo =
      pseudo_header_sum(from.ip, to.ip, IPPROTO_UDP, static_cast<std::uint32_t>(udp_len));
  if (!offload) {
    udp.dgram_cksum = transport_checksum({bytes_at(m, l2_len + l3_len), udp_len}, pseudo);
    return true;
  }
  udp.dgram_cksum = pseudo; // the device adds the rest
  m.l2_len = l2_len & 0x7f;
  m.l3_len = l3_len & 0x1ff;
  m.ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
  m.ol_flags |= to.ip.is_v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
  return true;
}

std::size_t build_fragments(const station& we, std::uint16_t mtu_bytes, rte_mempool& pool,
                            std::span<const char> payload, const endpoint& from, const endpoint& to,
                            std::uint32_t ip_id, std::span<rte_mbuf*, max_fragments> out) noexcept {
  struct fragment_header { // RFC 8200 4.5
    std::uint8_t next_header, reserved;
    std::uint16_t offset_and_more;
    std::uint32_t id;
  };
  const bool v6 = to.ip.is_v6;
  const std::size_t l3_len = ip_header_bytes(to) + (v6 ? sizeof(fragment_header) : 0);
  const std::size_t udp_len = sizeof(rte_udp_hdr) + payload.size();
  if (udp_len + sizeof(rte_ipv4_hdr) > 0xffff || mtu_bytes < l3_len + 16) return 0;
  const std::size_t slice_len = (mtu_bytes - l3_len) & ~std::size_t{7};

  // Offset 0 of what is cut is the UDP header, whose checksum covers the whole datagram.
  rte_udp_hdr udp = udp_header(from, to, udp_len);
  std::uint32_t sum =
      pseudo_header_sum(from.ip, to.ip, IPPROTO_UDP, static_cast<std::uint32_t>(udp_len));
  sum += rte_raw_cksum(&udp, sizeof udp);
  sum = (sum & 0xffff) + (sum >> 16);
  const auto* const bytes =
      static_cast<const std::uint8_t*>(static_cast<const void*>(payload.data()));
  udp.dgram_cksum = transport_checksum({bytes, payload.size()},
                                       static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16)));

  std::size_t count = 0;
  for (std::size_t at = 0; at < udp_len; at += slice_len, ++count) {
    rte_mbuf* const m = count < out.size() ? rte_pktmbuf_alloc(&pool) : nullptr;
    if (m == nullptr) {
      rte_pktmbuf_free_bulk(out.data(), static_cast<unsigned>(count));
      return 0;
    }
    out[count] = m;
    const std::size_t len = std::min(slice_len, udp_len - at);
    const bool more = at + len < udp_len;
    const std::size_t l2_len = we.l2_bytes();
    if (rte_pktmbuf_append(m, static_cast<std::uint16_t>(l2_len + l3_len + len)) == nullptr) {
      rte_pktmbuf_free_bulk(out.data(), static_cast<unsigned>(count + 1));
      return 0;
    }
    write_link_header(we, bytes_at(*m, 0), not_yet_known,
                      v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
    if (v6) {
      write_v6_header(bytes_at(*m, l2_len), from.ip, to.ip, IPPROTO_FRAGMENT, initial_ttl,
                      sizeof(fragment_header) + len);
      const fragment_header header{
          IPPROTO_UDP, 0, rte_cpu_to_be_16(static_cast<std::uint16_t>(at | (more ? 1u : 0u))),
          rte_cpu_to_be_32(ip_id)};
      __builtin_memcpy(bytes_at(*m, l2_len + sizeof(rte_ipv6_hdr)), &header, sizeof header);
    } else {
      const auto fragment =
          static_cast<std::uint16_t>((at / 8) | (more ? RTE_IPV4_HDR_MF_FLAG : 0u));
      write_ipv4(bytes_at(*m, l2_len), from, to, len, static_cast<std::uint16_t>(ip_id), fragment,
                 true);
    }
    std::uint8_t* to_fill = bytes_at(*m, l2_len + l3_len);
    std::size_t from_payload = at == 0 ? 0 : at - sizeof udp, copy = len;
    if (at == 0) {
      __builtin_memcpy(to_fill, &udp, sizeof udp);
      to_fill += sizeof udp;
      copy -= sizeof udp;
    }
    __builtin_memcpy(to_fill, payload.data() + from_payload, copy);
  }
  return count;
}

} // namespace linehunt::dpdk
