// SPDX-License-Identifier: Apache-2.0
// Kernel for AVX2 and BMI: two 32-byte registers to a block.
#include "sipparse/kernels/lines.h"
#include "sipparse/kernels/plain_message.h"

#include <immintrin.h>

namespace linehunt::sip::kernels {
namespace {

struct block {
  __m256i low, high;
  unsigned shift = 0;

  static block load(const char* p) {
    block b;
    b.low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    b.high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
    return b;
  }
  static block load_part(const char* base, std::uint32_t len, std::uint32_t off) {
    return shifted_part<block>(base, len, off, load);
  }
  // A register holds 0xff where a byte matches; its 32 top bits are half of the mask.
  template <class Match>
  std::uint64_t gather(Match match) const {
    const auto lo = static_cast<std::uint32_t>(_mm256_movemask_epi8(match(low)));
    const auto hi = static_cast<std::uint32_t>(_mm256_movemask_epi8(match(high)));
    return (std::uint64_t{lo} | (std::uint64_t{hi} << 32)) >> shift;
  }
  static __m256i equal(__m256i bytes, char c) {
    return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(c));
  }

  std::uint64_t line_feeds() const {
    return gather([](__m256i p) { return equal(p, '\n'); });
  }
  std::uint64_t carriage_returns() const {
    return gather([](__m256i p) { return equal(p, '\r'); });
  }
  using notes = __m256i;
  notes note_bare_returns(const char* behind, notes bare) const {
    const block next = load(behind);
    const __m256i lo = _mm256_andnot_si256(equal(next.low, '\n'), equal(low, '\r'));
    const __m256i hi = _mm256_andnot_si256(equal(next.high, '\n'), equal(high, '\r'));
    return _mm256_or_si256(bare, _mm256_or_si256(lo, hi));
  }
  static bool any(notes bare) { return _mm256_testz_si256(bare, bare) == 0; }
  template <char One, char Other>
  std::uint64_t letter_or_line_end() const {
    return gather([](__m256i p) {
      const __m256i lower = _mm256_or_si256(p, _mm256_set1_epi8(0x20));
      return _mm256_or_si256(_mm256_or_si256(equal(lower, One), equal(lower, Other)),
                             _mm256_or_si256(equal(p, '\n'), equal(p, '\r')));
    });
  }
};

} // namespace

const functions avx2{find_lines<block>, find_candidate<block, 'c', 'i'>,
                     find_candidate<block, 't', 't'>, read_plain};

} // namespace linehunt::sip::kernels
