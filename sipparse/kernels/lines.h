// SPDX-License-Identifier: Apache-2.0
// The pass over 64-byte blocks, written once for every kernel. A kernel file supplies `Block`,
// which loads 64 bytes and says in which of them which character stands; everything here is
// arithmetic on those masks. Bit 0 is the first byte of the block; the examples are written in the
// order of the bytes, so bit 0 is on the left.
//
//   bytes   To: <a>␍␊Via: x␍␊␍␊
//   lf      ........1.......1.1     bytes that are LF
//   stops   ..1....11..1...11.11... bytes that are ':', CR or LF
//   starts  1........1.......1.1... the byte after each LF, and the begin of the message
//   first   ..1.........1....1.1... for each start the first stop at or behind it
//
// How `first` comes about: every run of bytes that are no stops is a run of ones in ~stops. Adding
// a one at a start carries through its run and lands on the stop behind it; runs without a start
// stay as they are. A carry out of bit 63 goes on in the next block.
//
// Included by kernel files only, each of which gets its own copy (unnamed namespace), compiled for
// its own instruction set.
#pragma once

#include "sipparse/kernels/kernel.h"

#include <cstdint>

namespace linehunt::sip::kernels {
namespace {

inline constexpr std::uint32_t block_bytes = 64;

// The block at `off`, whole or cut short by the end of the message. Of a short block the bytes
// behind the end read as NUL, which is none of the characters that anybody asks for, and nothing
// at or past base + len is touched: the last 64 bytes of the message are loaded once more and
// shifted, and a message of less than 64 bytes is copied.
template <class Block>
Block block_at(const char* base, std::uint32_t len, std::uint32_t off) {
  const std::uint32_t left = len - off;
  if (left >= block_bytes) [[likely]]
    return Block::load(base + off);
  return Block::load_part(base, len, off);
}

template <class Block>
void find_lines(const char* base, std::uint32_t len, cursor& c, line_index& lines) noexcept {
  std::uint32_t off = c.next;
  std::uint64_t begins = c.line_begins;
  std::uint64_t pending = c.stop_pending;
  std::uint16_t* start = lines.start + lines.starts;
  std::uint16_t* stop = lines.stop + lines.stops;
  const std::uint16_t* const nearly_full = lines.start + (line_index::capacity - block_bytes);

  while (off < len && start <= nearly_full) {
    const Block block = block_at<Block>(base, len, off);
    const std::uint64_t lf = block.line_feeds();
    const std::uint64_t stops = block.stops();
    std::uint64_t starts = (lf << 1) | begins;
    begins = lf >> 63;

    const std::uint64_t open = starts | pending;
    const std::uint64_t run = ~stops;
    std::uint64_t sum = 0;
    pending = __builtin_add_overflow(run, open & run, &sum) ? 1 : 0;
    std::uint64_t first = (sum | open) & stops;
    const bool stops_at_start = (starts & first) != 0;

    for (; starts != 0; starts &= starts - 1)
      *start++ = static_cast<std::uint16_t>(off + static_cast<unsigned>(__builtin_ctzll(starts)));
    for (; first != 0; first &= first - 1)
      *stop++ = static_cast<std::uint16_t>(off + static_cast<unsigned>(__builtin_ctzll(first)));
    off += block_bytes;
    if (stops_at_start) break;
  }
  if (off >= len) {
    // The message ends where a block ends, on an LF: bit 0 of a block that is never loaded.
    if (begins != 0) *start++ = static_cast<std::uint16_t>(len);
    begins = 0;
  }
  c.next = off;
  c.line_begins = begins;
  c.stop_pending = pending;
  lines.starts = static_cast<std::uint32_t>(start - lines.start);
  lines.stops = static_cast<std::uint32_t>(stop - lines.stop);
}

template <class Block>
std::uint32_t find_candidate(const char* base, std::uint32_t len, start_cursor& c) noexcept {
  std::uint64_t candidates = c.candidates;
  while (candidates == 0) {
    if (c.next >= len) return len;
    const Block block = block_at<Block>(base, len, c.next);
    const std::uint64_t lf = block.line_feeds();
    const std::uint64_t starts = (lf << 1) | c.line_begins;
    c.line_begins = lf >> 63;
    candidates = starts & block.call_id_or_line_end();
    c.next += block_bytes;
  }
  c.candidates = candidates & (candidates - 1);
  return c.next - block_bytes + static_cast<unsigned>(__builtin_ctzll(candidates));
}

// What `load_part` of a kernel without masked loads does.
template <class Block, class Load>
Block shifted_part(const char* base, std::uint32_t len, std::uint32_t off, Load load) {
  if (len >= block_bytes) {
    Block block = load(base + (len - block_bytes));
    block.shift = block_bytes - (len - off);
    return block;
  }
  alignas(64) char copy[block_bytes] = {};
  for (std::uint32_t i = off; i < len; ++i)
    copy[i - off] = base[i];
  return load(copy);
}

} // namespace
} // namespace linehunt::sip::kernels
