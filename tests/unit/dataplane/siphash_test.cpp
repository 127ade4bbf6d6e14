// SPDX-License-Identifier: Apache-2.0
#include "dataplane/engine.h"
#include "dataplane/siphash.h"

#include <gtest/gtest.h>
#include <string>

using namespace linehunt;

namespace {

// Key and texts of the paper's appendix A and of the reference implementation's vectors: key bytes
// 00..0f, text bytes 00, 01, 02, ... of rising length.
constexpr std::array<std::uint64_t, 2> key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr std::uint64_t vectors[] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0,
};

std::string rising(std::size_t len) {
  std::string text;
  for (std::size_t i = 0; i < len; ++i)
    text.push_back(static_cast<char>(i));
  return text;
}

} // namespace

TEST(siphash, published_vectors) {
  for (std::size_t len = 0; len < std::size(vectors); ++len)
    EXPECT_EQ(siphash24(rising(len), key), vectors[len]) << len;
  EXPECT_EQ(siphash24(rising(15), key), 0xa129ca6149be45e5);
}

TEST(siphash, pieces_give_the_same) {
  const std::string text = rising(40);
  const std::uint64_t whole = siphash24(text, key);
  for (std::size_t a = 0; a <= text.size(); ++a) {
    for (std::size_t b = a; b <= text.size(); ++b) {
      siphash pieces(key);
      pieces.update({text.data(), a}).update({text.data() + a, b - a});
      EXPECT_EQ(pieces.update({text.data() + b, text.size() - b}).finish(), whole);
    }
  }
}

TEST(call_hash, depends_on_the_secret_and_spreads_over_workers) {
  const node_secret one{{1, 2}, {}}, other{{1, 3}, {}};
  EXPECT_NE(call_hash("a@b", one), call_hash("a@b", other));
  EXPECT_EQ(call_hash("a@b", one), siphash24("a@b", {1, 2}));
  std::array<int, 8> calls{};
  for (int i = 0; i < 8000; ++i) {
    const worker_id owner = owner_of(call_hash(std::to_string(i), one), 8);
    ASSERT_LT(owner, 8);
    ++calls[owner];
  }
  for (int n : calls)
    EXPECT_NEAR(n, 1000, 150);
}
