// SPDX-License-Identifier: Apache-2.0
// Kernel without vector instructions in its pass: eight bytes at a time in a 64-bit word.
#include "sipparse/kernels/lines.h"
#include "sipparse/kernels/plain_message.h"

namespace linehunt::sip::kernels {
namespace {

constexpr std::uint64_t every_byte = 0x0101010101010101U;

// One bit for each byte of `word` that equals `c`. x has a zero byte there; adding 0x7f to the low
// seven bits of a byte sets its top bit unless they are all zero, and never carries into the next:
//   bytes  'a' LF 'b' LF ...    top bits of ~t  0 1 0 1 ...    gathered by the product to 0b1010
std::uint64_t equal_tops(std::uint64_t word, std::uint64_t c) {
  const std::uint64_t x = word ^ (every_byte * c);
  constexpr std::uint64_t low7 = every_byte * 0x7f;
  const std::uint64_t t = ((x & low7) + low7) | x | low7;
  return ~t;
}
std::uint64_t equal_bits(std::uint64_t word, std::uint64_t c) {
  return ((equal_tops(word, c) >> 7) * 0x0102040810204080U) >> 56;
}

struct block {
  std::uint64_t words[8];
  unsigned shift = 0;

  static block load(const char* p) {
    block b;
    __builtin_memcpy(b.words, p, 64);
    return b;
  }
  static block load_part(const char* base, std::uint32_t len, std::uint32_t off) {
    return shifted_part<block>(base, len, off, load);
  }
  template <class Bits>
  std::uint64_t gather(Bits bits) const {
    std::uint64_t mask = 0;
    for (unsigned i = 0; i < 8; ++i)
      mask |= bits(words[i]) << (8 * i);
    return mask >> shift;
  }
  std::uint64_t line_feeds() const {
    return gather([](std::uint64_t w) { return equal_bits(w, '\n'); });
  }
  std::uint64_t carriage_returns() const {
    return gather([](std::uint64_t w) { return equal_bits(w, '\r'); });
  }
  using notes = std::uint64_t;
  notes note_bare_returns(const char* behind, notes bare) const {
    const block next = load(behind);
    for (unsigned i = 0; i < 8; ++i)
      bare |= equal_tops(words[i], '\r') & ~equal_tops(next.words[i], '\n');
    return bare;
  }
  static bool any(notes bare) { return bare != 0; }
  template <char One, char Other>
  std::uint64_t letter_or_line_end() const {
    return gather([](std::uint64_t w) {
      const std::uint64_t lower = w | (every_byte * 0x20);
      return equal_bits(lower, One) | equal_bits(lower, Other) | equal_bits(w, '\n') |
             equal_bits(w, '\r');
    });
  }
};

} // namespace

const functions scalar{find_lines<block>, find_candidate<block, 'c', 'i'>,
                       find_candidate<block, 't', 't'>, read_plain};

} // namespace linehunt::sip::kernels
