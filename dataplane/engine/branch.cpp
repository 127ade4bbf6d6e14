// SPDX-License-Identifier: Apache-2.0
// Branches, tags and transaction keys.
#include "dataplane/engine/branch.h"

#include "dataplane/siphash.h"

#include <cstring>
#include <tmmintrin.h>

namespace linehunt::calls {
namespace {

constexpr std::string_view cookie = "z9hG4bK"; // RFC 3261 8.1.1.7

template <std::size_t Count>
std::uint64_t mac(const std::array<std::uint64_t, Count>& words,
                  const std::array<std::uint64_t, 2>& key) noexcept {
  siphash<2, 4> s(key);
  for (const std::uint64_t w : words)
    s.word(w);
  return s.word(std::uint64_t{8 * Count} << 56).finish();
}

std::uint64_t branch_mac(branch_id id, std::uint64_t hash, std::uint32_t cseq,
                         const node_secret& secret) noexcept {
  const auto kind = static_cast<std::uint64_t>(static_cast<unsigned char>(id.kind));
  return mac(std::array<std::uint64_t, 3>{hash, id.number, std::uint64_t{cseq} << 8 | kind},
             secret.branch_key);
}

} // namespace

// All sixteen digits at once: 0x1f becomes the bytes 01 0f, and each byte picks its digit.
void write_hex(std::uint64_t value, char* out) noexcept {
  const __m128i digits =
      _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f');
  const __m128i low_half = _mm_set1_epi8(0x0f);
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(__builtin_bswap64(value)));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), low_half);
  const __m128i halves = _mm_unpacklo_epi8(high, _mm_and_si128(bytes, low_half));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(digits, halves));
}

std::optional<std::uint64_t> read_hex(std::string_view text) noexcept {
  if (text.size() != 16) return std::nullopt;
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data()));
  // As unsigned bytes: what is at most 9 (or 5) behind the subtraction was '0' to '9' ('a' to 'f').
  const __m128i from_0 = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
  const __m128i from_a = _mm_sub_epi8(bytes, _mm_set1_epi8('a'));
  const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(from_0, _mm_set1_epi8(9)), from_0);
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(from_a, _mm_set1_epi8(5)), from_a);
  if (_mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) != 0xffff) return std::nullopt;
  const __m128i halves =
      _mm_or_si128(_mm_and_si128(is_digit, from_0),
                   _mm_and_si128(is_letter, _mm_add_epi8(from_a, _mm_set1_epi8(10))));
  // Two neighbours, the first times 16 and the second, are a byte.
  const __m128i pairs = _mm_maddubs_epi16(halves, _mm_set1_epi16(0x0110));
  const auto value = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs)));
  return __builtin_bswap64(value);
}

branch_text make_branch(branch_id id, std::uint64_t hash, std::uint32_t cseq,
                        const node_secret& secret) noexcept {
  branch_text out;
  std::memcpy(out.bytes.data(), cookie.data(), cookie.size());
  out.bytes[7] = static_cast<char>(id.kind);
  write_hex(id.number, out.bytes.data() + 8);
  write_hex(branch_mac(id, hash, cseq, secret), out.bytes.data() + 24);
  return out;
}

std::optional<branch_id> genuine_branch(std::string_view branch, std::uint64_t hash,
                                        std::uint32_t cseq, const node_secret& secret) noexcept {
  if (branch.size() != branch_bytes || !branch.starts_with(cookie)) return std::nullopt;
  const char kind = branch[7];
  if (kind != 'i' && kind != 's' && kind != 'b' && kind != 'o' && kind != 'p') return std::nullopt;
  const auto number = read_hex(branch.substr(8, 16));
  const auto said = read_hex(branch.substr(24));
  if (!number || !said) return std::nullopt;
  const branch_id id{static_cast<branch_kind>(kind), *number};
  if (branch_mac(id, hash, cseq, secret) != *said) return std::nullopt;
  return id;
}

tag_text make_tag(std::uint64_t hash, std::string_view from_tag,
                  const node_secret& secret) noexcept {
  const std::uint64_t tag =
      mac(std::array<std::uint64_t, 3>{hash, siphash24(from_tag, secret.hash_key), 't'},
          secret.branch_key);
  tag_text out;
  write_hex(tag, out.bytes.data());
  return out;
}

std::uint32_t stateless_branch::below(const sip::via_field& via, const endpoint& reply_to,
                                      const node_secret& secret) noexcept {
  std::array<std::uint64_t, 2> ip{};
  std::memcpy(ip.data(), reply_to.ip.bytes.data(), reply_to.ip.size_bytes());
  siphash<1, 3> s(secret.hash_key);
  s.word(via.branch.size() | via.sent_by_host.size() << 16 | std::uint64_t{via.sent_by_port} << 32 |
         std::uint64_t{reply_to.port} << 48);
  s.word(ip[0]).word(ip[1]);
  return static_cast<std::uint32_t>(s.padded(via.branch).padded(via.sent_by_host).finish()) &
         0xffffffu;
}

std::uint64_t server_key(const sip::routing_view& view, std::string_view request_uri,
                         std::uint64_t hash, const node_secret& secret) noexcept {
  const sip::via_field& via = view.top_via;
  const bool identifies = via.branch.starts_with(cookie) && via.branch.size() > cookie.size();
  if (identifies) request_uri = {};
  siphash<1, 3> s(secret.branch_key);
  s.word(hash).word(std::uint64_t{view.cseq.number} << 16 | via.sent_by_port);
  // All lengths are below 2^16.
  s.word(via.branch.size() | via.sent_by_host.size() << 16 | view.from_tag.size() << 32 |
         request_uri.size() << 48);
  s.padded(via.branch).padded(via.sent_by_host).padded(view.from_tag).padded(request_uri);
  return s.finish();
}

} // namespace linehunt::calls
