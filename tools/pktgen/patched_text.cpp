// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/patched_text.h"

#include <array>
#include <cstring>
#include <immintrin.h>
#include <stdexcept>

namespace linehunt::pktgen {

// Eight bytes become sixteen nibbles, which index a table of digits.
void write_hex(std::uint64_t value, char* out) noexcept {
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
  const __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(0x0f));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(0x0f));
  const __m128i digits =
      _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f');
  const __m128i text = _mm_shuffle_epi8(digits, _mm_unpacklo_epi8(high, low));
  std::memcpy(out, &text, sizeof text);
}

bool read_hex(const char* text, std::uint64_t& out) noexcept {
  __m128i in;
  std::memcpy(&in, text, sizeof in);
  const auto between = [&](char first, char last) {
    return _mm_and_si128(_mm_cmpgt_epi8(in, _mm_set1_epi8(static_cast<char>(first - 1))),
                         _mm_cmplt_epi8(in, _mm_set1_epi8(static_cast<char>(last + 1))));
  };
  const __m128i digit = between('0', '9'), letter = between('a', 'f');
  if (_mm_movemask_epi8(_mm_or_si128(digit, letter)) != 0xffff) return false;
  const __m128i offset = _mm_or_si128(_mm_and_si128(digit, _mm_set1_epi8('0')),
                                      _mm_and_si128(letter, _mm_set1_epi8('a' - 10)));
  const __m128i nibbles = _mm_sub_epi8(in, offset);
  // Pairs: high * 16 + low, as 16-bit numbers below 256, then packed to bytes.
  const __m128i pairs = _mm_maddubs_epi16(nibbles, _mm_set1_epi16(0x0110));
  const __m128i packed = _mm_packus_epi16(pairs, pairs);
  out = __builtin_bswap64(static_cast<std::uint64_t>(_mm_cvtsi128_si64(packed)));
  return true;
}

// Sixteen bytes of the value and a multiple of it; each becomes a digit as byte * 10 / 256.
void write_digits(std::uint64_t value, unsigned width, char* out) noexcept {
  const std::uint64_t multiple = value * 0x9e3779b97f4a7c15u;
  const __m128i bytes =
      _mm_set_epi64x(static_cast<long long>(multiple), static_cast<long long>(value));
  const __m128i zero = _mm_setzero_si128(), ten = _mm_set1_epi16(10);
  const auto scaled = [&](__m128i words) { return _mm_srli_epi16(_mm_mullo_epi16(words, ten), 8); };
  const __m128i digits = _mm_packus_epi16(scaled(_mm_unpacklo_epi8(bytes, zero)),
                                          scaled(_mm_unpackhi_epi8(bytes, zero)));
  std::array<char, 16> text;
  const __m128i shown = _mm_add_epi8(digits, _mm_set1_epi8('0'));
  std::memcpy(text.data(), &shown, sizeof shown);
  if (width < 8) {
    for (unsigned i = 0; i < width; ++i)
      out[i] = text[i];
    return;
  }
  std::memcpy(out, text.data(), 8);
  std::memcpy(out + width - 8, text.data() + width - 8, 8);
}

patched_text::patched_text(std::string_view pattern) {
  struct name {
    std::string_view text;
    field what;
    std::uint8_t width;
  };
  static constexpr std::array<name, 8> names{{{"{call_id}", field::call_id, 16},
                                              {"{from_tag}", field::from_tag, 16},
                                              {"{to_tag}", field::to_tag, 16},
                                              {"{invite_branch}", field::invite_branch, 16},
                                              {"{ack_branch}", field::ack_branch, 16},
                                              {"{bye_branch}", field::bye_branch, 16},
                                              {"{caller}", field::caller, 10},
                                              {"{session}", field::session, 10}}};
  while (!pattern.empty()) {
    if (pattern.front() == '#') {
      std::size_t width = pattern.find_first_not_of('#');
      if (width == std::string_view::npos) width = pattern.size();
      if (width > 16) throw std::invalid_argument("more than 16 digits in a row");
      patches_.push_back({static_cast<std::uint16_t>(bytes_.size()), field::dialled,
                          static_cast<std::uint8_t>(width)});
      bytes_.append(width, '0');
      pattern.remove_prefix(width);
      continue;
    }
    bool found = false;
    if (pattern.front() == '{')
      for (const name& n : names)
        if (!found && pattern.starts_with(n.text)) {
          patches_.push_back({static_cast<std::uint16_t>(bytes_.size()), n.what, n.width});
          bytes_.append(n.width, '0');
          pattern.remove_prefix(n.text.size());
          found = true;
        }
    if (found) continue;
    bytes_.push_back(pattern.front());
    pattern.remove_prefix(1);
  }
}

char* patched_text::write(char* out, const identity& who) const noexcept {
  std::memcpy(out, bytes_.data(), bytes_.size());
  for (const patch& p : patches_) {
    char* const at = out + p.offset;
    switch (p.what) {
    case field::call_id:
      write_hex(who.call_id, at);
      break;
    case field::from_tag:
      write_hex(who.from_tag(), at);
      break;
    case field::to_tag:
      write_hex(who.to_tag(), at);
      break;
    case field::invite_branch:
      write_hex(who.invite_branch(), at);
      break;
    case field::ack_branch:
      write_hex(who.ack_branch(), at);
      break;
    case field::bye_branch:
      write_hex(who.bye_branch(), at);
      break;
    case field::caller:
      write_digits(who.digits() >> 32, 10, at);
      break;
    case field::session:
      write_digits(who.digits() & 0xffffffffu, 10, at);
      break;
    case field::dialled:
      write_digits(who.digits(), p.width, at);
      break;
    }
  }
  return out + bytes_.size();
}

std::string patched_text::text(const identity& who) const {
  std::string out(bytes_.size(), '\0');
  (void)write(out.data(), who);
  return out;
}

} // namespace linehunt::pktgen
