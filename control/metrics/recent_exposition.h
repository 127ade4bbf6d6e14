// SPDX-License-Identifier: Apache-2.0
// The last exposition, for all who ask soon after its making, and the one at hand, for all who ask
// meanwhile. With 10,000 destinations its text takes a good part of a second, so a thread makes it,
// of figures that are read in the loop. Nobody's text is a copy. Belongs to the control thread.
#pragma once

#include "control/blocking_thread.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::metrics {

class recent_exposition {
 public:
  using clock = std::chrono::steady_clock;
  using text = std::shared_ptr<const std::string>;
  // In the thread, where it may stop when it is given up.
  using making = std::function<std::string(const std::atomic<bool>& given_up)>;
  // So many times what it took, but no longer than that: a short one is always of now, and of the
  // processor that the loop has, too, they take a part.
  static constexpr int shares = 10;
  static constexpr clock::duration longest = std::chrono::seconds(1);

  // `read` is called in the loop, and what it gives must not need the loop.
  recent_exposition(std::function<making()> read, blocking_thread::running aside,
                    std::function<clock::time_point()> now = clock::now)
      : read_(std::move(read)), aside_(std::move(aside)), now_(std::move(now)),
        shared_(std::make_shared<shared>(this)) {}
  // Gives up the one at hand; who waits for it is told nothing.
  ~recent_exposition() {
    shared_->given_up = true;
    shared_->owner = nullptr;
  }
  recent_exposition(const recent_exposition&) = delete;
  recent_exposition& operator=(const recent_exposition&) = delete;

  // Calls `done` once: at once, or when the text is made.
  void get(std::function<void(text)> done) {
    const clock::time_point begun = now_();
    if (last_ && begun < valid_until_) return done(last_);
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;
    aside_([s = shared_, make = read_(), now = now_, begun,
            old = std::exchange(last_, nullptr)]() mutable -> std::function<void()> {
      // What was read goes here as well, and the text of before, of which the kernel takes its time
      // to take the pages back.
      old.reset();
      text made = std::make_shared<const std::string>(std::exchange(make, nullptr)(s->given_up));
      return [s, made = std::move(made), took = now() - begun] {
        if (s->owner) s->owner->take(made, took);
      };
    });
  }

 private:
  struct shared {
    explicit shared(recent_exposition* o) : owner(o) {}
    std::atomic<bool> given_up{false};
    recent_exposition* owner; // the loop's alone; null: it is gone
  };

  void take(const text& made, clock::duration took) {
    last_ = made;
    valid_until_ = now_() + std::min(longest, shares * took);
    for (const auto& done : std::exchange(waiting_, {}))
      done(made);
  }

  std::function<making()> read_;
  blocking_thread::running aside_;
  std::function<clock::time_point()> now_; // also in the thread
  text last_;
  clock::time_point valid_until_;
  std::vector<std::function<void(text)>> waiting_; // for the one at hand
  std::shared_ptr<shared> shared_;                 // with the thread, which may outlive this
};

} // namespace linehunt::metrics
