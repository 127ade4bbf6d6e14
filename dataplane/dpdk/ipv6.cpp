// SPDX-License-Identifier: Apache-2.0
// The IPv6 header and the extension headers that may stand before UDP or ICMPv6 (RFC 8200 4).
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/mbuf.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

namespace linehunt::dpdk {

namespace {

// RFC 8200 4.1 names hop-by-hop once and destination options twice before the upper layer.
constexpr int max_extension_headers = 3;

bool is_ours(const station& we, const ip_address& to) noexcept {
  if (!is_multicast(to)) return we.owns(to);
  if (to == link_scope_group(1) || // all nodes
      to == solicited_node_of(we.link_local))
    return true;
  for (const port_address& a : we.addresses)
    if (a.ip.is_v6 && to == solicited_node_of(a.ip)) return true;
  return false;
}

} // namespace

judgement inspect_ipv6(const station& we, const rte_mbuf& m, frame& out) noexcept {
  if (m.data_len < out.l3_off + sizeof(rte_ipv6_hdr)) return verdict::dropped_short_frame;
  const auto& ip = header_at<rte_ipv6_hdr>(m, out.l3_off);
  if ((*bytes_at(m, out.l3_off) >> 4) != 6) return verdict::dropped_bad_ip_header;
  std::uint32_t left = rte_be_to_cpu_16(ip.payload_len);
  std::uint32_t at = out.l3_off + std::uint32_t{sizeof(rte_ipv6_hdr)};
  if (m.pkt_len < at + left) return verdict::dropped_short_frame;

  out.source = ip_from(ip.src_addr, true);
  out.destination = ip_from(ip.dst_addr, true);
  out.hop_limit = ip.hop_limits;
  if (!is_ours(we, out.destination)) return verdict::dropped_other_ip;
  if (out.to_group && !is_multicast(out.destination)) return verdict::dropped_other_mac;
  // An unspecified source is legal in neighbour discovery alone (RFC 4861 7.1.1).
  if (we.owns(out.source) || (is_impossible_source(out.source) && !out.source.is_unspecified()))
    return verdict::dropped_bad_ip_header;
  if (we.is_elsewhere(out.source)) return verdict::dropped_other_link;

  std::uint8_t next = ip.proto;
  for (int i = 0; next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS; ++i) {
    // Hop-by-hop options may only come first (RFC 8200 4.1).
    if (i == max_extension_headers || (next == IPPROTO_HOPOPTS && i != 0))
      return verdict::dropped_bad_ip_header;
    if (left < 8) return verdict::dropped_bad_ip_header;
    if (m.data_len < at + 8) return verdict::dropped_short_frame;
    const std::uint8_t* const extension = bytes_at(m, at);
    const std::uint32_t len = (extension[1] + 1u) * 8;
    if (len > left) return verdict::dropped_bad_ip_header;
    if (m.data_len < at + len) return verdict::dropped_short_frame;
    next = extension[0];
    at += len;
    left -= len;
  }
  // RFC 5095 has done away with source routes; no other routing header is for an end host.
  if (next == IPPROTO_ROUTING) return verdict::dropped_bad_ip_header;
  out.is_fragment = next == IPPROTO_FRAGMENT;
  out.protocol = next;
  out.l4_off = static_cast<std::uint16_t>(at);
  out.l4_len = left;
  return std::nullopt;
}

} // namespace linehunt::dpdk
