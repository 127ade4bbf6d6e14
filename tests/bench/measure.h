// SPDX-License-Identifier: Apache-2.0
// Timing of something short: many runs to a sample, the median over the samples and how far they
// lie apart. A sample is much shorter than a time slice, so that another process on the machine
// spoils samples and not the median.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>
#include <x86intrin.h>

namespace linehunt::bench {

struct timing {
  double median_ns = 0; // for one run
  double least_ns = 0;
  double p10_ns = 0;     // a tenth of the samples are below
  double p90_ns = 0;     // a tenth of the samples are above
  double tsc_cycles = 0; // median; of the time stamp counter, which runs at its own constant rate
  [[nodiscard]] double spread() const { return (p90_ns - p10_ns) / median_ns; }
};

// Keeps the compiler from leaving out work whose result nobody looks at.
template <class Value>
inline void keep(const Value& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

template <class Work>
timing measure(Work&& work, bool quick) {
  using clock = std::chrono::steady_clock;
  const auto sample_ns = quick ? 50'000.0 : 100'000.0;
  const std::size_t sample_count = quick ? 101 : 1001;
  const auto run = [&](std::uint64_t times, double& ns, double& cycles) {
    const auto begin = clock::now();
    const auto tsc_begin = __rdtsc();
    for (std::uint64_t i = 0; i < times; ++i)
      work();
    const auto tsc_end = __rdtsc();
    ns = std::chrono::duration<double, std::nano>(clock::now() - begin).count();
    cycles = static_cast<double>(tsc_end - tsc_begin);
  };

  double ns = 0;
  double cycles = 0;
  std::uint64_t times = 16;
  for (; ns < sample_ns; times *= 2) // warms up as well
    run(times, ns, cycles);
  const double n = static_cast<double>(times /= 2);

  std::vector<double> ns_of, cycles_of;
  for (std::size_t i = 0; i < sample_count; ++i) {
    run(times, ns, cycles);
    ns_of.push_back(ns / n);
    cycles_of.push_back(cycles / n);
  }
  std::sort(ns_of.begin(), ns_of.end());
  std::sort(cycles_of.begin(), cycles_of.end());
  return {ns_of[sample_count / 2], ns_of.front(), ns_of[sample_count / 10],
          ns_of[sample_count - 1 - sample_count / 10], cycles_of[sample_count / 2]};
}

} // namespace linehunt::bench
