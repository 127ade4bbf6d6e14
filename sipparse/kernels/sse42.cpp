// SPDX-License-Identifier: Apache-2.0
// Kernel for SSE4.2: four 16-byte registers to a block.
#include "sipparse/kernels/lines.h"
#include "sipparse/kernels/plain_message.h"

#include <immintrin.h>

namespace linehunt::sip::kernels {
namespace {

struct block {
  __m128i part[4];
  unsigned shift = 0;

  static block load(const char* p) {
    block b;
    for (int i = 0; i < 4; ++i)
      b.part[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    return b;
  }
  static block load_part(const char* base, std::uint32_t len, std::uint32_t off) {
    return shifted_part<block>(base, len, off, load);
  }
  // A register holds 0xff where a byte matches; its sixteen top bits are a quarter of the mask.
  template <class Match>
  std::uint64_t gather(Match match) const {
    std::uint64_t mask = 0;
    for (int i = 0; i < 4; ++i)
      mask |= std::uint64_t{static_cast<std::uint32_t>(_mm_movemask_epi8(match(part[i])))}
              << (16 * i);
    return mask >> shift;
  }
  static __m128i equal(__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); }

  std::uint64_t line_feeds() const {
    return gather([](__m128i p) { return equal(p, '\n'); });
  }
  std::uint64_t carriage_returns() const {
    return gather([](__m128i p) { return equal(p, '\r'); });
  }
  using notes = __m128i;
  notes note_bare_returns(const char* behind, notes bare) const {
    const block next = load(behind);
    for (int i = 0; i < 4; ++i)
      bare = _mm_or_si128(bare, _mm_andnot_si128(equal(next.part[i], '\n'), equal(part[i], '\r')));
    return bare;
  }
  static bool any(notes bare) { return _mm_testz_si128(bare, bare) == 0; }
  template <char One, char Other>
  std::uint64_t letter_or_line_end() const {
    return gather([](__m128i p) {
      const __m128i lower = _mm_or_si128(p, _mm_set1_epi8(0x20));
      return _mm_or_si128(_mm_or_si128(equal(lower, One), equal(lower, Other)),
                          _mm_or_si128(equal(p, '\n'), equal(p, '\r')));
    });
  }
};

} // namespace

const functions sse42{find_lines<block>, find_candidate<block, 'c', 'i'>,
                      find_candidate<block, 't', 't'>, read_plain};

} // namespace linehunt::sip::kernels
