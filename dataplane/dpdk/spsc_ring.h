// SPDX-License-Identifier: Apache-2.0
// A lock-free ring of values with one sender and one receiver: rte_ring with single-producer and
// single-consumer, in memory of the receiver's NUMA node. EAL must run.
#pragma once

#include <memory>
#include <new>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <span>
#include <type_traits>

namespace linehunt::dpdk {

template <typename Value>
class spsc_ring {
  static_assert(std::is_trivially_copyable_v<Value> && sizeof(Value) % 4 == 0);

 public:
  // `count` is a power of two; one place less is usable. Throws std::bad_alloc.
  spsc_ring(unsigned count, int numa_node) {
    const auto size = static_cast<std::size_t>(rte_ring_get_memsize_elem(sizeof(Value), count));
    ring_.reset(static_cast<rte_ring*>(
        rte_zmalloc_socket("spsc_ring", size, RTE_CACHE_LINE_SIZE, numa_node)));
    if (ring_ == nullptr ||
        rte_ring_init(ring_.get(), "spsc", count, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0)
      throw std::bad_alloc();
  }

  [[nodiscard]] bool push(const Value& v) noexcept {
    return rte_ring_sp_enqueue_elem(ring_.get(), const_cast<Value*>(&v), sizeof v) == 0;
  }
  // How many were taken, from the front.
  [[nodiscard]] unsigned push_burst(std::span<const Value> values) noexcept {
    return rte_ring_sp_enqueue_burst_elem(ring_.get(), values.data(), sizeof(Value),
                                          static_cast<unsigned>(values.size()), nullptr);
  }
  [[nodiscard]] std::span<Value> pop_burst(std::span<Value> out) noexcept {
    const unsigned n = rte_ring_sc_dequeue_burst_elem(ring_.get(), out.data(), sizeof(Value),
                                                      static_cast<unsigned>(out.size()), nullptr);
    return out.first(n);
  }
  // May be asked by anybody; a moment later it is another number.
  [[nodiscard]] unsigned count() const noexcept { return rte_ring_count(ring_.get()); }
  // The sender's; what is there stays until it sends.
  [[nodiscard]] unsigned room() const noexcept { return rte_ring_free_count(ring_.get()); }
  // May be asked by both sides.
  [[nodiscard]] bool empty() const noexcept { return rte_ring_empty(ring_.get()) != 0; }

 private:
  struct free_ring {
    void operator()(rte_ring* r) const noexcept { rte_free(r); }
  };
  std::unique_ptr<rte_ring, free_ring> ring_;
};

} // namespace linehunt::dpdk
