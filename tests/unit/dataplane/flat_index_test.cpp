// SPDX-License-Identifier: Apache-2.0
#include "dataplane/flat_index.h"

#include <gtest/gtest.h>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linehunt::flat_index_test {
namespace {

constexpr auto any = [](std::uint32_t) { return true; };

TEST(flat_index, finds_what_was_inserted_and_only_that) {
  flat_index index(100, heap_memory());
  constexpr std::uint64_t hash = 0x1234567800000007, other = 0x8765432100000007; // one bucket
  EXPECT_EQ(index.find(hash, any), flat_index::none);
  ASSERT_TRUE(index.insert(hash, 40));
  ASSERT_TRUE(index.insert(hash, 41)); // equal hashes are allowed
  EXPECT_EQ(index.find(hash, [](std::uint32_t r) { return r == 41; }), 41u);
  EXPECT_EQ(index.find(hash, [](std::uint32_t r) { return r == 42; }), flat_index::none);
  EXPECT_EQ(index.find(other, any), flat_index::none);
  index.erase(hash, 42); // not in
  index.erase(hash, 40);
  EXPECT_EQ(index.find(hash, any), 41u);
  index.erase(hash, 41);
  EXPECT_EQ(index.find(hash, any), flat_index::none);
  EXPECT_EQ(index.size(), 0u);
}

TEST(flat_index, holds_its_capacity_of_random_hashes) {
  for (std::uint32_t capacity : {0u, 1u, 2u, 7u, 10u, 64u, 1000u, 30'000u, 1'000'000u}) {
    std::mt19937_64 random(capacity + 1);
    std::vector<std::uint64_t> hashes(capacity);
    flat_index index(capacity, heap_memory());
    for (std::uint32_t i = 0; i < capacity; ++i) {
      hashes[i] = random();
      ASSERT_TRUE(index.insert(hashes[i], i)) << i << " of " << capacity;
    }
    EXPECT_FALSE(index.insert(random(), 0)) << "more than its capacity";
    for (std::uint32_t i = 0; i < capacity; ++i)
      ASSERT_EQ(index.find(hashes[i], [&](std::uint32_t r) { return r == i; }), i);
    if (capacity >= 1000) {
      EXPECT_LE(double(index.size_bytes()) / capacity, 10.0);
    }
  }
}

// Only one worker's share of the hashes comes to a table (owner_of): the top of the high half is
// then the same in all of them.
TEST(flat_index, holds_one_workers_share) {
  std::mt19937_64 random(3);
  flat_index index(50'000, heap_memory());
  for (std::uint32_t i = 0; i < 50'000; ++i)
    ASSERT_TRUE(index.insert(random() >> 6 | std::uint64_t{5} << 58, i));
}

TEST(flat_index, against_unordered_multimap) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::mt19937_64 random(seed);
    constexpr std::uint32_t capacity = 2000;
    flat_index index(capacity, heap_memory());
    std::unordered_multimap<std::uint64_t, std::uint32_t> expected;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> entries; // of `expected`, for picking
    std::uint32_t next_record = 0;
    for (int step = 0; step < 200'000; ++step) {
      // A third of the hashes comes from a small set, so that equal ones meet.
      const std::uint64_t hash =
          random() % 3 == 0 ? (random() % 500) * 0x9e3779b97f4a7c15 : random();
      if (random() % 2 == 0) {
        const bool full =
            expected.size() == capacity || expected.count(hash) >= flat_index::max_equal - 1;
        const bool inserted = index.insert(hash, next_record);
        if (!full) {
          ASSERT_TRUE(inserted);
        }
        if (inserted) {
          expected.emplace(hash, next_record);
          entries.emplace_back(hash, next_record);
        }
        ++next_record;
      } else if (!entries.empty()) {
        std::swap(entries[random() % entries.size()], entries.back());
        const std::uint64_t gone_hash = entries.back().first;
        const std::uint32_t gone = entries.back().second;
        entries.pop_back();
        index.erase(gone_hash, gone);
        const auto [from, to] = expected.equal_range(gone_hash);
        for (auto it = from; it != to; ++it) {
          if (it->second != gone) continue;
          expected.erase(it);
          break;
        }
        ASSERT_EQ(index.find(gone_hash, [&](std::uint32_t r) { return r == gone; }),
                  flat_index::none);
      }
      ASSERT_EQ(index.size(), expected.size());
      if (!entries.empty()) {
        const auto& [h, r] = entries[random() % entries.size()];
        ASSERT_EQ(
            index.find(h, [expected_r = r](std::uint32_t record) { return record == expected_r; }),
            r);
      }
    }
    // Emptied, it is as new: nothing is left that would lengthen a look-up.
    for (const auto& [h, r] : entries)
      index.erase(h, r);
    EXPECT_EQ(index.size(), 0u);
    for (int i = 0; i < 1000; ++i)
      EXPECT_EQ(index.find(random(), any), flat_index::none);
  }
}

TEST(flat_index, hostile_equal_hashes_are_bounded) {
  std::mt19937_64 random(9);
  flat_index index(10'000, heap_memory());
  const std::uint64_t hostile = random();
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < 5000; ++i)
    taken += index.insert(hostile, i) ? 1 : 0;
  EXPECT_EQ(taken, flat_index::max_equal);
  std::uint32_t compared = 0;
  EXPECT_EQ(index.find(hostile, [&](std::uint32_t) { return ++compared > 1000; }),
            flat_index::none);
  EXPECT_LE(compared, flat_index::max_equal);
  // The others still find their place.
  for (std::uint32_t i = taken; i < 10'000; ++i)
    ASSERT_TRUE(index.insert(random(), i)) << i;
}

} // namespace
} // namespace linehunt::flat_index_test
