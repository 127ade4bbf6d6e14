// SPDX-License-Identifier: Apache-2.0
// See path_mtu.h.
#include "dataplane/dpdk/path_mtu.h"

#include "dataplane/dpdk/mbuf.h"

#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

namespace linehunt::dpdk {

namespace {

// Type, code, checksum and MTU, and of the packet that was too large what it begins with.
struct message {
  std::uint8_t type, code;
  rte_be16_t checksum;
  rte_be32_t mtu;
  rte_ipv6_hdr quoted;
};

} // namespace

answer take_packet_too_big(const station& we, const rte_mbuf& m, const frame& f) noexcept {
  if (f.l4_len < sizeof(message) || is_multicast(f.destination)) return {verdict::icmp_ignored};
  message said;
  std::memcpy(static_cast<void*>(&said), bytes_at(m, f.l4_off), sizeof said);
  const std::uint32_t mtu = rte_be_to_cpu_32(said.mtu);
  const ip_address from = ip_from(said.quoted.src_addr, true);
  const ip_address to = ip_from(said.quoted.dst_addr, true);
  const bool ours = we.owns(from) && from == f.destination && !is_multicast(to) && !we.owns(to) &&
                    (said.quoted.proto == IPPROTO_UDP || said.quoted.proto == IPPROTO_FRAGMENT);
  // RFC 8201 4: less than any link may have is not believed.
  if (!ours || mtu < least_mtu_bytes || mtu >= we.mtu_bytes) return {verdict::icmp_ignored};
  answer out{verdict::path_mtu_learnt};
  out.path = path_report{to, static_cast<std::uint16_t>(mtu)};
  return out;
}

std::size_t path_mtu_table::place_of(const ip_address& to) noexcept {
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), to.bytes.data(), sizeof words);
  const std::uint64_t mixed = (words[0] ^ (words[1] * 0x9e3779b97f4a7c15)) * 0xd6e8feb86659fd93;
  return mixed >> 56;
}

void path_mtu_table::note(const path_report& said, time_us now) noexcept {
  entry& e = entries_[place_of(said.to)];
  const bool known = e.to == said.to && now < e.until;
  e = {said.to, known ? std::min(e.mtu_bytes, said.mtu_bytes) : said.mtu_bytes, now + lifetime_us};
  any_until_ = e.until;
}

std::uint16_t path_mtu_table::towards(const ip_address& to, std::uint16_t link_bytes,
                                      time_us now) const noexcept {
  if (now >= any_until_ || !to.is_v6) return link_bytes;
  const entry& e = entries_[place_of(to)];
  return e.to == to && now < e.until ? std::min(e.mtu_bytes, link_bytes) : link_bytes;
}

} // namespace linehunt::dpdk
