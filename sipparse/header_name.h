// SPDX-License-Identifier: Apache-2.0
// From a received header's name, long or compact and in any case, to its header_id: a perfect hash
// of its length and first two letters picks the one name that it could be, and sixteen bytes are
// compared at once. Private to sipparse.
#pragma once

#include "sipparse/message_view.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <emmintrin.h>
#include <string_view>

namespace linehunt::sip::header_name {

using namespace std::string_view_literals;

struct spelling {
  std::string_view name; // lower case
  header_id id;
};

// Long and compact forms: RFC 3261 7.3.3 and 20, RFC 4028 (x), RFC 3326, RFC 3891.
inline constexpr std::array spellings{
    spelling{"via"sv, header_id::via},
    spelling{"v"sv, header_id::via},
    spelling{"from"sv, header_id::from},
    spelling{"f"sv, header_id::from},
    spelling{"to"sv, header_id::to},
    spelling{"t"sv, header_id::to},
    spelling{"call-id"sv, header_id::call_id},
    spelling{"i"sv, header_id::call_id},
    spelling{"cseq"sv, header_id::cseq},
    spelling{"max-forwards"sv, header_id::max_forwards},
    spelling{"route"sv, header_id::route},
    spelling{"record-route"sv, header_id::record_route},
    spelling{"contact"sv, header_id::contact},
    spelling{"m"sv, header_id::contact},
    spelling{"content-length"sv, header_id::content_length},
    spelling{"l"sv, header_id::content_length},
    spelling{"content-type"sv, header_id::content_type},
    spelling{"c"sv, header_id::content_type},
    spelling{"require"sv, header_id::require},
    spelling{"proxy-require"sv, header_id::proxy_require},
    spelling{"session-expires"sv, header_id::session_expires},
    spelling{"x"sv, header_id::session_expires},
    spelling{"retry-after"sv, header_id::retry_after},
    spelling{"reason"sv, header_id::reason},
    spelling{"timestamp"sv, header_id::timestamp},
    spelling{"replaces"sv, header_id::replaces},
};

inline constexpr std::size_t slot_count = 128;

// `letters`: the first two bytes, the first one lower; of a name of one letter the colon behind it
// is the second.
constexpr std::uint32_t slot_of(std::uint32_t letters, std::uint32_t length, std::uint32_t seed) {
  return (((letters | 0x2020U) + (length << 16)) * seed) >> 25; // 7 bits
}

constexpr std::uint32_t slot_of(std::string_view name, std::uint32_t seed) {
  const auto first = static_cast<unsigned char>(name.front());
  const auto second = static_cast<unsigned char>(name.size() > 1 ? name[1] : ':');
  return slot_of(first | static_cast<std::uint32_t>(second) << 8,
                 static_cast<std::uint32_t>(name.size()), seed);
}

constexpr bool is_perfect(std::uint32_t seed) {
  std::array<bool, slot_count> taken{};
  for (const auto& s : spellings) {
    const auto slot = slot_of(s.name, seed);
    if (taken[slot]) return false;
    taken[slot] = true;
  }
  return true;
}

// The first odd number from 2^32 / golden ratio on that is perfect. Written down, since the search
// takes more steps than clang grants a constant expression; a new spelling that collides asks for
// another.
inline constexpr std::uint32_t seed = 2654436019;
static_assert(is_perfect(seed));

// `fold` holds 0x20 where the name has a letter, so that a byte or-ed with it equals the name's
// exactly where it is that letter in either case; '-' has to match as it is, and so has the colon
// behind the name. A slot without a name is no line's: a byte or-ed with 0x20 is never 0.
struct alignas(64) slot_entry {
  std::array<char, 16> name{};
  std::array<char, 16> fold{0x20};
  std::uint32_t length = 0; // without the colon
  std::uint32_t others = 0; // one bit for each of 16 bytes behind the name and the colon
  // From the line {off, len} to its value, each as a number of 32 bits with the length in the upper
  // half: behind the colon and a blank, and without the line end.
  std::uint32_t to_value = 0;
  header_id id = header_id::other;
};

static_assert(std::ranges::all_of(spellings, [](const spelling& s) { return s.name.size() < 16; }),
              "a name and its colon are compared as sixteen bytes");

constexpr auto make_slots() {
  std::array<slot_entry, slot_count> slots{};
  for (const auto& s : spellings) {
    auto& slot = slots[slot_of(s.name, seed)];
    for (std::size_t i = 0; i < s.name.size(); ++i) {
      slot.name[i] = s.name[i];
      slot.fold[i] = s.name[i] == '-' ? 0 : 0x20;
    }
    slot.length = static_cast<std::uint32_t>(s.name.size());
    slot.name[s.name.size()] = ':';
    slot.others = 0xffffU & ~((2U << s.name.size()) - 1);
    const std::uint32_t before_value = slot.length + 2;
    slot.to_value = before_value - ((before_value + 2) << 16);
    slot.id = s.id;
  }
  return slots;
}
inline constexpr auto slots = make_slots();

// The one name that a line can begin with whose first colon is `length` bytes on. Two bytes are
// read; a line that begins with its colon gets some slot, and matches none.
[[nodiscard]] inline const slot_entry& slot_for(const char* line, std::uint32_t length) noexcept {
  std::uint16_t letters;
  std::memcpy(&letters, line, sizeof letters);
  return slots[slot_of(letters, length, seed)];
}

// Does the line begin with the slot's name and a colon? Sixteen bytes have to be readable.
//   "To: <sip:a@b>..." against "to:"   equal   11100...
//                                      others  00011...   all ones together: it is that name
[[nodiscard]] inline bool matches_16(const slot_entry& slot, __m128i line) noexcept {
  const __m128i fold = _mm_load_si128(reinterpret_cast<const __m128i*>(slot.fold.data()));
  const __m128i wanted = _mm_load_si128(reinterpret_cast<const __m128i*>(slot.name.data()));
  const auto equal = static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(line, fold), wanted)));
  return (equal | slot.others) == 0xffffU;
}

// Of a name alone, whatever stands behind it. `length` is at least 1.
[[nodiscard]] inline header_id classify(const char* name, std::uint32_t length) noexcept {
  const slot_entry& slot = slots[slot_of(std::string_view{name, length}, seed)];
  if (slot.length != length) return header_id::other;
  for (std::uint32_t i = 0; i < length; ++i)
    if ((name[i] | slot.fold[i]) != slot.name[i]) return header_id::other;
  return slot.id;
}

} // namespace linehunt::sip::header_name
