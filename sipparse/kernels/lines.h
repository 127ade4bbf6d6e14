// SPDX-License-Identifier: Apache-2.0
// The pass over 64-byte blocks, written once for every kernel. A kernel file supplies `Block`,
// which loads 64 bytes and says in which of them which character stands; everything here is
// arithmetic on those masks. Bit 0 is the first byte of the block; the example is written in the
// order of the bytes, so bit 0 is on the left.
//
//   bytes   To: <a>RNVia: xRNRNv=0     R is CR, N is LF
//   feeds   ........1.......1.1....    bytes that are LF
//   starts  .........1.......1.1...    the byte behind each: where a line begins
//   short   ..................1....    an LF with another one or two bytes before it: the line that
//                                      it ends has at most one byte, most likely the CR of the
//                                      empty line
//   bare    ......................     CRs that no LF follows: here there is none. Not a mask of
//                                      the block's, but noted as it suits the kernel
//
// The block before gives the bits that are shifted in on the left.
//
// Included by kernel files only, each of which gets its own copy (unnamed namespace), compiled for
// its own instruction set.
#pragma once

#include "sipparse/kernels/kernel.h"

#include <cstddef>
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

// The lowest bit's number. Of no bit at all some number, which is written and not counted.
inline unsigned lowest(std::uint64_t mask) {
#ifdef __BMI__
  return static_cast<unsigned>(__builtin_ia32_tzcnt_u64(mask));
#else
  return static_cast<unsigned>(__builtin_ctzll(mask | (std::uint64_t{1} << 63)));
#endif
}

// Where `find_lines` stands within a call.
struct pass {
  std::size_t off; // of the block at hand
  std::uint64_t ends_short;
  std::uint16_t* next;

  pass(const cursor& c, line_index& lines)
      : off(c.next), ends_short(c.ends_short), next(lines.start + lines.count) {}

  void end(cursor& c, line_index& lines) const {
    c.next = static_cast<std::uint32_t>(off);
    c.ends_short = ends_short;
    lines.count = static_cast<std::uint32_t>(next - lines.start);
  }

  // Notes the lines of the block at `off`. False: one may be the empty line.
  template <class Block>
  [[gnu::always_inline]] bool take(const Block& block) {
    const std::uint64_t feeds = block.line_feeds();
    // The sum of feeds << 1, feeds << 2 and what the block before says. It carries only where two
    // LFs are neighbours, and the second of the first such pair is in it all the same.
    const std::uint64_t short_lines = feeds & (feeds * 6 + ends_short);
    // 0, 1, 2 give 0, 1, 3. Behind 3, two LFs, the pass has ended.
    ends_short = ((feeds >> 62) * 3) >> 1;
    // Two are written whether they exist or not: most blocks have none to two, and a branch that
    // tells them apart would be guessed wrong too often.
    const std::size_t behind = off + 1;
    std::uint64_t left = feeds;
    next[0] = static_cast<std::uint16_t>(behind + lowest(left));
    left &= left - 1;
    next[1] = static_cast<std::uint16_t>(behind + lowest(left));
    left &= left - 1;
    for (std::uint16_t* further = next + 2; left != 0; left &= left - 1)
      *further++ = static_cast<std::uint16_t>(behind + lowest(left));
    next += __builtin_popcountll(feeds);
    off += block_bytes;
    return short_lines == 0;
  }
};

template <class Block>
void find_lines(const char* base, std::uint32_t len, cursor& c, line_index& lines) noexcept {
  pass p(c, lines);
  // Up to here there is room for a block of nothing but LF.
  const std::uint16_t* const full = lines.start + (line_index::capacity - block_bytes);
  const std::size_t last = len > block_bytes ? len - block_bytes : 0;
  typename Block::notes bare{};
  bool more = p.next <= full;
  while (more && p.off < last) {
    const Block block = Block::load(base + p.off);
    bare = block.note_bare_returns(base + p.off + 1, bare);
    more = p.take(block) && p.next <= full;
  }
  if (Block::any(bare)) [[unlikely]]
    c.bare_return = true;
  if (more && p.off < len) {
    const Block block = Block::load_part(base, len, static_cast<std::uint32_t>(p.off));
    if ((block.carriage_returns() & ~(block.line_feeds() >> 1)) != 0) [[unlikely]]
      c.bare_return = true;
    p.take(block);
  }
  p.end(c, lines);
}

// Of the letters the lower case is given, and both are meant.
template <class Block, char One, char Other>
std::uint32_t find_candidate(const char* base, std::uint32_t len, start_cursor& c) noexcept {
  std::uint64_t candidates = c.candidates;
  while (candidates == 0) {
    if (c.next >= len) return len;
    const Block block = block_at<Block>(base, len, c.next);
    const std::uint64_t lf = block.line_feeds();
    const std::uint64_t starts = (lf << 1) | c.feed_before;
    c.feed_before = lf >> 63;
    candidates = starts & block.template letter_or_line_end<One, Other>();
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
  char copy[block_bytes] = {};
  for (std::uint32_t i = off; i < len; ++i)
    copy[i - off] = base[i];
  return load(copy);
}

} // namespace
} // namespace linehunt::sip::kernels
