// SPDX-License-Identifier: Apache-2.0
// How many calls found no destination with room for them, by group and resources. One of these for
// each worker, who alone writes; others may read at any time. What rules ask for is few
// combinations; calls of those beyond the table are counted together.
#pragma once

#include "dataplane/snapshot.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

namespace linehunt {

class capacity_refusals {
 public:
  static constexpr std::size_t most = 32;

  struct combination {
    std::uint32_t group = 0;
    std::array<resource_id, max_resources_per_call> resources{}; // rising
    std::uint8_t resource_count = 0;
    bool operator==(const combination&) const = default;
  };

  // At most max_resources_per_call resources, in any order.
  void add(std::uint32_t group, std::span<const resource_id> resources) noexcept {
    combination wanted;
    wanted.group = group;
    wanted.resource_count = static_cast<std::uint8_t>(resources.size());
    std::copy(resources.begin(), resources.end(), wanted.resources.begin());
    std::sort(wanted.resources.begin(), wanted.resources.begin() + wanted.resource_count);
    const std::uint32_t count = count_.load(std::memory_order_relaxed);
    std::uint32_t at = 0;
    while (at < count && !(rows_[at].what == wanted))
      ++at;
    if (at == most) return bump(others_);
    if (at == count) {
      rows_[at].what = wanted;
      count_.store(count + 1, std::memory_order_release); // readers see the row whole
    }
    bump(rows_[at].calls);
  }

  // each(combination, calls) for all in the table, since the start.
  template <class Each>
  void visit(Each&& each) const {
    const std::uint32_t count = count_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < count; ++i)
      each(rows_[i].what, rows_[i].calls.load(std::memory_order_relaxed));
  }
  // Of combinations beyond the table.
  [[nodiscard]] std::uint64_t others() const noexcept {
    return others_.load(std::memory_order_relaxed);
  }
  // All of them.
  [[nodiscard]] std::uint64_t total() const noexcept {
    std::uint64_t sum = others();
    visit([&](const combination&, std::uint64_t calls) { sum += calls; });
    return sum;
  }

 private:
  static void bump(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  struct row {
    combination what;
    std::atomic<std::uint64_t> calls{0};
  };
  std::array<row, most> rows_;
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint64_t> others_{0};
};

} // namespace linehunt
