// SPDX-License-Identifier: Apache-2.0
// Kernel for AVX-512 (F, BW, VL): one register to a block, comparisons give masks directly, and
// the last block of a message is a masked load, which touches no byte that its mask leaves out.
#include "sipparse/kernels/lines.h"
#include "sipparse/kernels/plain_message.h"

#include <immintrin.h>

namespace linehunt::sip::kernels {
namespace {

struct block {
  __m512i bytes;

  static block load(const char* p) { return {_mm512_loadu_si512(p)}; }
  static block load_part(const char* base, std::uint32_t len, std::uint32_t off) {
    // 3 bytes left: mask 111000..., the other bytes read as NUL.
    const __mmask64 left = ~std::uint64_t{0} >> (block_bytes - (len - off));
    return {_mm512_maskz_loadu_epi8(left, base + off)};
  }
  std::uint64_t equal(char c) const { return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(c)); }

  std::uint64_t line_feeds() const { return equal('\n'); }
  std::uint64_t carriage_returns() const { return equal('\r'); }
  using notes = std::uint64_t;
  notes note_bare_returns(const char* behind, notes bare) const {
    return bare | (equal('\r') & ~load(behind).equal('\n'));
  }
  static bool any(notes bare) { return bare != 0; }
  template <char One, char Other>
  std::uint64_t letter_or_line_end() const {
    const block lower{_mm512_or_si512(bytes, _mm512_set1_epi8(0x20))};
    return lower.equal(One) | lower.equal(Other) | equal('\n') | equal('\r');
  }
};

} // namespace

const functions avx512{find_lines<block>, find_candidate<block, 'c', 'i'>,
                       find_candidate<block, 't', 't'>, read_plain};

} // namespace linehunt::sip::kernels
