// SPDX-License-Identifier: Apache-2.0
// See operator_writer.h.
#include "control/state/operator_writer.h"

#include "control/state/operator_file.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace linehunt {

struct operator_writer::shared {
  explicit shared(operator_writer& w) : writer(&w) {}

  std::mutex guards;
  std::condition_variable answered;
  std::optional<std::string> answer; // a failure or "", from the thread to the loop
  operator_writer* writer;           // the loop's alone; null: it is gone
};

operator_writer::operator_writer(std::string file, std::optional<changes> known,
                                 blocking_thread::running aside)
    : file_(std::move(file)), known_(std::move(known)), aside_(std::move(aside)),
      shared_(std::make_shared<shared>(*this)), trouble_(file_, "what operators have changed") {}

operator_writer::~operator_writer() {
  shared_->writer = nullptr;
}

void operator_writer::write(changes now, std::function<void(bool saved)> done) {
  if (file_.empty() || (!at_hand_ && now == known_)) return done(true);
  if (!at_hand_) return begin({std::move(now), {std::move(done)}});
  // Behind what is at hand the newest alone is of interest.
  if (!next_) next_.emplace();
  next_->what = std::move(now);
  if (hangs_) return done(false);
  next_->waiting.push_back(std::move(done));
}

void operator_writer::begin(order what) {
  since_.reset();
  at_hand_ = std::move(what);
  aside_([s = shared_, file = file_, may = may_, now = at_hand_->what]() -> std::function<void()> {
    std::string failure = may();
    if (failure.empty()) failure = keep_changes(file, now);
    {
      const std::lock_guard lock(s->guards);
      s->answer = std::move(failure);
    }
    s->answered.notify_all();
    return [s] {
      if (s->writer) s->writer->take_answer();
    };
  });
}

// Who is told may write again at once.
void operator_writer::take_answer() {
  std::optional<std::string> failure;
  {
    const std::lock_guard lock(shared_->guards);
    failure.swap(shared_->answer);
  }
  if (!failure || !at_hand_) return;
  const order one = *std::exchange(at_hand_, std::nullopt);
  hangs_ = false;
  // After a failure it may be there all the same, and gone again after a power cut.
  known_ = failure->empty() ? std::optional(one.what) : std::nullopt;
  if (next_)
    begin(*std::exchange(next_, std::nullopt));
  else
    trouble_.note(*failure);
  for (const auto& done : one.waiting)
    done(failure->empty());
}

void operator_writer::look(clock::time_point now) {
  if (!at_hand_ || hangs_) return;
  if (!since_) since_ = now; // the loop may have been busy before it looks for the first time
  if (now - *since_ < longest_wait) return;
  {
    const std::lock_guard lock(shared_->guards);
    if (shared_->answer) return; // on its way here
  }
  hangs_ = true;
  trouble_.note("the disk does not answer; look at it");
  auto waiting = std::exchange(at_hand_->waiting, {});
  if (next_)
    for (auto& done : std::exchange(next_->waiting, {}))
      waiting.push_back(std::move(done));
  for (const auto& done : waiting)
    done(false);
}

void operator_writer::finish(std::chrono::milliseconds patience) {
  const auto until = clock::now() + patience;
  while (at_hand_) {
    at_hand_->waiting.clear(); // nobody is answered any more
    {
      std::unique_lock lock(shared_->guards);
      if (!shared_->answered.wait_until(lock, until, [&] { return shared_->answer.has_value(); }))
        break;
    }
    if (next_) next_->waiting.clear();
    take_answer();
  }
  if (at_hand_) trouble_.note("the disk does not answer; look at it");
}

} // namespace linehunt
