// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4, the keyed hash behind Call-ID sharding, branches and tags (Aumasson and Bernstein,
// "SipHash: a fast short-input PRF", 2012). Strangers choose the texts, so the hash must be one
// whose collisions they cannot find without the key.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace linehunt {

static_assert(std::endian::native == std::endian::little, "words are read as they lie");

// The text may come in pieces: the result is that of the pieces put together.
class siphash {
 public:
  explicit siphash(std::array<std::uint64_t, 2> key) noexcept
      : v0_(key[0] ^ 0x736f6d6570736575), v1_(key[1] ^ 0x646f72616e646f6d),
        v2_(key[0] ^ 0x6c7967656e657261), v3_(key[1] ^ 0x7465646279746573) {}

  siphash& update(std::string_view text) noexcept {
    const char* at = text.data();
    std::size_t left = text.size();
    total_ += left;
    while (pending_bytes_ != 0 && left > 0) {
      add_byte(*at++);
      --left;
    }
    for (; left >= 8; at += 8, left -= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, 8);
      absorb(word);
    }
    for (; left > 0; --left)
      add_byte(*at++);
    return *this;
  }

  // Once; the object is used up.
  [[nodiscard]] std::uint64_t finish() noexcept {
    absorb(pending_ | total_ << 56); // the length modulo 256 is the last byte
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i)
      round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void add_byte(char byte) noexcept {
    pending_ |= std::uint64_t{static_cast<unsigned char>(byte)} << (8 * pending_bytes_);
    if (++pending_bytes_ == 8) {
      absorb(pending_);
      pending_ = 0;
      pending_bytes_ = 0;
    }
  }
  void absorb(std::uint64_t word) noexcept {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
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
  std::uint64_t pending_ = 0; // bytes of an incomplete word, lowest first
  unsigned pending_bytes_ = 0;
  std::uint64_t total_ = 0;
};

[[nodiscard]] inline std::uint64_t siphash24(std::string_view text,
                                             std::array<std::uint64_t, 2> key) noexcept {
  return siphash(key).update(text).finish();
}

} // namespace linehunt
