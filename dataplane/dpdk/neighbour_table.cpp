// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/neighbour_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace linehunt::dpdk {

namespace {

// What an entry is worth, in the order in which entries are replaced.
enum class worth : std::uint8_t {
  nothing,    // free
  never_used, // known, as it has asked for us, but no packet has gone to it
  stranger,   // has never answered
  silent,     // answered once, and does not any more
  idle,       // known and used, but not of late
  busy,       // known, used and confirmed of late
};

worth worth_of(const neighbour& n, time_us now) noexcept {
  if (!n.in_use) return worth::nothing;
  if (!n.known) return n.was_known() ? worth::silent : worth::stranger;
  if (n.used_at == 0) return worth::never_used;
  const time_us since = std::min(n.used_at, n.confirmed_at);
  return now < since + neighbour_table::busy_us ? worth::busy : worth::idle;
}

} // namespace

neighbour_table::neighbour_table(std::uint64_t seed)
    : entries_(std::make_unique<neighbour[]>(size)), seed_(seed | 1) {}

neighbour_table::~neighbour_table() {
  for (std::size_t i = 0; i < size; ++i)
    forget(entries_[i]);
}

neighbour* neighbour_table::bucket_of(std::uint8_t port, const ip_address& ip) const noexcept {
  // Keyed, so that nobody on the link can aim at one bucket.
  std::array<std::uint64_t, 2> words;
  std::memcpy(words.data(), ip.bytes.data(), sizeof words);
  const auto mix = [this](std::uint64_t x) { // the finalizer of MurmurHash3
    x = (x ^ seed_) * 0xff51afd7ed558ccdu;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53u;
    return x ^ (x >> 33);
  };
  const std::uint64_t hash = mix(mix(words[0] + port) + words[1]);
  return &entries_[(hash % (size / ways)) * ways];
}

const neighbour* neighbour_table::find(std::uint8_t port, const ip_address& ip) const noexcept {
  const neighbour* const bucket = bucket_of(port, ip);
  const auto* const end = bucket + ways;
  const auto* const hit = std::find_if(
      bucket, end, [&](const neighbour& n) { return n.in_use && n.port == port && n.ip == ip; });
  return hit == end ? nullptr : hit;
}

neighbour& neighbour_table::make_room(std::uint8_t port, const ip_address& ip,
                                      time_us now) noexcept {
  neighbour* const bucket = bucket_of(port, ip);
  // Of those worth the least, the one that was of use the longest ago.
  const auto order = [now](const neighbour& n) { return std::pair(worth_of(n, now), n.used_at); };
  neighbour* const victim = std::ranges::min_element(bucket, bucket + ways, {}, order);
  evicted_ += forget(*victim);
  victim->in_use = true;
  victim->port = port;
  victim->ip = ip;
  return *victim;
}

neighbour& neighbour_table::use(std::uint8_t port, const ip_address& ip, time_us now) noexcept {
  auto* n = const_cast<neighbour*>(find(port, ip));
  if (n == nullptr) n = &make_room(port, ip, now);
  n->used_at = now;
  return *n;
}

bool neighbour_table::may_ask_stranger(time_us now) noexcept {
  constexpr time_us each_us = 1'000'000 / stranger_asks_per_s;
  const time_us until = std::max(strangers_asked_until_, now) + each_us;
  if (until > now + stranger_asks_at_once * each_us) return false;
  strangers_asked_until_ = until;
  return true;
}

question neighbour_table::ask(neighbour& n, time_us now) noexcept {
  if (n.known && now < n.confirmed_at + reachable_us) return question::none;
  if (n.asked != 0 && now < n.asked_at + ask_interval_us) return question::none;
  if (!n.was_known() && !may_ask_stranger(now)) return question::none;
  if (n.asked >= max_asks) { // nobody has answered: start over as unknown
    n.known = false;
    n.asked = 0;
  }
  n.asked_at = now;
  ++n.asked;
  return n.known && n.asked <= max_unicast_asks ? question::itself : question::everybody;
}

bool neighbour_table::wait(neighbour& n, rte_mbuf* m) noexcept {
  const std::size_t places = n.was_known() ? max_waiting_total : max_waiting_with_strangers;
  if (n.waiting_count == n.waiting.size() || waiting_total_ >= places) return false;
  if (n.waiting_count == 0) n.waiting_since = n.used_at;
  n.waiting[n.waiting_count++] = m;
  ++waiting_total_;
  return true;
}

neighbour_table::lesson neighbour_table::learn(std::uint8_t port, const neighbour_claim& claim,
                                               time_us now) noexcept {
  auto* n = const_cast<neighbour*>(find(port, claim.ip));
  if (n == nullptr) {
    if (!claim.may_create) return {nullptr, true}; // another worker may have asked
    n = &make_room(port, claim.ip, now);
  }
  const bool same = n->known && rte_is_same_ether_addr(&n->mac, &claim.mac) != 0;
  if (n->known && !same && !claim.overrides) return {nullptr, false}; // perhaps a proxy's
  // A busy asker confirms itself many times a second; the others need to hear of it rarely.
  const bool is_news = !same || now >= n->confirmed_at + reachable_us / 4;
  n->known = true;
  n->mac = claim.mac;
  n->asked = 0;
  if (is_news) n->confirmed_at = now;
  return {n, is_news};
}

std::size_t
neighbour_table::take_waiting(neighbour& n,
                              std::span<rte_mbuf*, neighbour::max_waiting> out) noexcept {
  const std::size_t count = n.waiting_count;
  std::copy_n(n.waiting.begin(), count, out.begin());
  n.waiting_count = 0;
  waiting_total_ -= count;
  return count;
}

std::size_t neighbour_table::free_waiting(neighbour& n) noexcept {
  const std::size_t count = n.waiting_count;
  for (std::size_t i = 0; i < count; ++i)
    rte_pktmbuf_free(n.waiting[i]);
  n.waiting_count = 0;
  waiting_total_ -= count;
  return count;
}

std::size_t neighbour_table::give_up(neighbour& n) noexcept {
  return n.was_known() ? free_waiting(n) : forget(n);
}

std::size_t neighbour_table::forget(neighbour& n) noexcept {
  const std::size_t count = free_waiting(n);
  n = neighbour{};
  return count;
}

} // namespace linehunt::dpdk
