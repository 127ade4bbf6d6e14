// SPDX-License-Identifier: Apache-2.0
#include "dataplane/block_pool.h"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::block_pool_test {
namespace {

std::string text_of(const block_pool& pool, stored_bytes stored) {
  std::string text(stored.len, '\0');
  EXPECT_EQ(pool.copy_out(stored, text), stored.len);
  return text;
}

TEST(block_pool, keeps_texts_of_every_length) {
  block_pool pool(100, 16, heap_memory()); // 12 bytes of text each
  for (std::size_t len = 0; len <= 100; ++len) {
    std::string text;
    for (std::size_t i = 0; i < len; ++i)
      text.push_back(static_cast<char>('a' + i % 26));
    stored_bytes stored = pool.store(text);
    EXPECT_EQ(text_of(pool, stored), text);
    EXPECT_EQ(pool.free_blocks(), 100 - (len + 11) / 12);
    pool.free(stored);
    EXPECT_TRUE(stored.empty());
    pool.free(stored); // nothing more to give
    EXPECT_EQ(pool.free_blocks(), 100u);
  }
}

TEST(block_pool, exhausted_gives_empty_and_takes_nothing) {
  block_pool pool(2, 16, heap_memory());
  EXPECT_TRUE(pool.store(std::string(25, 'x')).empty());
  EXPECT_EQ(pool.free_blocks(), 2u);
  stored_bytes all = pool.store(std::string(24, 'x'));
  EXPECT_FALSE(all.empty());
  EXPECT_TRUE(pool.store("y").empty());
  pool.free(all);
  EXPECT_FALSE(pool.store("y").empty());
  block_pool none(0, 16, heap_memory());
  EXPECT_TRUE(none.store("y").empty());
}

TEST(block_pool, copy_out_into_too_little_copies_nothing) {
  block_pool pool(4, 16, heap_memory());
  const stored_bytes stored = pool.store("0123456789abcdef");
  std::array<char, 15> out{};
  EXPECT_EQ(pool.copy_out(stored, out), 0u);
  EXPECT_EQ(out[0], '\0');
}

TEST(block_pool, random_texts_do_not_disturb_each_other) {
  std::mt19937 random(4);
  block_pool pool(500, 32, heap_memory());
  std::vector<std::pair<stored_bytes, std::string>> live;
  std::size_t refused = 0;
  for (int step = 0; step < 50'000; ++step) {
    if (random() % 5 < 3) {
      const std::string text(random() % 200, static_cast<char>('!' + random() % 90));
      const bool fits = pool.blocks_for(text.size()) <= pool.free_blocks();
      const stored_bytes stored = pool.store(text);
      ASSERT_EQ(!stored.empty(), fits && !text.empty());
      if (stored.empty())
        ++refused;
      else
        live.emplace_back(stored, text);
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      ASSERT_EQ(text_of(pool, live.back().first), live.back().second);
      pool.free(live.back().first);
      live.pop_back();
    }
  }
  EXPECT_GT(refused, 0u);
  for (auto& [stored, text] : live) {
    EXPECT_EQ(text_of(pool, stored), text);
    pool.free(stored);
  }
  EXPECT_EQ(pool.free_blocks(), 500u);
}

} // namespace
} // namespace linehunt::block_pool_test
