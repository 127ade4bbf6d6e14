// SPDX-License-Identifier: Apache-2.0
// See turns.h.
#include "control/admin/turns.h"

#include <deque>
#include <utility>

namespace linehunt::admin {

struct turns::state : std::enable_shared_from_this<state> {
  state(std::function<void(work)> p, std::chrono::nanoseconds s) : post(std::move(p)), slice(s) {}

  [[nodiscard]] bool is_over() const { return spent >= slice; }
  [[nodiscard]] bool anybody_waits() const { return !fresh.empty() || !begun.empty(); }

  void look_again() {
    if (std::exchange(posted, true)) return;
    post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->next_slice();
    });
  }

  void next_slice() {
    posted = false;
    spent = {};
    resuming = true;
    bool begun_now = std::exchange(begun_first, !begun_first);
    while (anybody_waits() && !is_over()) {
      begun_now = fresh.empty() || (begun_now && !begun.empty());
      std::deque<work>& from = begun_now ? begun : fresh;
      begun_now = false;
      const work first = std::move(from.front());
      from.pop_front();
      first();
    }
    resuming = false;
    if (anybody_waits()) look_again();
  }

  std::function<void(work)> post;
  std::chrono::nanoseconds slice, spent{};
  std::deque<work> fresh, begun; // who waits for the first turn, and for one more
  std::deque<work> long_ones;    // who waits for the end of the one at hand
  bool long_at_hand = false;
  bool posted = false, resuming = false;
  bool begun_first = false; // in the next slice; alternates
};

turns::turns(std::function<void(work)> post, std::chrono::nanoseconds slice)
    : state_(std::make_shared<state>(std::move(post), slice)) {}

bool turns::take(bool has_begun, const work& resume) {
  if (!state_->is_over() && (state_->resuming || !state_->anybody_waits())) return true;
  (has_begun ? state_->begun : state_->fresh).push_back(resume);
  state_->look_again();
  return false;
}

void turns::spent(std::chrono::nanoseconds time) {
  state_->spent += time;
  state_->look_again();
}

bool turns::begin_long(const work& resume) {
  if (!std::exchange(state_->long_at_hand, true)) return true;
  state_->long_ones.push_back(resume);
  return false;
}

void turns::end_long() {
  state_->long_at_hand = !state_->long_ones.empty();
  if (!state_->long_at_hand) return;
  state_->begun.push_back(std::move(state_->long_ones.front()));
  state_->long_ones.pop_front();
  state_->look_again();
}

} // namespace linehunt::admin
