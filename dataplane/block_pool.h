// SPDX-License-Identifier: Apache-2.0
// Texts of any length in a fixed number of equal blocks, chained; so that a call keeps its Call-ID,
// tags and routes without a heap. Allocates nothing after construction.
//
//   block: | next (32 bit) | block_bytes - 4 bytes of text |
#pragma once

#include "dataplane/memory_source.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace linehunt {

// A text in a pool. Empty: nothing is stored, no block is held.
struct stored_bytes {
  std::uint32_t first = 0xffffffff;
  std::uint32_t len = 0;
  [[nodiscard]] bool empty() const noexcept { return len == 0; }
};

class block_pool {
 public:
  block_pool(std::uint32_t blocks, std::uint32_t block_bytes, memory_source& memory)
      : memory_(std::size_t{blocks} * block_bytes, memory), block_bytes_(block_bytes),
        payload_bytes_(block_bytes - link_bytes), free_(blocks) {
    assert(block_bytes > link_bytes);
    first_free_ = blocks == 0 ? no_block : 0;
    for (std::uint32_t i = 0; i < blocks; ++i)
      set_next(i, i + 1 == blocks ? no_block : i + 1);
  }

  // Empty where `text` is empty, or where the free blocks do not suffice; then nothing is taken.
  [[nodiscard]] stored_bytes store(std::string_view text) noexcept {
    const std::size_t needed = blocks_for(text.size());
    if (needed == 0 || needed > free_) return {};
    const stored_bytes stored{first_free_, static_cast<std::uint32_t>(text.size())};
    std::uint32_t block = first_free_, last = no_block;
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, payload_bytes_);
      std::memcpy(payload_of(block), piece.data(), piece.size());
      text.remove_prefix(piece.size());
      last = block;
      block = next_of(block);
    }
    first_free_ = block;
    set_next(last, no_block);
    free_ -= static_cast<std::uint32_t>(needed);
    return stored;
  }

  // Gives the blocks back and empties `stored`, so a second call does nothing.
  void free(stored_bytes& stored) noexcept {
    if (!stored.empty()) {
      std::uint32_t last = stored.first;
      while (next_of(last) != no_block)
        last = next_of(last);
      set_next(last, first_free_);
      first_free_ = stored.first;
      free_ += static_cast<std::uint32_t>(blocks_for(stored.len));
    }
    stored = {};
  }

  // The length copied: all of it, or 0 where `out` is too small.
  std::size_t copy_out(stored_bytes stored, std::span<char> out) const noexcept {
    if (stored.len > out.size()) return 0;
    std::size_t done = 0;
    for_each_piece(stored, [&](std::string_view piece) {
      std::memcpy(out.data() + done, piece.data(), piece.size());
      done += piece.size();
      return true;
    });
    return done;
  }

  // The pieces in order, until `each` says false; true where all were visited.
  template <class Each>
  bool for_each_piece(stored_bytes stored, Each&& each) const {
    std::uint32_t left = stored.len;
    for (std::uint32_t block = stored.first; left > 0; block = next_of(block)) {
      const std::uint32_t here = std::min(left, payload_bytes_);
      if (!each(std::string_view(payload_of(block), here))) return false;
      left -= here;
    }
    return true;
  }

  [[nodiscard]] std::uint32_t free_blocks() const noexcept { return free_; }
  [[nodiscard]] std::size_t blocks_for(std::size_t len_bytes) const noexcept {
    return (len_bytes + payload_bytes_ - 1) / payload_bytes_;
  }

 private:
  static constexpr std::uint32_t no_block = 0xffffffff;
  static constexpr std::uint32_t link_bytes = sizeof(std::uint32_t);

  [[nodiscard]] const char* block_at(std::uint32_t block) const noexcept {
    return &memory_[std::size_t{block} * block_bytes_];
  }
  [[nodiscard]] const char* payload_of(std::uint32_t block) const noexcept {
    return block_at(block) + link_bytes;
  }
  [[nodiscard]] char* payload_of(std::uint32_t block) noexcept {
    return &memory_[std::size_t{block} * block_bytes_ + link_bytes];
  }
  [[nodiscard]] std::uint32_t next_of(std::uint32_t block) const noexcept {
    std::uint32_t next;
    std::memcpy(&next, block_at(block), link_bytes);
    return next;
  }
  void set_next(std::uint32_t block, std::uint32_t next) noexcept {
    std::memcpy(&memory_[std::size_t{block} * block_bytes_], &next, link_bytes);
  }

  record_array<char> memory_;
  std::uint32_t block_bytes_;
  std::uint32_t payload_bytes_;
  std::uint32_t free_;
  std::uint32_t first_free_;
};

} // namespace linehunt
