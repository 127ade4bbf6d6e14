// SPDX-License-Identifier: Apache-2.0
// SipHash, the keyed hash behind Call-ID sharding, branches and tags (Aumasson and Bernstein,
// "SipHash: a fast short-input PRF", 2012). Strangers choose the texts, so the hash must be one
// whose collisions they cannot find without the key.
//
// 2-4 is the paper's own choice and is used where a value leaves the machine and proves something
// (branches, tags). 1-3 is enough where it only picks a worker, a bucket or a record, as in the
// hash tables of several languages' libraries: nobody sees the value.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace linehunt {

static_assert(std::endian::native == std::endian::little, "words are read as they lie");

template <unsigned CompressRounds, unsigned FinishRounds>
class siphash {
 public:
  explicit siphash(std::array<std::uint64_t, 2> key) noexcept
      : v0_(key[0] ^ 0x736f6d6570736575), v1_(key[1] ^ 0x646f72616e646f6d),
        v2_(key[0] ^ 0x6c7967656e657261), v3_(key[1] ^ 0x7465646279746573) {}

  siphash& word(std::uint64_t w) noexcept {
    v3_ ^= w;
    for (unsigned i = 0; i < CompressRounds; ++i)
      round();
    v0_ ^= w;
    return *this;
  }
  // A text as whole words, the last one filled up with zeros; of an empty text none. Two texts may
  // give the same words: the caller hashes the lengths, too.
  siphash& padded(std::string_view text) noexcept {
    const std::uint64_t tail = words_of(text);
    return text.size() % 8 == 0 ? *this : word(tail);
  }
  // Once; the object is used up.
  [[nodiscard]] std::uint64_t finish() noexcept {
    v2_ ^= 0xff;
    for (unsigned i = 0; i < FinishRounds; ++i)
      round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }
  // The hash of a text as published: what does not fill a word, and the length modulo 256, are the
  // last word.
  [[nodiscard]] static std::uint64_t of(std::string_view text,
                                        std::array<std::uint64_t, 2> key) noexcept {
    siphash s(key);
    const std::uint64_t tail = s.words_of(text);
    return s.word(tail | std::uint64_t{text.size()} << 56).finish();
  }

 private:
  // Hashes the whole words and returns the up to seven bytes behind them, the first one lowest.
  std::uint64_t words_of(std::string_view text) noexcept {
    const char* at = text.data();
    const char* const end = at + text.size();
    for (; end - at >= 8; at += 8)
      word(load<std::uint64_t>(at));
    const auto left = static_cast<std::size_t>(end - at);
    if (left == 0) return 0;
    // Loads that overlap instead of a loop over bytes.
    if (text.size() >= 8) return load<std::uint64_t>(end - 8) >> (64 - 8 * left);
    if (left >= 4) return load<std::uint32_t>(at) | load<std::uint32_t>(end - 4) << (8 * left - 32);
    std::uint64_t tail = byte(at[0]);
    tail |= byte(at[left / 2]) << (8 * (left / 2));
    return tail | byte(end[-1]) << (8 * (left - 1));
  }
  template <class Number>
  [[nodiscard]] static std::uint64_t load(const char* p) noexcept {
    Number n;
    std::memcpy(&n, p, sizeof n);
    return n;
  }
  [[nodiscard]] static std::uint64_t byte(char c) noexcept { return static_cast<unsigned char>(c); }

  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

[[nodiscard]] inline std::uint64_t siphash24(std::string_view text,
                                             std::array<std::uint64_t, 2> key) noexcept {
  return siphash<2, 4>::of(text, key);
}
[[nodiscard]] inline std::uint64_t siphash13(std::string_view text,
                                             std::array<std::uint64_t, 2> key) noexcept {
  return siphash<1, 3>::of(text, key);
}

} // namespace linehunt
