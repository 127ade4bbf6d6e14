// SPDX-License-Identifier: Apache-2.0
// See path_mtu.h.
#include "dataplane/dpdk/path_mtu.h"

#include "dataplane/dpdk/mbuf.h"
#include "dataplane/siphash.h"

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
  const std::uint32_t refused = sizeof said.quoted + rte_be_to_cpu_16(said.quoted.payload_len);
  // RFC 8201 4: less than any link may have is not believed.
  if (!ours || refused <= mtu || mtu < least_mtu_bytes || mtu >= we.mtu_bytes)
    return {verdict::icmp_ignored};
  answer out{verdict::path_mtu_learnt};
  out.path = path_report{to, static_cast<std::uint16_t>(mtu)};
  return out;
}

path_mtu_table::bucket& path_mtu_table::bucket_of(const ip_address& to) noexcept {
  const auto* const bytes = reinterpret_cast<const char*>(to.bytes.data());
  return buckets_[siphash13({bytes, to.bytes.size()}, {seed_, 0}) % buckets_.size()];
}

void path_mtu_table::note(const path_report& said, time_us now) noexcept {
  for (entry& e : bucket_of(said.to)) {
    if (!e.in_use || e.to != said.to) continue;
    e.mtu_bytes = now < e.until ? std::min(e.mtu_bytes, said.mtu_bytes) : said.mtu_bytes;
    e.until = now + lifetime_us;
  }
}

std::uint16_t path_mtu_table::towards(const ip_address& to, std::uint16_t link_bytes,
                                      time_us now) noexcept {
  if (!to.is_v6) return link_bytes;
  bucket& all = bucket_of(to);
  auto at = std::ranges::find_if(all, [&](const entry& e) { return e.in_use && e.to == to; });
  if (at == all.end()) {
    at = std::ranges::min_element(all, {}, &entry::asked_at);
    *at = {to, true};
  }
  at->asked_at = now;
  return now < at->until ? std::min(at->mtu_bytes, link_bytes) : link_bytes;
}

} // namespace linehunt::dpdk
