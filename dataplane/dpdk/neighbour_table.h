// SPDX-License-Identifier: Apache-2.0
// The neighbours of one worker: which MAC an IP address on a link has, which packets wait for one,
// and when to ask. Fixed size: a flood of addresses costs entries that are not in use, never one
// that is known, confirmed and used. Sends nothing itself; time is handed in, in microseconds.
#pragma once

#include "dataplane/address.h"
#include "dataplane/datagram.h"
#include "dataplane/dpdk/answer.h"

#include <array>
#include <cstdint>
#include <memory>
#include <rte_mbuf.h>
#include <span>
#include <utility>

namespace linehunt::dpdk {

struct neighbour {
  static constexpr std::size_t max_waiting =
      8; // one fragmented datagram; RFC 1122 2.3.2.2 wants one

  ip_address ip;
  std::uint8_t port = 0;
  bool in_use = false;
  bool known = false;     // `mac` may be used
  std::uint8_t asked = 0; // questions since the last answer
  std::uint8_t waiting_count = 0;
  rte_ether_addr mac{};
  time_us confirmed_at = 0, used_at = 0, asked_at = 0; // 0: never
  time_us waiting_since = 0;                           // of the first that waits
  std::array<rte_mbuf*, max_waiting> waiting{};

  // It has said its MAC once, whether or not that may still be used.
  [[nodiscard]] bool was_known() const noexcept { return confirmed_at != 0; }
};

enum class question : std::uint8_t { none, everybody, itself };

class neighbour_table {
 public:
  static constexpr std::size_t size = 4096, ways = 8;
  // The last quarter is for those that were known once, so that strangers do not take it all.
  static constexpr std::size_t max_waiting_total = 256;
  static constexpr std::size_t max_waiting_with_strangers = max_waiting_total / 4 * 3;
  static constexpr time_us reachable_us = 30'000'000;   // RFC 4861 10: REACHABLE_TIME
  static constexpr time_us ask_interval_us = 1'000'000; // RFC 4861 10: RETRANS_TIMER
  static constexpr std::uint8_t max_unicast_asks = 3;   // RFC 4861 10
  static constexpr std::uint8_t max_asks = 6;
  // RFC 4861 10: MAX_MULTICAST_SOLICIT questions. Also where none could be put.
  static constexpr time_us max_wait_us = 3 * ask_interval_us;
  // Questions to those that have never answered, all together: so many a second, and after a pause
  // as many at once. At a start all destinations and peers on the link are to be asked, some tens;
  // a flood gets 200 broadcasts out of us in its first second, which no link or host feels.
  static constexpr time_us stranger_asks_per_s = 100, stranger_asks_at_once = 100;
  // A known entry that was both confirmed and used within this time is busy, and replaced only by
  // who finds nothing but such ones: a stranger finds those of other strangers. One in
  // use is asked again after reachable_us, and is not known any more max_asks questions later; so
  // it keeps its place as long as it answers, and half a minute between two packets does not lose
  // it.
  static constexpr time_us busy_us = 60'000'000;
  static_assert(busy_us > reachable_us + max_asks * ask_interval_us);

  explicit neighbour_table(std::uint64_t seed);
  ~neighbour_table();
  neighbour_table(const neighbour_table&) = delete;
  neighbour_table& operator=(const neighbour_table&) = delete;

  // The entry of a neighbour that a packet is to go to, made where there is none.
  [[nodiscard]] neighbour& use(std::uint8_t port, const ip_address& ip, time_us now) noexcept;
  [[nodiscard]] const neighbour* find(std::uint8_t port, const ip_address& ip) const noexcept;
  // Whether to ask for it now, and whom; the caller then does. One that has never answered is not
  // asked while too many such are; `age` or the next packet to it tries again.
  [[nodiscard]] question ask(neighbour& n, time_us now) noexcept;
  // Keeps the packet, for which `use` has just been called, until the answer comes, max_wait_us at
  // most. False: no room; the caller still owns it.
  [[nodiscard]] bool wait(neighbour& n, rte_mbuf* m) noexcept;

  struct lesson {
    neighbour* learnt = nullptr; // its waiting packets may go now; nullptr: not known here
    bool is_news = false;        // worth telling the other workers
  };
  [[nodiscard]] lesson learn(std::uint8_t port, const neighbour_claim& claim, time_us now) noexcept;
  // Moves the waiting packets out.
  [[nodiscard]] std::size_t take_waiting(neighbour& n,
                                         std::span<rte_mbuf*, neighbour::max_waiting> out) noexcept;

  // Those that wait for an answer: asks (again) or gives up. Call some times a second. `repeat`
  // gets (neighbour&) of whom to ask everybody; returns the packets that were given up.
  template <typename Repeat>
  std::size_t age(time_us now, Repeat&& repeat) noexcept {
    if (waiting_total_ == 0) return 0;
    std::size_t given_up = 0;
    for (std::size_t i = 0; i < size; ++i) {
      neighbour& n = entries_[i];
      if (!n.in_use || n.known || n.waiting_count == 0) continue;
      if (now >= n.waiting_since + max_wait_us)
        given_up += give_up(n);
      else if (ask(n, now) != question::none)
        repeat(n);
    }
    return given_up;
  }
  [[nodiscard]] std::size_t waiting_total() const noexcept { return waiting_total_; }
  // Packets lost because their entry was needed for another neighbour; read and set to zero.
  [[nodiscard]] std::size_t take_evicted() noexcept { return std::exchange(evicted_, 0); }

 private:
  [[nodiscard]] neighbour* bucket_of(std::uint8_t port, const ip_address& ip) const noexcept;
  [[nodiscard]] neighbour& make_room(std::uint8_t port, const ip_address& ip, time_us now) noexcept;
  std::size_t forget(neighbour& n) noexcept;       // returns the packets freed
  std::size_t free_waiting(neighbour& n) noexcept; // the same
  std::size_t give_up(neighbour& n) noexcept;      // the same; the entry stays if it was known once
  [[nodiscard]] bool may_ask_stranger(time_us now) noexcept; // and counts it

  std::unique_ptr<neighbour[]> entries_;
  std::uint64_t seed_;
  std::size_t waiting_total_ = 0;
  std::size_t evicted_ = 0;
  time_us strangers_asked_until_ = 0; // at stranger_asks_per_s, all that were asked
};

} // namespace linehunt::dpdk
