// SPDX-License-Identifier: Apache-2.0
// Timing of something short against something else: samples of many runs, the contenders by turns,
// so that a machine which is busy or changes its clock does so to all of them. The median over the
// samples counts. A sample is much shorter than a time slice, so that another process spoils
// samples and not the median.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
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

[[nodiscard]] inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

// Keeps the compiler from leaving out work whose result nobody looks at.
template <class Value>
inline void keep(const Value& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

// Does its work as often as it is told; the loop is inside, so that the call costs next to nothing.
struct contender {
  std::function<void()> prepare;
  std::function<void(std::uint64_t times)> run;
};

inline std::vector<timing> measure(const std::vector<contender>& contenders, bool quick) {
  using clock = std::chrono::steady_clock;
  constexpr double sample_ns = 30'000;
  const std::size_t sample_count = quick ? 61 : 401;
  const auto elapsed_ns = [](const contender& c, std::uint64_t times) {
    const auto begin = clock::now();
    c.run(times);
    return std::chrono::duration<double, std::nano>(clock::now() - begin).count();
  };

  std::vector<std::uint64_t> times(contenders.size(), 1);
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    contenders[i].prepare();
    while (elapsed_ns(contenders[i], times[i]) < sample_ns)
      times[i] *= 2;
  }
  std::vector<std::vector<double>> ns(contenders.size()), cycles(contenders.size());
  for (std::size_t sample = 0; sample < sample_count; ++sample)
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      contenders[i].prepare();
      contenders[i].run(1 + times[i] / 8); // has its code and tables in the cache
      const auto tsc = __rdtsc();
      const auto n = static_cast<double>(times[i]);
      ns[i].push_back(elapsed_ns(contenders[i], times[i]) / n);
      cycles[i].push_back(static_cast<double>(__rdtsc() - tsc) / n);
    }

  std::vector<timing> timings;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    std::sort(ns[i].begin(), ns[i].end());
    std::sort(cycles[i].begin(), cycles[i].end());
    timings.push_back({ns[i][sample_count / 2], ns[i].front(), ns[i][sample_count / 10],
                       ns[i][sample_count - 1 - sample_count / 10], cycles[i][sample_count / 2]});
  }
  return timings;
}

} // namespace linehunt::bench
