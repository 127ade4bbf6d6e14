// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/mld.h"

#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/link_header.h"
#include "dataplane/dpdk/mbuf.h"

#include <algorithm>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

namespace linehunt::dpdk {

namespace {

constexpr std::uint8_t report_v1 = 131, report_v2 = 143;
constexpr std::size_t query_v1_bytes = 24, query_v2_bytes = 28; // RFC 3810 8.1

// RFC 3810 5: hop limit 1 and a Router Alert option in a hop-by-hop header, so that routers look.
constexpr std::array<std::uint8_t, 8> router_alert{IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};

struct message_header {
  std::uint8_t type = 0, code = 0;
  std::uint16_t checksum = 0;
  std::uint16_t first = 0;  // version 1: maximum response delay
  std::uint16_t second = 0; // version 2 report: number of records
};
static_assert(sizeof(message_header) == 8);

struct group_record {
  std::uint8_t type = 0, auxiliary_words = 0;
  std::uint16_t sources = 0; // none, and all but them are wanted
  std::array<std::uint8_t, 16> group{};
};
static_assert(sizeof(group_record) == 20);

// In a frame of the smallest MTU that IPv6 allows, 1280 bytes.
constexpr std::size_t records_in_a_frame = 60;

// The first `index` different groups are passed over; nullopt: there are no more. Of our own
// addresses there are few.
std::optional<ip_address> group_at(const station& we, std::size_t index) noexcept {
  const auto address = [&we](std::size_t i) {
    return i == 0 ? we.link_local : we.addresses[i - 1].ip;
  };
  for (std::size_t i = 0; i <= we.addresses.size(); ++i) {
    if (!address(i).is_v6) continue;
    const ip_address group = solicited_node_of(address(i));
    bool seen = false;
    for (std::size_t j = 0; j < i && !seen; ++j)
      seen = address(j).is_v6 && solicited_node_of(address(j)) == group;
    if (seen) continue;
    if (index-- == 0) return group;
  }
  return std::nullopt;
}

constexpr ip_address all_mldv2_routers() noexcept {
  return link_scope_group(0x16);
}

// Everything around a message of `l4_bytes`, which the caller has yet to write.
bool start_frame(const station& we, rte_mbuf& m, const ip_address& to,
                 std::size_t l4_bytes) noexcept {
  const std::size_t behind_ip = router_alert.size() + l4_bytes;
  const auto len = static_cast<std::uint16_t>(we.l2_bytes() + sizeof(rte_ipv6_hdr) + behind_ip);
  if (rte_pktmbuf_append(&m, len) == nullptr) return false;
  write_link_header(we, bytes_at(m, 0), multicast_mac_of(to), RTE_ETHER_TYPE_IPV6);
  write_v6_header(bytes_at(m, we.l2_bytes()), we.link_local, to, IPPROTO_HOPOPTS, 1, behind_ip);
  __builtin_memcpy(bytes_at(m, we.l2_bytes() + sizeof(rte_ipv6_hdr)), router_alert.data(),
                   router_alert.size());
  return true;
}

void fill_checksum(const station& we, rte_mbuf& m, const ip_address& to, std::size_t l4_off,
                   std::size_t l4_bytes) noexcept {
  header_at<message_header>(m, l4_off).checksum = transport_checksum(
      {bytes_at(m, l4_off), l4_bytes},
      pseudo_header_sum(we.link_local, to, IPPROTO_ICMPV6, static_cast<std::uint32_t>(l4_bytes)));
}

std::size_t l4_offset(const station& we) noexcept {
  return we.l2_bytes() + sizeof(rte_ipv6_hdr) + router_alert.size();
}

bool write_v1(const station& we, rte_mbuf& m, std::size_t number) noexcept {
  const auto group = group_at(we, number);
  constexpr std::size_t l4_bytes = sizeof(message_header) + sizeof(group->bytes);
  if (!group || !start_frame(we, m, *group, l4_bytes)) return false;
  const std::size_t l4_off = l4_offset(we);
  header_at<message_header>(m, l4_off) = message_header{report_v1};
  __builtin_memcpy(bytes_at(m, l4_off + sizeof(message_header)), group->bytes.data(),
                   group->bytes.size());
  fill_checksum(we, m, *group, l4_off, l4_bytes);
  return true;
}

bool write_v2(const station& we, rte_mbuf& m, mld_reason why, std::size_t number) noexcept {
  const std::size_t first = number * records_in_a_frame;
  std::size_t count = 0;
  while (count < records_in_a_frame && group_at(we, first + count))
    ++count;
  const std::size_t l4_bytes = sizeof(message_header) + count * sizeof(group_record);
  if (count == 0 || !start_frame(we, m, all_mldv2_routers(), l4_bytes)) return false;
  const std::size_t l4_off = l4_offset(we);
  message_header head{report_v2};
  head.second = rte_cpu_to_be_16(static_cast<std::uint16_t>(count));
  header_at<message_header>(m, l4_off) = head;
  for (std::size_t i = 0; i < count; ++i) {
    group_record record{static_cast<std::uint8_t>(why)};
    record.group = group_at(we, first + i)->bytes;
    header_at<group_record>(m, l4_off + sizeof head + i * sizeof record) = record;
  }
  fill_checksum(we, m, all_mldv2_routers(), l4_off, l4_bytes);
  return true;
}

} // namespace

// RFC 3810 6.2: from a link-local address, over no router, with a Router Alert (of which we only
// see that something stands before the message).
answer take_mld_query(const rte_mbuf& m, const frame& f) noexcept {
  const bool version_1 = f.l4_len == query_v1_bytes;
  if (!is_link_local(f.source) || f.hop_limit != 1 || f.l4_off == f.l3_off + sizeof(rte_ipv6_hdr) ||
      (!version_1 && f.l4_len < query_v2_bytes) || header_at<message_header>(m, f.l4_off).code != 0)
    return {verdict::icmp_ignored};
  answer result{verdict::ndp_handled, false, {}};
  // The longest that we may take, in milliseconds. A floating-point code (RFC 3810 5.1.3) means
  // more than 32 s, and sooner is no fault.
  const std::uint16_t code = rte_be_to_cpu_16(header_at<message_header>(m, f.l4_off).first);
  result.report = mld_request{version_1 ? mld_version::v1 : mld_version::v2,
                              std::min<std::uint16_t>(code, 10'000)};
  return result;
}

bool write_mld_report(const station& we, rte_mbuf& m, mld_version version, mld_reason why,
                      std::size_t number) noexcept {
  return version == mld_version::v1 ? write_v1(we, m, number) : write_v2(we, m, why, number);
}

} // namespace linehunt::dpdk
