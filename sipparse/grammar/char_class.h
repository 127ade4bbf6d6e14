// SPDX-License-Identifier: Apache-2.0
// Sets of characters, and the walk over a run of them: the primitive that the grammars are made of.
// Sixteen bytes are looked up at once (SSSE3, which every build target has), or 32. Private to
// sipparse.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <immintrin.h>
#include <string_view>

namespace linehunt::sip::grammar {

// `table` answers for one byte. `rows` answers for sixteen: bit h of rows[l] is set where the byte
// with high half h and low half l is a member, so that h is below 8. Bytes from 0x80 on are members
// all together or not at all.
struct char_set {
  std::array<bool, 256> table{};
  alignas(16) std::array<std::uint8_t, 16> rows{};

  constexpr char_set() = default;
  constexpr explicit char_set(std::string_view members) {
    for (const char c : members)
      add(static_cast<unsigned char>(c));
  }
  [[nodiscard]] static constexpr char_set range(unsigned first, unsigned last) {
    char_set s;
    for (unsigned c = first; c <= last; ++c)
      s.add(c);
    return s;
  }
  [[nodiscard]] friend constexpr char_set operator|(const char_set& a, const char_set& b) {
    char_set s;
    for (unsigned c = 0; c < 256; ++c)
      if (a.table[c] || b.table[c]) s.add(c);
    return s;
  }
  [[nodiscard]] friend constexpr char_set operator-(const char_set& a, const char_set& b) {
    char_set s;
    for (unsigned c = 0; c < 256; ++c)
      if (a.table[c] && !b.table[c]) s.add(c);
    return s;
  }
  [[nodiscard]] constexpr bool has(char c) const { return table[static_cast<unsigned char>(c)]; }
  [[nodiscard]] constexpr bool has_high() const { return table[0x80]; }
  [[nodiscard]] constexpr bool is_even_high() const {
    for (unsigned c = 0x80; c < 256; ++c)
      if (table[c] != table[0x80]) return false;
    return true;
  }

