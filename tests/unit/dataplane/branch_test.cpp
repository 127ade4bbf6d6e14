// SPDX-License-Identifier: Apache-2.0
// Numbers as sixteen digits, which branches, tags and route parameters are made of.
#include "dataplane/engine/branch.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace linehunt::calls::branch_test {
namespace {

std::string written(std::uint64_t value) {
  std::string text(16, '?');
  write_hex(value, text.data());
  return text;
}

TEST(hex, writes_as_printf_does_and_reads_back) {
  std::mt19937_64 random{7};
  for (int i = 0; i < 10'000; ++i) {
    // Numbers of every length.
    const std::uint64_t value = i == 0 ? 0 : random() >> (random() % 64);
    std::array<char, 17> expected;
    std::snprintf(expected.data(), expected.size(), "%016llx",
                  static_cast<unsigned long long>(value));
    ASSERT_EQ(written(value), expected.data());
    ASSERT_EQ(read_hex(expected.data()), value);
  }
}

TEST(hex, every_byte_in_every_place_is_a_digit_or_refused) {
  for (std::size_t place = 0; place < 16; ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = "0123456789abcdef";
      text[place] = static_cast<char>(byte);
      const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
      const auto value = read_hex(text);
      ASSERT_EQ(value.has_value(), digit) << place << " " << byte;
      if (digit) {
        ASSERT_EQ(written(*value), text);
      }
    }
  }
}

TEST(hex, has_sixteen_digits) {
  EXPECT_FALSE(read_hex(""));
  EXPECT_FALSE(read_hex("0123456789abcde"));
  EXPECT_FALSE(read_hex("0123456789abcdef0"));
}

} // namespace
} // namespace linehunt::calls::branch_test
