// SPDX-License-Identifier: Apache-2.0
#include "dataplane/engine.h"
#include "dataplane/siphash.h"

#include <bit>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace linehunt::siphash_test {
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

TEST(siphash, published_vectors) {
  for (std::size_t len = 0; len < std::size(vectors); ++len)
    EXPECT_EQ(siphash24(rising(len), key), vectors[len]) << len;
  EXPECT_EQ(siphash24(rising(15), key), 0xa129ca6149be45e5);
}

// As the paper writes it down, a byte at a time.
std::uint64_t by_the_paper(std::string_view text, unsigned compress, unsigned finish) {
  std::uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                        key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
  const auto rounds = [&v](unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      v[0] += v[1], v[2] += v[3];
      v[1] = std::rotl(v[1], 13) ^ v[0], v[3] = std::rotl(v[3], 16) ^ v[2];
      v[0] = std::rotl(v[0], 32);
      v[2] += v[1], v[0] += v[3];
      v[1] = std::rotl(v[1], 17) ^ v[2], v[3] = std::rotl(v[3], 21) ^ v[0];
      v[2] = std::rotl(v[2], 32);
    }
  };
  std::string padded{text};
  padded.resize(text.size() / 8 * 8 + 8);
  padded.back() = static_cast<char>(text.size());
  for (std::size_t i = 0; i < padded.size(); i += 8) {
    std::uint64_t word = 0;
    for (std::size_t j = 8; j-- > 0;)
      word = word << 8 | static_cast<unsigned char>(padded[i + j]);
    v[3] ^= word;
    rounds(compress);
    v[0] ^= word;
  }
  v[2] ^= 0xff;
  rounds(finish);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

TEST(siphash, every_length_is_read_as_the_paper_does) {
  for (std::size_t len = 0; len < 100; ++len) {
    EXPECT_EQ(siphash24(rising(len), key), by_the_paper(rising(len), 2, 4)) << len;
    EXPECT_EQ(siphash13(rising(len), key), by_the_paper(rising(len), 1, 3)) << len;
  }
}

TEST(siphash, a_padded_text_is_whole_words) {
  for (std::size_t len = 0; len < 40; ++len) {
    std::string filled = rising(len);
    filled.resize((len + 7) / 8 * 8);
    EXPECT_EQ((siphash<1, 3>(key).padded(rising(len)).word(7).finish()),
              (siphash<1, 3>(key).padded(filled).word(7).finish()))
        << len;
  }
}

TEST(call_hash, depends_on_the_secret_and_spreads_over_workers) {
  const node_secret one{{1, 2}, {}}, other{{1, 3}, {}};
  EXPECT_NE(call_hash("a@b", one), call_hash("a@b", other));
  EXPECT_EQ(call_hash("a@b", one), siphash13("a@b", {1, 2}));
  std::array<int, 8> calls{};
  for (int i = 0; i < 8000; ++i) {
    const worker_id owner = owner_of(call_hash(std::to_string(i), one), 8);
    ASSERT_LT(owner, 8);
    ++calls[owner];
  }
  for (int n : calls)
    EXPECT_NEAR(n, 1000, 150);
}

} // namespace
} // namespace linehunt::siphash_test
