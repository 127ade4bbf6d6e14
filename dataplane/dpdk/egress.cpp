// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/egress.h"

#include "dataplane/dpdk/arp.h"
#include "dataplane/dpdk/link_header.h"
#include "dataplane/dpdk/ndp.h"
#include "dataplane/dpdk/udp_frame.h"
#include "dataplane/siphash.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace linehunt::dpdk {

egress::egress(std::vector<const station*> stations, std::vector<tx_lane> lanes, rte_mempool& pool,
               worker_counters& counters, std::uint64_t seed)
    : stations_(std::move(stations)), lanes_(std::move(lanes)), pool_(pool), counters_(counters),
      neighbours_(seed), paths_(seed), reports_(stations_.size()), seed_(seed), chance_(seed | 1),
      ip_id_(static_cast<std::uint16_t>(fragment_id({}))) {}

egress::~egress() {
  for (tx_lane& lane : lanes_)
    lane.clear();
}

void egress::flush() noexcept {
  for (tx_lane& lane : lanes_)
    lane.flush();
}

void egress::speak() noexcept {
  for (tx_lane& lane : lanes_)
    lane.speak();
}

void egress::send_frame(std::uint8_t port, mbuf_ptr frame) noexcept {
  lanes_[port].add(std::move(frame));
}

void egress::send_udp(std::uint8_t port, mbuf_ptr payload, const endpoint& from,
                      const endpoint& to) noexcept {
  const station& we = *stations_[port];
  if (!fits_one_packet(mtu_towards(we, to, payload->data_len), to, payload->data_len)) {
    const void* const bytes = bytes_at(*payload, 0);
    send_udp(port, {static_cast<const char*>(bytes), payload->data_len}, from, to);
    return;
  }
  if (from.ip.is_v6 != to.ip.is_v6 || !prepend_headers(we, *payload, from, to, ++ip_id_))
    return drop(1);
  send_to_neighbour(port, to, std::move(payload));
}

void egress::send_udp(std::uint8_t port, std::span<const char> payload, const endpoint& from,
                      const endpoint& to) noexcept {
  const station& we = *stations_[port];
  if (from.ip.is_v6 != to.ip.is_v6) return drop(1);
  const std::uint16_t mtu_bytes = mtu_towards(we, to, payload.size());
  if (fits_one_packet(mtu_bytes, to, payload.size())) {
    mbuf_ptr m(rte_pktmbuf_alloc(&pool_));
    char* const at =
        m ? rte_pktmbuf_append(m.get(), static_cast<std::uint16_t>(payload.size())) : nullptr;
    if (at == nullptr) return drop(1);
    std::memcpy(at, payload.data(), payload.size());
    if (!prepend_headers(we, *m, from, to, ++ip_id_)) return drop(1);
    send_to_neighbour(port, to, std::move(m));
    return;
  }
  std::array<rte_mbuf*, max_fragments> fragments;
  const std::size_t count =
      build_fragments(we, mtu_bytes, pool_, payload, from, to, fragment_id(to.ip), fragments);
  if (count == 0) return drop(1);
  for (std::size_t i = 0; i < count; ++i)
    send_to_neighbour(port, to, mbuf_ptr(fragments[i]));
}

// Every path lets the least MTU through.
std::uint16_t egress::mtu_towards(const station& we, const endpoint& to,
                                  std::size_t payload_bytes) noexcept {
  if (fits_one_packet(least_mtu_bytes, to, payload_bytes)) return we.mtu_bytes;
  return paths_.towards(to.ip, we.mtu_bytes, now_);
}

std::uint32_t egress::fragment_id(const ip_address& to) noexcept {
  const auto* const bytes = reinterpret_cast<const char*>(to.bytes.data());
  return static_cast<std::uint32_t>(siphash24({bytes, to.bytes.size()}, {seed_, 0}) + ++cut_);
}

