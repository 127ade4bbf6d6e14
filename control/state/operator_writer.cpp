// SPDX-License-Identifier: Apache-2.0
// See operator_writer.h.
#include "control/state/operator_writer.h"

#include "control/state/operator_file.h"

#include <condition_variable>
#include <mutex>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {

struct operator_writer::shared {
  explicit shared(operator_writer& w) : writer(&w) {}

  std::mutex guards;
  std::condition_variable answered;
  std::deque<std::string> answers; // failures or "", from the thread to the loop
  operator_writer* writer;         // the loop's alone; null: it is gone
};

operator_writer::operator_writer(std::string file, std::optional<changes> known,
                                 running_aside aside)
    : file_(std::move(file)), known_(std::move(known)), aside_(std::move(aside)),
      shared_(std::make_shared<shared>(*this)) {}

operator_writer::~operator_writer() {
  shared_->writer = nullptr;
}

void operator_writer::write(changes now, std::function<void(bool saved)> done) {
  if (file_.empty() || (orders_.empty() && now == known_)) return done(true);
  if (hangs_) return done(false); // whoever asks again when it answers gets it written
  if (orders_.empty()) since_ = now_;
  orders_.push_back({now, std::move(done)});
  aside_([s = shared_, file = file_, now = std::move(now)]() -> std::function<void()> {
    std::string failure = keep_changes(file, now);
    {
      const std::lock_guard lock(s->guards);
      s->answers.push_back(std::move(failure));
    }
    s->answered.notify_all();
    return [s] {
      if (s->writer) s->writer->take_answers();
    };
  });
}

// Who is told may write again at once.
void operator_writer::take_answers() {
  std::deque<std::string> answers;
  {
    const std::lock_guard lock(shared_->guards);
    answers.swap(shared_->answers);
  }
  for (const std::string& failure : answers) {
    order one = std::move(orders_.front());
    orders_.pop_front();
    since_ = now_;
    if (orders_.empty()) hangs_ = false;
    if (failure.empty()) known_ = std::move(one.what);
    note(failure);
    if (one.done) one.done(failure.empty());
  }
}

void operator_writer::note(const std::string& failure) {
  if (failure.empty()) {
    if (std::exchange(unwritten_, false)) spdlog::info("{} is written again", file_);
  } else if (!std::exchange(unwritten_, true)) {
    spdlog::error("{} cannot be written: {}; it is tried again, and until then a restart would "
                  "forget what operators have changed",
                  file_, failure);
  }
}

void operator_writer::look(clock::time_point now) {
  now_ = now;
  if (orders_.empty() || hangs_ || now - since_ < longest_wait) return;
  {
    const std::lock_guard lock(shared_->guards);
    if (!shared_->answers.empty()) return; // on its way here
  }
  hangs_ = true;
  note("the disk does not answer");
  std::vector<std::function<void(bool)>> waiting;
  for (order& one : orders_)
    if (one.done) waiting.push_back(std::exchange(one.done, nullptr));
  for (const auto& done : waiting)
    done(false);
}

void operator_writer::finish(std::chrono::milliseconds patience) {
  for (order& one : orders_)
    one.done = nullptr; // nobody is answered any more
  {
    std::unique_lock lock(shared_->guards);
    shared_->answered.wait_for(lock, patience,
                               [&] { return shared_->answers.size() == orders_.size(); });
  }
  take_answers();
  if (!orders_.empty()) note("the disk does not answer");
}

} // namespace linehunt
