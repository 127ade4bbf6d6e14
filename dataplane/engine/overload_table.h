// SPDX-License-Identifier: Apache-2.0
// What destinations that are overloaded have asked for (RFC 7339), as this worker has seen or heard
// it: the share of new calls to pass them over with, and until when. Knows no messages.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/memory_source.h"
#include "dataplane/snapshot.h"

#include <cstdint>

namespace linehunt::calls {

struct overload_order {
  std::uint8_t per_cent = 0;     // 0: stop shedding
  std::uint32_t validity_ms = 0; // 0: stop
  bool has_seq = false;
  std::uint64_t seq = 0;
};

class overload_table {
 public:
  // RFC 7339 4.3: what counts where no validity is said.
  static constexpr std::uint32_t default_validity_ms = 500;
  // Whatever a destination says: it can say it again.
  static constexpr std::uint32_t longest_validity_ms = 300'000;

  overload_table(std::uint32_t max_destinations, memory_source& memory)
      : entries_(max_destinations, memory) {}

  // False: an older one than what is known (RFC 7339 4.4), nothing has changed.
  bool take(destination_index d, const overload_order& order, time_us now) noexcept {
    if (d >= entries_.size()) return false;
    entry& e = entries_[d];
    if (order.has_seq && e.has_seq && now < e.forget_seq_at && order.seq < e.seq) return false;
    const std::uint32_t validity_ms =
        order.validity_ms < longest_validity_ms ? order.validity_ms : longest_validity_ms;
    e.per_cent = validity_ms > 0 ? order.per_cent : std::uint8_t{0};
    e.until = now + validity_ms * 1000ull;
    if (order.has_seq) {
      e.has_seq = true;
      e.seq = order.seq;
      // A destination that starts again may begin to count anew.
      e.forget_seq_at = e.until + 5'000'000;
    }
    return true;
  }
  // Another destination has the number from now on.
  void clear(destination_index d) noexcept {
    if (d < entries_.size()) entries_[d] = {};
  }
  // The share of new calls that `d` does not want now, in per cent.
  [[nodiscard]] std::uint8_t share(destination_index d, time_us now) const noexcept {
    return d < entries_.size() && now < entries_[d].until ? entries_[d].per_cent : std::uint8_t{0};
  }
  // Whether the other workers should hear of what has just been taken; true at most twice within a
  // validity unless the share changes.
  [[nodiscard]] bool is_news(destination_index d, time_us now) noexcept {
    entry& e = entries_[d];
    if (e.told_per_cent == e.per_cent && (e.per_cent == 0 || now < e.told_again_at)) return false;
    e.told_per_cent = e.per_cent;
    e.told_again_at = now + (e.until - now) / 2;
    return true;
  }

 private:
  struct entry {
    time_us until = 0;
    std::uint64_t seq = 0;
    time_us forget_seq_at = 0;
    time_us told_again_at = 0;
    std::uint8_t per_cent = 0;
    std::uint8_t told_per_cent = 0;
    bool has_seq = false;
  };
  record_array<entry> entries_; // by destination_index
};

} // namespace linehunt::calls
