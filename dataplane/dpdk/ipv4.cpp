// SPDX-License-Identifier: Apache-2.0
// The IPv4 header (RFC 791, RFC 1122 3.2.1).
#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/mbuf.h"

#include <rte_byteorder.h>

namespace linehunt::dpdk {

namespace {

// RFC 791 3.1: options are walked only to refuse source routes, which nobody honest sends
// (RFC 7126 4.3, 4.4).
bool options_ok(const std::uint8_t* option, const std::uint8_t* end) noexcept {
  constexpr std::uint8_t end_of_list = 0, no_operation = 1, loose_route = 131, strict_route = 137;
  while (option < end && *option != end_of_list) {
    if (*option == no_operation) {
      ++option;
      continue;
    }
    if (*option == loose_route || *option == strict_route) return false;
    if (end - option < 2 || option[1] < 2 || option[1] > end - option) return false;
    option += option[1];
  }
  return true;
}

} // namespace

judgement inspect_ipv4(const station& we, const rte_mbuf& m, frame& out) noexcept {
  if (m.data_len < out.l3_off + sizeof(rte_ipv4_hdr)) return verdict::dropped_short_frame;
  const auto& ip = header_at<rte_ipv4_hdr>(m, out.l3_off);
  const std::uint8_t header_len = rte_ipv4_hdr_len(&ip);
  if ((ip.version_ihl >> 4) != 4 || header_len < sizeof(rte_ipv4_hdr))
    return verdict::dropped_bad_ip_header;
  if (m.data_len < out.l3_off + header_len) return verdict::dropped_short_frame;
  const std::uint16_t total_len = rte_be_to_cpu_16(ip.total_length);
  if (total_len < header_len) return verdict::dropped_bad_ip_header;
  if (m.pkt_len < std::uint32_t{out.l3_off} + total_len) return verdict::dropped_short_frame;
  if (!header_sum_ok(ip)) return verdict::dropped_bad_ip_header;
  const std::uint8_t* const start = bytes_at(m, out.l3_off);
  if (!options_ok(start + sizeof(rte_ipv4_hdr), start + header_len))
    return verdict::dropped_bad_ip_header;

  out.source = ip_from(&ip.src_addr, false);
  out.destination = ip_from(&ip.dst_addr, false);
  if (!we.owns(out.destination)) return verdict::dropped_other_ip;
  // RFC 1122 3.3.6: an address of one station inside a frame for all.
  if (out.to_group) return verdict::dropped_other_mac;
  if (is_impossible_source(out.source) || we.owns(out.source))
    return verdict::dropped_bad_ip_header;
  if (we.is_elsewhere(out.source)) return verdict::dropped_other_link;

  const std::uint16_t fragment = rte_be_to_cpu_16(ip.fragment_offset);
  out.is_fragment = (fragment & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0;
  out.protocol = ip.next_proto_id;
  out.hop_limit = ip.time_to_live;
  out.l4_off = static_cast<std::uint16_t>(out.l3_off + header_len);
  out.l4_len = std::uint32_t{total_len} - header_len;
  return std::nullopt;
}

} // namespace linehunt::dpdk
