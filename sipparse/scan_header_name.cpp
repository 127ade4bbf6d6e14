// SPDX-License-Identifier: Apache-2.0
// From a header's name to its header_id: a perfect hash of length, first and last letter picks the
// one name that it could be, and sixteen bytes are compared at once.
#include "sipparse/header_name.h"

#include <array>
#include <emmintrin.h>
#include <string_view>

namespace linehunt::sip {
namespace {

using namespace std::string_view_literals;

struct spelling {
  std::string_view name; // lower case
  header_id id;
};

// Long and compact forms: RFC 3261 7.3.3 and 20, RFC 4028 (x), RFC 3325, RFC 5806, RFC 3326.
constexpr std::array spellings{
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
    spelling{"supported"sv, header_id::supported},
    spelling{"k"sv, header_id::supported},
    spelling{"unsupported"sv, header_id::unsupported},
    spelling{"session-expires"sv, header_id::session_expires},
    spelling{"x"sv, header_id::session_expires},
    spelling{"min-se"sv, header_id::min_se},
    spelling{"expires"sv, header_id::expires},
    spelling{"retry-after"sv, header_id::retry_after},
    spelling{"reason"sv, header_id::reason},
    spelling{"proxy-authorization"sv, header_id::proxy_authorization},
    spelling{"authorization"sv, header_id::authorization},
    spelling{"p-asserted-identity"sv, header_id::p_asserted_identity},
    spelling{"diversion"sv, header_id::diversion},
};

constexpr std::size_t longest_name = 19; // P-Asserted-Identity
constexpr std::size_t slot_count = 128;

constexpr std::uint32_t slot_of(std::uint32_t length, char first, char last, std::uint32_t seed) {
  const auto f = static_cast<std::uint32_t>(static_cast<unsigned char>(first) | 0x20U);
  const auto l = static_cast<std::uint32_t>(static_cast<unsigned char>(last) | 0x20U);
  return ((f + (l << 8) + (length << 16)) * seed) >> 25;
}

constexpr bool is_perfect(std::uint32_t seed) {
  std::array<bool, slot_count> taken{};
  for (const auto& s : spellings) {
    const auto slot =
        slot_of(static_cast<std::uint32_t>(s.name.size()), s.name.front(), s.name.back(), seed);
    if (taken[slot]) return false;
    taken[slot] = true;
  }
  return true;
}

// The first odd number from 2^32 / golden ratio on that is perfect. Written down, since the search
// takes more steps than clang grants a constant expression; a new spelling that collides asks for
// another.
constexpr std::uint32_t seed = 2654439425;
static_assert(is_perfect(seed));

// `fold` holds 0x20 where the name has a letter, so that a byte or-ed with it equals the name's
// exactly where it is that letter in either case; '-' has to match as it is.
struct alignas(64) slot_entry {
  std::array<char, 32> name{};
  std::array<char, 16> fold{};
  std::uint16_t length = 0;
  std::uint16_t compare_mask = 0; // one bit for each of the first 16 bytes of the name
  header_id id = header_id::other;
};

constexpr auto make_slots() {
  std::array<slot_entry, slot_count> slots{};
  for (const auto& s : spellings) {
    auto& slot = slots[slot_of(static_cast<std::uint32_t>(s.name.size()), s.name.front(),
                               s.name.back(), seed)];
    for (std::size_t i = 0; i < s.name.size(); ++i) {
      slot.name[i] = s.name[i];
      if (i < 16) {
        slot.fold[i] = s.name[i] == '-' ? 0 : 0x20;
        slot.compare_mask = static_cast<std::uint16_t>(slot.compare_mask | (1U << i));
      }
    }
    slot.length = static_cast<std::uint16_t>(s.name.size());
    slot.id = s.id;
  }
  return slots;
}
constexpr auto slots = make_slots();

constexpr char folded(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

} // namespace

header_id classify_header_name(const char* base, std::uint32_t len, std::uint32_t off,
                               std::uint32_t name_len) noexcept {
  if (name_len > longest_name) return header_id::other;
  const char* const name = base + off;
  const slot_entry& slot = slots[slot_of(name_len, name[0], name[name_len - 1], seed)];
  if (slot.length != name_len) return header_id::other;

  if (off + 16 <= len) [[likely]] {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(name));
    const __m128i fold = _mm_load_si128(reinterpret_cast<const __m128i*>(slot.fold.data()));
    const __m128i wanted = _mm_load_si128(reinterpret_cast<const __m128i*>(slot.name.data()));
    // "To: <sip:a@b>..." against "to":  equal 1100000..., compare_mask 1100000...
    const auto equal = static_cast<std::uint32_t>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(bytes, fold), wanted)));
    if ((equal & slot.compare_mask) != slot.compare_mask) return header_id::other;
    for (std::uint32_t i = 16; i < name_len; ++i)
      if (folded(name[i]) != slot.name[i]) return header_id::other;
    return slot.id;
  }
  for (std::uint32_t i = 0; i < name_len; ++i)
    if (folded(name[i]) != slot.name[i]) return header_id::other;
  return slot.id;
}

} // namespace linehunt::sip
