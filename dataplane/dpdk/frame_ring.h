// SPDX-License-Identifier: Apache-2.0
// Copies of frames, of any length, on their way from one worker to the control thread: an rte_ring
// with one sender and one receiver, of cells as small as a note. A frame is its note and its bytes
// in as many cells as they take; all of them go in or none.
//
//   | note | bytes ............ | note | bytes ... |
//
#pragma once

#include "dataplane/dpdk/numa_memory.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <span>
#include <vector>

namespace linehunt::dpdk {

struct frame_note {
  std::uint64_t cycles;         // of the time stamp counter
  std::uint32_t original_bytes; // of the frame
  std::uint16_t bytes;          // that follow
  std::uint8_t port;            // index
  bool sent;
};

class frame_ring {
 public:
  struct alignas(16) cell {
    std::array<char, 16> bytes;
  };
  static_assert(sizeof(frame_note) == sizeof(cell));
  static constexpr std::size_t longest_frame = UINT16_MAX;

  // `cells` is a power of two; one less is usable. Every page is there when this returns, so that
  // no worker waits for the kernel. Throws std::bad_alloc.
  frame_ring(std::size_t cells, int numa_node);
  ~frame_ring();
  frame_ring(const frame_ring&) = delete;
  frame_ring& operator=(const frame_ring&) = delete;

  // Worker. Where a frame is put together before it is pushed: longest_frame bytes.
  [[nodiscard]] char* room() noexcept { return outgoing_[1].bytes.data(); }
  // The first note.bytes of `room`. False: the ring is full.
  [[nodiscard]] bool push(const frame_note& note) noexcept;

  // Control thread. The oldest frame, or nullptr; it stays until `pop`.
  [[nodiscard]] const frame_note* front() noexcept;
  [[nodiscard]] std::span<const char> front_bytes() const noexcept;
  void pop() noexcept { has_front_ = false; }

 private:
  static constexpr std::size_t cells_of(std::size_t bytes) noexcept {
    return (bytes + sizeof(cell) - 1) / sizeof(cell);
  }

  numa_memory memory_;
  std::size_t size_bytes_;
  rte_ring* ring_;
  std::vector<cell> outgoing_; // the worker's: a note and the longest frame
  std::vector<cell> incoming_; // the control thread's: the bytes of the front
  frame_note front_{};
  bool has_front_ = false;
};

} // namespace linehunt::dpdk
