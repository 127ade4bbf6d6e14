// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/ndp.h"

#include "dataplane/dpdk/checksum.h"
#include "dataplane/dpdk/icmp.h"
#include "dataplane/dpdk/link_header.h"
#include "dataplane/dpdk/mbuf.h"
#include "dataplane/dpdk/mld.h"
#include "dataplane/dpdk/path_mtu.h"

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

namespace linehunt::dpdk {

namespace {

constexpr std::uint8_t solicitation = 135, advertisement = 136; // RFC 4861 4.3, 4.4
constexpr std::uint8_t option_source_mac = 1, option_target_mac = 2;
constexpr std::uint32_t flag_solicited = 0x40000000, flag_override = 0x20000000;
constexpr std::uint8_t link_hop_limit = 255; // RFC 4861 7.1: proves that no router forwarded it

// Solicitation and advertisement have one shape: header, flags, target; then options.
struct neighbour_message {
  std::uint8_t type = 0, code = 0;
  std::uint16_t checksum = 0;
  std::uint32_t flags = 0; // network order
  std::array<std::uint8_t, 16> target{};
} __attribute__((packed));
static_assert(sizeof(neighbour_message) == 24);

struct mac_option {
  std::uint8_t type = 0, len_8_bytes = 1;
  rte_ether_addr mac{};
};
static_assert(sizeof(mac_option) == 8);

constexpr std::size_t written_l4_bytes = sizeof(neighbour_message) + sizeof(mac_option);

// RFC 4861 7.1: a message with an option of length zero is dropped as a whole.
bool find_mac(const std::uint8_t* option, const std::uint8_t* end, std::uint8_t type,
              std::optional<rte_ether_addr>& mac) noexcept {
  while (option < end) {
    if (end - option < 2 || option[1] == 0 || option[1] * 8 > end - option) return false;
    if (option[0] == type && option[1] == 1) {
      rte_ether_addr found;
      __builtin_memcpy(&found, option + 2, sizeof found);
      mac = found;
    }
    option += option[1] * 8;
  }
  return true;
}

// IPv6 header, message and MAC option at the mbuf's start + l2_bytes, which is already there.
void write_message(const station& we, rte_mbuf& m, std::uint8_t type, std::uint32_t flags,
                   const ip_address& from, const ip_address& to,
                   const ip_address& target) noexcept {
  write_v6_header(bytes_at(m, we.l2_bytes()), from, to, IPPROTO_ICMPV6, link_hop_limit,
                  written_l4_bytes);
  const std::size_t l4_off = we.l2_bytes() + sizeof(rte_ipv6_hdr);
  auto& message = header_at<neighbour_message>(m, l4_off);
  message = neighbour_message{type, 0, 0, rte_cpu_to_be_32(flags), target.bytes};
  header_at<mac_option>(m, l4_off + sizeof(neighbour_message)) =
      mac_option{type == solicitation ? option_source_mac : option_target_mac, 1, we.mac};
  message.checksum = transport_checksum(
      {bytes_at(m, l4_off), written_l4_bytes},
      pseudo_header_sum(from, to, IPPROTO_ICMPV6, std::uint32_t{written_l4_bytes}));
}

bool start_frame(const station& we, rte_mbuf& m, const rte_ether_addr& to) noexcept {
  const auto len =
      static_cast<std::uint16_t>(we.l2_bytes() + sizeof(rte_ipv6_hdr) + written_l4_bytes);
  if (rte_pktmbuf_append(&m, len) == nullptr) return false;
  write_link_header(we, bytes_at(m, 0), to, RTE_ETHER_TYPE_IPV6);
  return true;
}

constexpr ip_address all_nodes() noexcept {
  return link_scope_group(0x01);
}

answer answer_solicitation(const station& we, rte_mbuf& m, const frame& f,
                           const ip_address& target) noexcept {
  if (!we.owns(target)) return {verdict::dropped_other_ip};
  std::optional<rte_ether_addr> mac;
  const std::uint8_t* const start = bytes_at(m, f.l4_off);
  if (!find_mac(start + sizeof(neighbour_message), start + f.l4_len, option_source_mac, mac))
    return {verdict::icmp_ignored};

  answer result{verdict::ndp_handled, false, {}};
  const bool is_probe = f.source.is_unspecified(); // duplicate address detection, RFC 4862 5.4
  if (is_probe && mac) return {verdict::icmp_ignored};
  if (mac && rte_is_unicast_ether_addr(&*mac) == 0) return {verdict::icmp_ignored};
  if (mac && we.on_link(f.source)) result.claim = neighbour_claim{f.source, *mac, true, false};

  // The reply has a MAC option, which the question may have lacked; so the frame is built anew.
  const rte_ether_addr back_to = is_probe ? multicast_mac_of(all_nodes())
                                          : mac.value_or(header_at<rte_ether_hdr>(m, 0).src_addr);
  rte_pktmbuf_reset(&m);
  if (!start_frame(we, m, back_to)) return result;
  const std::uint32_t flags = is_probe ? flag_override : flag_solicited | flag_override;
  write_message(we, m, advertisement, flags, target, is_probe ? all_nodes() : f.source, target);
  clear_rx_flags(m);
  result.send_back = true;
  return result;
}

answer take_advertisement(const station& we, const rte_mbuf& m, const frame& f,
                          const ip_address& target) noexcept {
  std::optional<rte_ether_addr> mac;
  const std::uint8_t* const start = bytes_at(m, f.l4_off);
  const auto& message = header_at<neighbour_message>(m, f.l4_off);
  const std::uint32_t flags = rte_be_to_cpu_32(message.flags);
  if (!find_mac(start + sizeof(neighbour_message), start + f.l4_len, option_target_mac, mac))
    return {verdict::icmp_ignored};
  // RFC 4861 7.1.2: an advertisement to a group cannot be solicited.
  if (is_multicast(f.destination) && (flags & flag_solicited) != 0) return {verdict::icmp_ignored};
  answer result{verdict::ndp_handled, false, {}};
  // A unicast answer may come without the option, since the asker must have known the MAC.
  if (!mac && (flags & flag_solicited) != 0) mac = header_at<rte_ether_hdr>(m, 0).src_addr;
  if (mac && rte_is_unicast_ether_addr(&*mac) != 0 && !we.owns(target))
    // Never creates (RFC 4861 7.2.5).
    result.claim = neighbour_claim{target, *mac, false, (flags & flag_solicited) != 0,
                                   (flags & flag_override) != 0};
  return result;
}

} // namespace

answer answer_icmp6(const station& we, rte_mbuf& m, const frame& f) noexcept {
  if (f.l4_len < 4 || m.nb_segs != 1 || m.data_len < f.l4_off + f.l4_len)
    return {verdict::icmp_ignored};
  const auto pseudo = pseudo_header_sum(f.source, f.destination, IPPROTO_ICMPV6, f.l4_len);
  if (!transport_sum_ok(m, f.l4_off, f.l4_len, pseudo)) return {verdict::icmp_ignored};

  const std::uint8_t type = *bytes_at(m, f.l4_off);
  if (type == mld_query) return take_mld_query(m, f);
  if (type == packet_too_big) return take_packet_too_big(we, m, f);
  if (type != solicitation && type != advertisement) return answer_echo_v6(we, m, f);
  const auto& message = header_at<neighbour_message>(m, f.l4_off);
  if (f.hop_limit != link_hop_limit || f.l4_len < sizeof(neighbour_message) || message.code != 0)
    return {verdict::icmp_ignored};
  const ip_address target = ip_from(message.target.data(), true);
  if (is_multicast(target)) return {verdict::icmp_ignored};
  return type == solicitation ? answer_solicitation(we, m, f, target)
                              : take_advertisement(we, m, f, target);
}

bool write_neighbour_solicitation(const station& we, rte_mbuf& m, const ip_address& sender,
                                  const ip_address& target, const rte_ether_addr* to) noexcept {
  const ip_address group = solicited_node_of(target);
  if (!start_frame(we, m, to != nullptr ? *to : multicast_mac_of(group))) return false;
  write_message(we, m, solicitation, 0, sender, to != nullptr ? target : group, target);
  return true;
}

bool write_announcement(const station& we, rte_mbuf& m, const ip_address& target) noexcept {
  const ip_address everybody = all_nodes();
  if (!start_frame(we, m, multicast_mac_of(everybody))) return false;
  write_message(we, m, advertisement, flag_override, target, everybody, target);
  return true;
}

} // namespace linehunt::dpdk
