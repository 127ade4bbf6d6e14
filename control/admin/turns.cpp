// SPDX-License-Identifier: Apache-2.0
// See turns.h.
#include "control/admin/turns.h"

#include <deque>
#include <utility>

namespace linehunt::admin {

struct turns::state : std::enable_shared_from_this<state> {
  state(std::function<void(work)> p, std::chrono::nanoseconds s) : post(std::move(p)), slice(s) {}

  [[nodiscard]] bool is_over() const { return spent >= slice; }

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
    while (!waiting.empty() && !is_over()) {
      const work first = std::move(waiting.front());
      waiting.pop_front();
      first();
    }
    resuming = false;
    if (!waiting.empty()) look_again();
  }

  std::function<void(work)> post;
  std::chrono::nanoseconds slice, spent{};
  std::deque<work> waiting;
  bool posted = false, resuming = false;
};

turns::turns(std::function<void(work)> post, std::chrono::nanoseconds slice)
    : state_(std::make_shared<state>(std::move(post), slice)) {}

bool turns::take(const work& resume) {
  // Whoever is new does not overtake those who wait.
  if (!state_->is_over() && (state_->resuming || state_->waiting.empty())) return true;
  state_->waiting.push_back(resume);
  state_->look_again();
  return false;
}

void turns::spent(std::chrono::nanoseconds time) {
  state_->spent += time;
  state_->look_again();
}

} // namespace linehunt::admin
