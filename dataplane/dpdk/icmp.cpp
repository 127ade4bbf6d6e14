// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/icmp.h"

#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/link_header.h"
#include "dataplane/dpdk/mbuf.h"

#include <netinet/in.h>
#include <rte_icmp.h>
#include <rte_ip.h>

namespace linehunt::dpdk {

namespace {

constexpr std::uint8_t echo_request_v6 = 128, echo_reply_v6 = 129; // RFC 4443 4

bool in_one_segment(const rte_mbuf& m, const frame& f) noexcept {
  return m.nb_segs == 1 && m.data_len >= f.l4_off + f.l4_len && f.l4_len >= sizeof(rte_icmp_hdr);
}

// Of a port whose MTU is less than that of its link: the reply would not be let out.
bool is_too_large(const station& we, const frame& f) noexcept {
  return f.l4_off - f.l3_off + f.l4_len > we.mtu_bytes;
}

} // namespace

answer answer_icmp(const station& we, rte_mbuf& m, const frame& f) noexcept {
  if (!in_one_segment(m, f)) return {verdict::icmp_ignored};
  auto& icmp = header_at<rte_icmp_hdr>(m, f.l4_off);
  const auto* const message = bytes_at(m, f.l4_off);
  if (rte_raw_cksum(message, f.l4_len) != 0xffff) return {verdict::icmp_ignored};
  if (icmp.icmp_type != RTE_IP_ICMP_ECHO_REQUEST || icmp.icmp_code != 0 || is_too_large(we, f))
    return {verdict::icmp_ignored};

  icmp.icmp_type = RTE_IP_ICMP_ECHO_REPLY;
  icmp.icmp_cksum = 0;
  icmp.icmp_cksum = static_cast<std::uint16_t>(~rte_raw_cksum(message, f.l4_len));
  turn_v4_header(header_at<rte_ipv4_hdr>(m, f.l3_off), f.l4_len);
  const auto back_to = header_at<rte_ether_hdr>(m, 0).src_addr;
  const std::uint32_t l3_len = f.l4_off - f.l3_off + f.l4_len;
  return {verdict::icmp_answered, turn_round(we, m, f, back_to, l3_len), {}};
}

answer answer_echo_v6(const station& we, rte_mbuf& m, const frame& f) noexcept {
  if (!in_one_segment(m, f)) return {verdict::icmp_ignored};
  auto& icmp = header_at<rte_icmp_hdr>(m, f.l4_off);
  // A ping to a group could be answered (RFC 4443 4.2), but need not.
  if (icmp.icmp_type != echo_request_v6 || icmp.icmp_code != 0 || is_multicast(f.destination) ||
      is_impossible_source(f.source) || is_too_large(we, f))
    return {verdict::icmp_ignored};
  // With extension headers the echo would have to leave without them; nobody pings like that.
  if (f.l4_off != f.l3_off + sizeof(rte_ipv6_hdr)) return {verdict::icmp_ignored};

  auto& ip = header_at<rte_ipv6_hdr>(m, f.l3_off);
  __builtin_memcpy(ip.src_addr, f.destination.bytes.data(), 16);
  __builtin_memcpy(ip.dst_addr, f.source.bytes.data(), 16);
  ip.hop_limits = initial_ttl;
  icmp.icmp_type = echo_reply_v6;
  icmp.icmp_cksum = 0;
  icmp.icmp_cksum =
      transport_checksum({bytes_at(m, f.l4_off), f.l4_len},
                         pseudo_header_sum(f.destination, f.source, IPPROTO_ICMPV6, f.l4_len));
  const auto back_to = header_at<rte_ether_hdr>(m, 0).src_addr;
  return {verdict::icmp_answered,
          turn_round(we, m, f, back_to, std::uint32_t{sizeof(rte_ipv6_hdr)} + f.l4_len),
          {}};
}

} // namespace linehunt::dpdk
