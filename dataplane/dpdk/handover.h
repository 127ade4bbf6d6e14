// SPDX-License-Identifier: Apache-2.0
// Packets on their way to the worker that owns their call, gathered for one burst per ring.
#pragma once

#include "dataplane/dpdk/counters.h"
#include "dataplane/dpdk/mbuf.h"
#include "dataplane/dpdk/worker_mesh.h"

#include <array>
#include <vector>

namespace linehunt::dpdk {

class handover {
 public:
  handover(worker_mesh& mesh, worker_id self, worker_counters& counters)
      : mesh_(mesh), self_(self), counters_(counters), batches_(mesh.workers()) {}
  ~handover() {
    for (batch& b : batches_)
      rte_pktmbuf_free_bulk(b.packets.data(), static_cast<unsigned>(b.count));
  }
  handover(const handover&) = delete;
  handover& operator=(const handover&) = delete;

  void add(worker_id owner, mbuf_ptr packet) noexcept {
    batch& b = batches_[owner];
    b.packets[b.count++] = packet.release();
    if (b.count == b.packets.size()) flush_one(owner);
  }
  void flush() noexcept {
    for (std::size_t w = 0; w < batches_.size(); ++w)
      if (batches_[w].count != 0) flush_one(static_cast<worker_id>(w));
  }

 private:
  struct batch {
    std::array<rte_mbuf*, burst> packets{};
    std::size_t count = 0;
  };

  void flush_one(worker_id owner) noexcept {
    batch& b = batches_[owner];
    const std::size_t taken = mesh_.packets(self_, owner).push_burst({b.packets.data(), b.count});
    bump(counters_.handed_over, taken);
    for (std::size_t i = taken; i < b.count; ++i) {
      counters_.count(verdict::dropped_ring_full);
      rte_pktmbuf_free(b.packets[i]);
    }
    b.count = 0;
  }

  worker_mesh& mesh_;
  worker_id self_;
  worker_counters& counters_;
  std::vector<batch> batches_;
};

} // namespace linehunt::dpdk
