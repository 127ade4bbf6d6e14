// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/frame_ring.h"

#include <cstring>
#include <new>

namespace linehunt::dpdk {

frame_ring::frame_ring(std::size_t cells, int numa_node)
    : memory_(numa_node, false), size_bytes_(static_cast<std::size_t>(rte_ring_get_memsize_elem(
                                     sizeof(cell), static_cast<unsigned>(cells)))),
      ring_(nullptr), outgoing_(1 + cells_of(longest_frame)), incoming_(cells_of(longest_frame)) {
  void* const memory = memory_.take(size_bytes_, alignof(rte_ring));
  std::memset(memory, 0, size_bytes_);
  ring_ = static_cast<rte_ring*>(memory);
  if (rte_ring_init(ring_, "frames", static_cast<unsigned>(cells), RING_F_SP_ENQ | RING_F_SC_DEQ) ==
      0)
    return;
  memory_.give_back(ring_, size_bytes_);
  throw std::bad_alloc();
}

frame_ring::~frame_ring() {
  memory_.give_back(ring_, size_bytes_);
}

bool frame_ring::push(const frame_note& note) noexcept {
  std::memcpy(&outgoing_.front(), &note, sizeof note);
  const auto cells = static_cast<unsigned>(1 + cells_of(note.bytes));
  return rte_ring_sp_enqueue_bulk_elem(ring_, outgoing_.data(), sizeof(cell), cells, nullptr) != 0;
}

const frame_note* frame_ring::front() noexcept {
  if (has_front_) return &front_;
  if (rte_ring_sc_dequeue_elem(ring_, &front_, sizeof front_) != 0) return nullptr;
  has_front_ = true;
  // They came together with the note.
  if (front_.bytes != 0)
    (void)rte_ring_sc_dequeue_bulk_elem(ring_, incoming_.data(), sizeof(cell),
                                        static_cast<unsigned>(cells_of(front_.bytes)), nullptr);
  return &front_;
}

std::span<const char> frame_ring::front_bytes() const noexcept {
  return {incoming_.front().bytes.data(), front_.bytes};
}

} // namespace linehunt::dpdk