void egress::send_to_neighbour(std::uint8_t port, const endpoint& to, mbuf_ptr frame) noexcept {
  const auto hop = stations_[port]->next_hop(to.ip);
  if (!hop || to.port == 0) return drop(1);
  neighbour& n = neighbours_.use(port, *hop, now_);
  if (const std::size_t evicted = neighbours_.take_evicted(); evicted != 0) drop(evicted);
  const question whom = neighbours_.ask(n, now_);
  if (n.known) {
    set_destination_mac(*frame, n.mac);
    send_frame(port, std::move(frame));
  } else if (neighbours_.wait(n, frame.get())) {
    (void)frame.release(); // the table owns it now
  } else {
    drop(1);
  }
  if (whom != question::none) ask(n, whom);
}

void egress::ask(neighbour& n, question whom) noexcept {
  const station& we = *stations_[n.port];
  const ip_address* const sender = we.source_towards(n.ip);
  mbuf_ptr m(sender != nullptr ? rte_pktmbuf_alloc(&pool_) : nullptr);
  if (!m) return; // asked again a second later
  const rte_ether_addr* const to = whom == question::itself ? &n.mac : nullptr;
  const bool written = n.ip.is_v6 ? write_neighbour_solicitation(we, *m, *sender, n.ip, to)
                                  : write_arp_request(we, *m, *sender, n.ip, to);
  if (written) send_frame(n.port, std::move(m));
}

bool egress::learn(std::uint8_t port, const neighbour_claim& claim) noexcept {
  const auto [n, is_news] = neighbours_.learn(port, claim, now_);
  if (const std::size_t evicted = neighbours_.take_evicted(); evicted != 0) drop(evicted);
  if (n == nullptr) return is_news || claim.is_answer;
  std::array<rte_mbuf*, neighbour::max_waiting> waiting;
  const std::size_t count = neighbours_.take_waiting(*n, waiting);
  for (std::size_t i = 0; i < count; ++i) {
    set_destination_mac(*waiting[i], n->mac);
    send_frame(port, mbuf_ptr(waiting[i]));
  }
  return is_news || claim.is_answer;
}

// Groups first: without them the answer to who else has the address may not get here.
void egress::announce() noexcept {
  for (std::uint8_t p = 0; p < stations_.size(); ++p) {
    if (speaks_v6(p)) report(p, mld_version::v2, mld_reason::joined);
    for (const port_address& a : stations_[p]->addresses) {
      mbuf_ptr m(rte_pktmbuf_alloc(&pool_));
      if (!m) return;
      const bool written = a.ip.is_v6 ? write_announcement(*stations_[p], *m, a.ip)
                                      : write_arp_request(*stations_[p], *m, a.ip, a.ip, nullptr);
      if (written) send_frame(p, std::move(m));
    }
  }
}

bool egress::speaks_v6(std::uint8_t port) const noexcept {
  return std::ranges::any_of(stations_[port]->addresses,
                             [](const port_address& a) { return a.ip.is_v6; });
}

void egress::plan_report(std::uint8_t port, const mld_request& asked) noexcept {
  if (!speaks_v6(port)) return;
  planned_report& plan = reports_[port];
  chance_ = chance_ * 6364136223846793005u + 1442695040888963407u;
  const time_us due = now_ + (chance_ >> 33) % (asked.within_ms * 1000u + 1u);
  if (plan.due != 0 && plan.due <= due) return; // that one is for both
  plan = {due, asked.version};
}

void egress::report(std::uint8_t port, mld_version version, mld_reason why) noexcept {
  for (std::size_t number = 0;; ++number) {
    mbuf_ptr m(rte_pktmbuf_alloc(&pool_));
    if (!m || !write_mld_report(*stations_[port], *m, version, why, number)) return;
    send_frame(port, std::move(m));
  }
}

void egress::age() noexcept {
  for (std::uint8_t p = 0; p < reports_.size(); ++p)
    if (reports_[p].due != 0 && now_ >= reports_[p].due) {
      report(p, reports_[p].version, mld_reason::asked);
      reports_[p].due = 0;
    }
  const std::size_t given_up =
      neighbours_.age(now_, [this](neighbour& n) { ask(n, question::everybody); });
  if (given_up != 0) drop(given_up);
}

} // namespace linehunt::dpdk
