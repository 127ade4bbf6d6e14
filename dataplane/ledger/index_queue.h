// SPDX-License-Identifier: Apache-2.0
// A queue of indices in which each index stands at most once, so that its length has a bound. What
// waits for a ring with room is kept like this: the index is queued, its amount adds up elsewhere,
// and nothing can be lost.
#pragma once

#include <cstdint>
#include <vector>

namespace linehunt::ledger {

class index_queue {
 public:
  explicit index_queue(std::uint32_t size) : ring_(size), queued_(size) {}

  void push(std::uint32_t index) noexcept {
    if (queued_[index] != 0) return;
    queued_[index] = 1;
    ring_[wrapped(first_ + count_)] = index;
    ++count_;
  }
  void pop() noexcept {
    queued_[ring_[first_]] = 0;
    first_ = wrapped(first_ + 1);
    --count_;
  }
  [[nodiscard]] bool contains(std::uint32_t index) const noexcept { return queued_[index] != 0; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] std::uint32_t front() const noexcept { return ring_[first_]; }
  [[nodiscard]] std::uint32_t at(std::uint32_t place) const noexcept {
    return ring_[wrapped(first_ + place)];
  }

 private:
  [[nodiscard]] std::uint32_t wrapped(std::uint32_t place) const noexcept {
    const auto size = static_cast<std::uint32_t>(ring_.size());
    return place >= size ? place - size : place;
  }
  std::vector<std::uint32_t> ring_;
  std::vector<std::uint8_t> queued_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

} // namespace linehunt::ledger
