// SPDX-License-Identifier: Apache-2.0
// Which slots changed since the other workers last heard of them. What is sent is the load at the
// time of sending, so any number of changes costs one mail.
#pragma once

#include "dataplane/ledger/index_queue.h"
#include "dataplane/load_ledger.h"

#include <algorithm>
#include <vector>

namespace linehunt::ledger {

class reconciliation {
 public:
  explicit reconciliation(const ledger_limits& limits)
      : self_(limits.self), changed_(limits.workers > 1 ? limits.max_slots : 0),
        news_(limits.workers, index_queue(limits.workers > 1 ? limits.max_slots : 0)) {}

  void changed(slot_index s) noexcept {
    if (news_.size() > 1) changed_.push(s);
  }
  // Once before a flush.
  void spread() noexcept {
    for (; !changed_.empty(); changed_.pop())
      for (worker_id w = 0; w < news_.size(); ++w)
        if (w != self_) news_[w].push(changed_.front());
  }
  [[nodiscard]] bool any_for(worker_id to) const noexcept { return !news_[to].empty(); }
  [[nodiscard]] bool any_of(slot_index s) const noexcept {
    return news_.size() > 1 &&
           (changed_.contains(s) ||
            std::ranges::any_of(news_, [s](const index_queue& to) { return to.contains(s); }));
  }
  [[nodiscard]] slot_index front(worker_id to) const noexcept { return news_[to].front(); }
  void sent(worker_id to) noexcept { news_[to].pop(); }
  void append_state(std::vector<std::uint64_t>& out) const;

 private:
  worker_id self_;
  index_queue changed_;
  std::vector<index_queue> news_; // by worker: slots to tell it of
};

} // namespace linehunt::ledger
