// SPDX-License-Identifier: Apache-2.0
// IP fragments of one worker, put together by librte_ip_frag into chains of mbufs. Bounded: so
// many mbufs at a time, so many fragments of each datagram, so long. UDP only.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/mbuf.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <rte_ip_frag.h>
#include <vector>

namespace linehunt::dpdk {

class reassembler {
 public:
  // RFC 791 and RFC 8200 allow far longer; SIP has repeated itself by then.
  static constexpr time_us patience_us = 5'000'000;
  // What comes again of a datagram that was put together is known for so long. That is more than
  // two paths differ, and T1 of RFC 3261.
  static constexpr time_us repeat_us = 500'000;
  static constexpr unsigned max_mbufs = 1024; // half of what a pool has for a worker (mbuf_pools)
  static constexpr unsigned max_fragments = RTE_LIBRTE_IP_FRAG_MAX_FRAG; // of a datagram

  // Keeps `most_mbufs` at most, an even number. Throws std::bad_alloc.
  explicit reassembler(int numa_node, unsigned most_mbufs = max_mbufs);
  ~reassembler() { collect(); }
  reassembler(const reassembler&) = delete;
  reassembler& operator=(const reassembler&) = delete;

  // `whole` is the datagram where this was its last missing fragment, to be inspected like any
  // frame; else `why` is fragment_kept or dropped_fragment.
  struct outcome {
    mbuf_ptr whole;
    verdict why = verdict::fragment_kept;
  };
  [[nodiscard]] outcome take(mbuf_ptr fragment, const frame& f, time_us now) noexcept;
  // Frees what has waited too long. Some times a second.
  void expire(time_us now) noexcept;

  // So many for each of the workers that share a pool of `pool_mbufs`: a quarter of it together.
  [[nodiscard]] static unsigned share_of(std::size_t pool_mbufs, std::size_t workers) noexcept;

 private:
  // Which pieces of a datagram are kept, or were until it was whole. The library takes one that
  // comes twice, as on a path that carries every packet twice, for an overlap, and drops all of the
  // datagram (RFC 8200 4.5).
  struct pieces {
    ip_address source, destination;
    std::uint32_t id = 0;
    unsigned count = 0; // 0: none, of no datagram
    bool whole = false; // put together; what comes again would wait in vain for the rest
    time_us until = 0;  // by the library's clock
    std::array<std::uint64_t, max_fragments> marks{};
  };

  [[nodiscard]] outcome take_ipv4(mbuf_ptr m, const frame& f, time_us now) noexcept;
  [[nodiscard]] outcome take_ipv6(mbuf_ptr m, const frame& f, time_us now) noexcept;
  [[nodiscard]] outcome finish(const rte_mbuf* given, rte_mbuf* made, pieces& of,
                               time_us now) noexcept;
  // Notes a piece of the datagram; nullptr: it has come before.
  [[nodiscard]] pieces* note_piece(const frame& f, std::uint32_t id, std::uint64_t mark,
                                   time_us now) noexcept;
  [[nodiscard]] rte_mbuf* admit(mbuf_ptr m, time_us now) noexcept;
  void collect() noexcept;

  struct destroy_table {
    void operator()(rte_ip_frag_tbl* t) const noexcept { rte_ip_frag_table_destroy(t); }
  };
  std::unique_ptr<rte_ip_frag_tbl, destroy_table> table_;
  rte_ip_frag_death_row dead_{};
  // Nobody is refused for want of room, the oldest go instead. While more than half of the mbufs
  // are kept, each that comes makes all that wait older, by so much that none is left when another
  // half has come. The library's clock is `now + aged_us_`.
  const std::size_t half_mbufs_;
  std::size_t kept_mbufs_ = 0;
  time_us aged_us_ = 0;
  // By a hash of the datagram; of two with the same one, the later is known.
  std::vector<pieces> pieces_;
};

} // namespace linehunt::dpdk
