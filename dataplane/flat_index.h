// SPDX-License-Identifier: Apache-2.0
// An index from 64-bit hashes to record numbers: open addressing over buckets of one cache line, so
// that a look-up, found or not, is one line of memory nearly always. Does not know the records or
// their keys; the caller compares the full key.
//
//   one bucket, 64 bytes
//   | tag 0..9 (16 bit each) | passed (32 bit) | record 0..9 (32 bit each) |
//
// The low half of the hash picks the home bucket, 16 bits of the high half are the tag (the top of
// the high half has already picked the worker, see owner_of). An entry whose home is full lies in
// one of the next buckets, and every bucket it went past counts it in `passed`: a look-up ends at
// the first bucket that nobody went past. Erasing takes the counts back, so the table does not age.
//
// The hash must be keyed where strangers choose the keys. What a keyed hash cannot prevent, many
// entries with one and the same key, is bounded: max_equal entries share a tag on one probe.
#pragma once

#include "dataplane/memory_source.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <emmintrin.h>

namespace linehunt {

class flat_index {
 public:
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr unsigned max_equal = 32;

  flat_index(std::uint32_t capacity, memory_source& memory)
      : buckets_(bucket_count_for(capacity), memory), capacity_(capacity),
        bucket_count_(static_cast<std::uint32_t>(buckets_.size())),
        max_probe_(std::min(bucket_count_, 64u)) {}

  // The record for which `equal(record)` holds, or none.
  template <class Equal>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Equal&& equal) const {
    std::uint32_t at = home_of(hash);
    for (std::uint32_t probe = 0; probe < max_probe_; ++probe) {
      const bucket& b = buckets_[at];
      for (unsigned hits = matches(b, tag_of(hash)); hits != 0; hits &= hits - 1) {
        const std::uint32_t record = b.records[static_cast<unsigned>(std::countr_zero(hits))];
        if (equal(record)) return record;
      }
      if (b.passed == 0) return none;
      at = after(at);
    }
    return none;
  }

  // False: `capacity` entries are in, or too many with this very hash. The same (hash, record) must
  // not be inserted twice.
  [[nodiscard]] bool insert(std::uint64_t hash, std::uint32_t record) noexcept {
    if (size_ == capacity_) return false;
    const std::uint32_t home = home_of(hash);
    const std::uint16_t tag = tag_of(hash);
    std::uint32_t at = home;
    unsigned equal = 0;
    for (std::uint32_t probe = 0; probe < max_probe_; ++probe) {
      bucket& b = buckets_[at];
      equal += static_cast<unsigned>(std::popcount(matches(b, tag)));
      if (equal >= max_equal) return false;
      if (const unsigned free = matches(b, empty); free != 0) {
        const auto slot = static_cast<unsigned>(std::countr_zero(free));
        b.tags[slot] = tag;
        b.records[slot] = record;
        for (std::uint32_t p = home; p != at; p = after(p))
          ++buckets_[p].passed;
        ++size_;
        return true;
      }
      at = after(at);
    }
    return false;
  }

  // Takes out the entry; nothing happens where it is not in.
  void erase(std::uint64_t hash, std::uint32_t record) noexcept {
    const std::uint32_t home = home_of(hash);
    std::uint32_t at = home;
    for (std::uint32_t probe = 0; probe < max_probe_; ++probe) {
      bucket& b = buckets_[at];
      for (unsigned hits = matches(b, tag_of(hash)); hits != 0; hits &= hits - 1) {
        const auto slot = static_cast<unsigned>(std::countr_zero(hits));
        if (b.records[slot] != record) continue;
        b.tags[slot] = empty;
        for (std::uint32_t p = home; p != at; p = after(p))
          --buckets_[p].passed;
        --size_;
        return;
      }
      if (b.passed == 0) return;
      at = after(at);
    }
  }

  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[home_of(hash)]); }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return buckets_.size() * sizeof(bucket); }

 private:
  static constexpr unsigned bucket_slots = 10;
  static constexpr std::uint16_t empty = 0;

  struct alignas(64) bucket {
    std::array<std::uint16_t, bucket_slots> tags{};
    std::uint32_t passed = 0;
    std::array<std::uint32_t, bucket_slots> records{};
  };
  static_assert(sizeof(bucket) == 64);

  // Two thirds full at `capacity`: 9.7 bytes an entry, about 2 % of the entries away from home, and
  // a run of 64 full buckets is beyond chance (Poisson: below 1e-20).
  static std::size_t bucket_count_for(std::uint32_t capacity) noexcept {
    return std::size_t{capacity} * 10 / 66 + 1;
  }

  [[nodiscard]] std::uint32_t home_of(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(((hash & 0xffffffff) * bucket_count_) >> 32);
  }
  [[nodiscard]] static std::uint16_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint16_t>(hash >> 32);
    return tag == empty ? std::uint16_t{1} : tag;
  }
  [[nodiscard]] std::uint32_t after(std::uint32_t at) const noexcept {
    return at + 1 == bucket_count_ ? 0 : at + 1;
  }

  // One bit for each slot whose tag is `tag`: two compares of eight 16-bit lanes, packed to bytes;
  // the lanes after the tenth are `passed` and records, and masked off.
  //   tags 7 3 7 0 0 0 0 0 | 7 0, tag 7:  0b01'00000101
  [[nodiscard]] static unsigned matches(const bucket& b, std::uint16_t tag) noexcept {
    const auto* lanes = reinterpret_cast<const __m128i*>(&b);
    const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
    const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(lanes), wanted);
    const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(lanes + 1), wanted);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
    return mask & ((1u << bucket_slots) - 1);
  }

  record_array<bucket> buckets_;
  std::uint32_t capacity_;
  std::uint32_t bucket_count_;
  std::uint32_t max_probe_;
  std::uint32_t size_ = 0;
};

} // namespace linehunt
