// SPDX-License-Identifier: Apache-2.0
// The histogram and the texts of fixed width.
#include "tools/pktgen/histogram.h"
#include "tools/pktgen/patched_text.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <vector>

namespace linehunt::pktgen::pktgen_histogram_test {
namespace {

TEST(pktgen_histogram, buckets_join_without_gaps) {
  for (std::size_t b = 0; b + 1 < histogram::bucket_count; ++b) {
    const std::uint64_t last = histogram::last_of(b);
    ASSERT_EQ(histogram::bucket_of(last), b);
    ASSERT_EQ(histogram::bucket_of(last + 1), b + 1);
  }
}

TEST(pktgen_histogram, quantiles_are_those_of_the_sorted_values_within_a_64th) {
  std::mt19937_64 random(1);
  auto h = std::make_unique<histogram>();
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(random() >> (random() % 40 + 24));
    h->add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.0, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto exact = values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
    const auto told = h->quantile_ns(q);
    EXPECT_GE(told, exact) << q;
    EXPECT_LE(told, exact + exact / 64 + 1) << q;
  }
  EXPECT_EQ(h->most_ns(), values.back());
  EXPECT_EQ(h->least_ns(), values.front());
}

TEST(pktgen_histogram, takes_values_beyond_its_range_and_none) {
  histogram h;
  EXPECT_EQ(h.quantile_ns(0.5), 0u);
  h.add(~std::uint64_t{0});
  EXPECT_EQ(h.count(), 1u);
  EXPECT_EQ(h.quantile_ns(0.5), (std::uint64_t{1} << 40) - 1);
}

TEST(pktgen_patched_text, hex_goes_to_and_fro) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random();
    char text[17] = {}, expected[17];
    write_hex(value, text);
    std::snprintf(expected, sizeof expected, "%016llx", static_cast<unsigned long long>(value));
    ASSERT_STREQ(text, expected);
    std::uint64_t back = 0;
    ASSERT_TRUE(read_hex(text, back));
    ASSERT_EQ(back, value);
    text[random() % 16] = "gG/:`@ A"[random() % 8];
    EXPECT_FALSE(read_hex(text, back)) << text;
  }
}

TEST(pktgen_patched_text, digits_are_digits_and_all_of_them_occur) {
  std::mt19937_64 random(5);
  for (unsigned width = 1; width <= 16; ++width) {
    std::string seen;
    for (int i = 0; i < 500; ++i) {
      std::string text(width + 2, '.');
      write_digits(random(), width, text.data() + 1);
      ASSERT_EQ(text.front(), '.');
      ASSERT_EQ(text.back(), '.') << width;
      seen += text.substr(1, width);
    }
    EXPECT_EQ(seen.find_first_not_of("0123456789"), std::string::npos) << width;
    for (const char digit : std::string("0123456789"))
      EXPECT_NE(seen.find(digit), std::string::npos) << width;
  }
}

TEST(pktgen_patched_text, patches_every_field_in_its_place) {
  const patched_text t("<{call_id}|{from_tag}|###|{caller}>");
  const identity who({1, 2}, 3);
  const std::string text = t.text(who);
  ASSERT_EQ(text.size(), t.size());
  char call_id[17] = {}, tag[17] = {};
  write_hex(who.call_id, call_id);
  write_hex(who.from_tag(), tag);
  char digits[4] = {}, caller[11] = {};
  write_digits(who.digits(), 3, digits);
  write_digits(who.digits() >> 32, 10, caller);
  EXPECT_EQ(text, std::string("<") + call_id + "|" + tag + "|" + digits + "|" + caller + ">");
}

} // namespace
} // namespace linehunt::pktgen::pktgen_histogram_test