 private:
  constexpr void add(unsigned c) {
    table[c] = true;
    if (c < 0x80) rows[c & 15] = static_cast<std::uint8_t>(rows[c & 15] | (1U << (c >> 4)));
  }
};

inline constexpr char_set alpha = char_set::range('A', 'Z') | char_set::range('a', 'z');
inline constexpr char_set digit = char_set::range('0', '9');
inline constexpr char_set alphanum = alpha | digit;
inline constexpr char_set visible = char_set::range(0x21, 0x7e);

// RFC 3261 25.1.
inline constexpr char_set token_chars = alphanum | char_set("-.!%*_+`'~");
inline constexpr char_set word_chars = token_chars | char_set("()<>:\\\"/[]?{}");
inline constexpr char_set scheme_chars = alphanum | char_set("+-.");
// hostname and IPv4address; '_' is in no host name of the RFC and in many of the field.
inline constexpr char_set host_chars = alphanum | char_set("-._");
inline constexpr char_set ipv6_chars =
    digit | char_set::range('A', 'F') | char_set::range('a', 'f') | char_set(":.");
// gen-value is token / host / quoted-string. Taken wider: any visible character that does not end
// a parameter, since branches with '@', '=' and '/' are about, and `received` comes with IPv6
// addresses without brackets (RFC 5118 4.5).
inline constexpr char_set value_chars = visible - char_set("\",;<>");
// Within < > of a name-addr; bytes of UTF-8 are passed on as they came.
inline constexpr char_set bracketed_uri_chars =
    (visible | char_set::range(0x80, 0xff)) - char_set("<>\"");
// addr-spec without < >: RFC 3261 20 forbids comma and semicolon here (the question mark too, but
// RFC 4475 3.1.2.13 leaves inferring the brackets to us).
inline constexpr char_set bare_uri_chars = bracketed_uri_chars - char_set(",;");
// *(token LWS), as RFC 3261 25.1 has it for display names, and UTF-8, brackets and the like too;
// what could be a URI, a list or a parameter cannot be in it without quotes (RFC 4475 3.1.2.15).
inline constexpr char_set display_chars =
    (visible | char_set::range(0x80, 0xff)) - char_set("<>\",;:");
// What a quoted string is made of where nothing in it is escaped or folded.
inline constexpr char_set plain_quoted_chars = char_set::range(0x20, 0xff) - char_set("\"\\\x7f");
inline constexpr char_set not_wsp_chars = char_set::range(0, 0xff) - char_set(" \t");
// The part of a URI in angle brackets that is looked up fastest.
inline constexpr char_set ascii_uri_chars = visible - char_set("<>\"");

// So many bytes are looked up at once; in the kernels that have AVX2 (kernels/kernel.h) twice as
// many as elsewhere. All that depends on it is inlined for certain, so that nobody gets another's.
#ifdef __AVX2__
constexpr std::ptrdiff_t bytes_at_once = 32;
#else
constexpr std::ptrdiff_t bytes_at_once = 16;
#endif

// One bit for each of them, set where the byte is not in the set:
//   "UDP 192.0.2.1;br" and token_chars   0001000000000100 (the blank and the semicolon)
// The low half of a byte picks its row (a byte from 0x80 on picks zero), the high half a bit of it.
template <const char_set& Set>
[[nodiscard, gnu::always_inline]] inline std::uint32_t strangers(const char* p) noexcept {
  static_assert(Set.is_even_high());
  const __m128i rows_once = _mm_load_si128(reinterpret_cast<const __m128i*>(Set.rows.data()));
  const __m128i bits_once = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
#ifdef __AVX2__
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i rows = _mm256_broadcastsi128_si256(rows_once);
  const __m256i bit_of_high = _mm256_broadcastsi128_si256(bits_once);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
  __m256i member =
      _mm256_and_si256(_mm256_shuffle_epi8(rows, bytes), _mm256_shuffle_epi8(bit_of_high, high));
  if constexpr (Set.has_high())
    member = _mm256_or_si256(member, _mm256_and_si256(bytes, _mm256_set1_epi8(-128)));
  return static_cast<std::uint32_t>(
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(member, _mm256_setzero_si256())));
#else
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(0x0f));
  __m128i member =
      _mm_and_si128(_mm_shuffle_epi8(rows_once, bytes), _mm_shuffle_epi8(bits_once, high));
  if constexpr (Set.has_high())
    member = _mm_or_si128(member, _mm_and_si128(bytes, _mm_set1_epi8(-128)));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(member, _mm_setzero_si128())));
#endif
}

// The first byte from `first` on that is not in the set, or `last`. Bytes from `begin` to `limit`,
// around them, may be read though they are not looked for.
template <const char_set& Set>
[[nodiscard, gnu::always_inline]] inline const char*
skip(const char* first, const char* last, const char* begin, const char* limit) noexcept {
  for (; limit - first >= bytes_at_once; first += bytes_at_once) {
    if (const std::uint32_t mask = strangers<Set>(first)) {
      first += __builtin_ctz(mask);
      return first < last ? first : last;
    }
    if (last - first <= bytes_at_once) return last;
  }
  // The rest is looked up together with what stands before it.
  if (limit - begin >= bytes_at_once) {
    const auto before = static_cast<unsigned>(bytes_at_once - (limit - first));
    const std::uint64_t mask = std::uint64_t{strangers<Set>(limit - bytes_at_once)} >> before;
    first = mask != 0 ? first + __builtin_ctzll(mask) : last;
    return first < last ? first : last;
  }
  while (first != last && Set.has(*first))
    ++first;
  return first;
}
template <const char_set& Set>
[[nodiscard]] inline const char* skip(const char* first, const char* last) noexcept {
  return skip<Set>(first, last, first, last);
}

// SWS and LWS (RFC 3261 25.1): white space, and line ends that are followed by white space.
[[nodiscard]] inline const char* skip_lws(const char* first, const char* last) noexcept {
  while (first != last) {
    if (*first == ' ' || *first == '\t') {
      ++first;
      continue;
    }
    const char* p = first;
    if (*p == '\r') ++p;
    if (p == last || *p != '\n' || p + 1 == last || (p[1] != ' ' && p[1] != '\t')) break;
    first = p + 2;
  }
  return first;
}

} // namespace linehunt::sip::grammar
