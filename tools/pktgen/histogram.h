// SPDX-License-Identifier: Apache-2.0
// A log-linear histogram of durations: every value up to 2^40 ns with an error below 1/64, in a
// fixed number of buckets, so that adding a value is a shift and an increment. Knows no clock.
//
//   value 0..127            a bucket each
//   value 128..255          64 buckets of 2
//   value 256..511          64 buckets of 4, and so on
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace linehunt::pktgen {

class histogram {
 public:
  static constexpr unsigned sub_bits = 6; // 64 buckets for each power of two
  static constexpr unsigned largest_bits = 40;
  static constexpr std::size_t bucket_count = (largest_bits - sub_bits + 1) << sub_bits;

  void add(std::uint64_t value_ns) noexcept {
    value_ns = std::min(value_ns, (std::uint64_t{1} << largest_bits) - 1);
    ++buckets_[bucket_of(value_ns)];
    ++count_;
    sum_ += value_ns;
    least_ = std::min(least_, value_ns);
    most_ = std::max(most_, value_ns);
  }
  void add(const histogram& other) noexcept {
    for (std::size_t i = 0; i < bucket_count; ++i)
      buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    least_ = std::min(least_, other.least_);
    most_ = std::max(most_, other.most_);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t least_ns() const noexcept { return count_ == 0 ? 0 : least_; }
  [[nodiscard]] std::uint64_t most_ns() const noexcept { return most_; }
  [[nodiscard]] double mean_ns() const noexcept {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }
  // The largest value of the bucket in which the share `q` (0 to 1) of all values is reached, and
  // never more than the largest value there was.
  [[nodiscard]] std::uint64_t quantile_ns(double q) const noexcept {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(count_ - 1)) + 1;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
      seen += buckets_[i];
      if (seen >= wanted) return std::min(last_of(i), most_);
    }
    return most_;
  }

  [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    const unsigned width = static_cast<unsigned>(std::bit_width(value | 1));
    const unsigned shift = width > sub_bits + 1 ? width - (sub_bits + 1) : 0;
    return (std::size_t{shift} << sub_bits) + static_cast<std::size_t>(value >> shift);
  }
  // The largest value that falls into that bucket.
  [[nodiscard]] static constexpr std::uint64_t last_of(std::size_t bucket) noexcept {
    if (bucket < (std::size_t{2} << sub_bits)) return bucket;
    const std::size_t shift = (bucket >> sub_bits) - 1;
    const std::uint64_t value = (std::uint64_t{1} << sub_bits) + (bucket & ((1u << sub_bits) - 1));
    return ((value + 1) << shift) - 1;
  }

 private:
  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0, sum_ = 0;
  std::uint64_t least_ = ~std::uint64_t{0}, most_ = 0;
};

} // namespace linehunt::pktgen
