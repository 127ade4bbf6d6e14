// SPDX-License-Identifier: Apache-2.0
// IP fragments of one worker, put together by librte_ip_frag into chains of mbufs. Bounded: so
// many datagrams at a time, so many fragments of each, so long. UDP only.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/dpdk/frame.h"
#include "dataplane/dpdk/mbuf.h"

#include <cstdint>
#include <memory>
#include <rte_ip_frag.h>

namespace linehunt::dpdk {

class reassembler {
 public:
  // RFC 791 and RFC 8200 allow far longer; SIP has repeated itself by then.
  static constexpr time_us patience_us = 5'000'000;
  static constexpr unsigned max_datagrams = 128;
  static constexpr unsigned max_fragments = RTE_LIBRTE_IP_FRAG_MAX_FRAG; // of each

  explicit reassembler(int numa_node); // throws std::bad_alloc
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

 private:
  [[nodiscard]] outcome take_ipv4(mbuf_ptr m, const frame& f, time_us now) noexcept;
  [[nodiscard]] outcome take_ipv6(mbuf_ptr m, const frame& f, time_us now) noexcept;
  [[nodiscard]] outcome finish(const rte_mbuf* given, rte_mbuf* made) noexcept;
  void collect() noexcept { rte_ip_frag_free_death_row(&dead_, 0); }

  struct destroy_table {
    void operator()(rte_ip_frag_tbl* t) const noexcept { rte_ip_frag_table_destroy(t); }
  };
  std::unique_ptr<rte_ip_frag_tbl, destroy_table> table_;
  rte_ip_frag_death_row dead_{};
};

} // namespace linehunt::dpdk
