// SPDX-License-Identifier: Apache-2.0
// See learned_writer.h.
#include "control/state/learned_writer.h"

#include <mutex>
#include <utility>

namespace linehunt {

struct learned_writer::shared {
  std::timed_mutex writing;
  bool ended = false;               // guarded by it
  learned_writer* writer = nullptr; // the loop's alone; null: it is gone
};

learned_writer::learned_writer(boost::asio::io_context& loop, std::string file, learned known,
                               std::function<learned()> gather, blocking_thread::running aside,
                               std::chrono::milliseconds interval)
    : timer_(loop), file_(std::move(file)), gather_(std::move(gather)), aside_(std::move(aside)),
      interval_(interval), shared_(std::make_shared<shared>()), written_(std::move(known)),
      trouble_(file_, "addresses of names, and heartbeats") {
  shared_->writer = this;
}

learned_writer::~learned_writer() {
  shared_->writer = nullptr;
}

void learned_writer::start() {
  timer_.expires_after(interval_);
  timer_.async_wait([this](boost::system::error_code stopped) {
    if (stopped) return;
    write();
    start();
  });
}

void learned_writer::write() {
  if (at_hand_) return;
  learned now = gather_();
  if (now == written_) return;
  at_hand_ = true;
  written_ = now;
  aside_([s = shared_, file = file_, what = std::move(now)]() -> std::function<void()> {
    std::string failure;
    {
      const std::lock_guard lock(s->writing);
      if (!s->ended) failure = keep_learned(file, what);
    }
    return [s, failure = std::move(failure)] {
      if (!s->writer) return;
      s->writer->at_hand_ = false;
      s->writer->note(failure);
    };
  });
}

void learned_writer::note(const std::string& failure) {
  if (!failure.empty()) written_ = {};
  trouble_.note(failure);
}

void learned_writer::finish(std::chrono::milliseconds patience) {
  const std::unique_lock lock(shared_->writing, patience);
  if (!lock) return note("the disk does not answer; look at it");
  shared_->ended = true;
  const learned now = gather_();
  if (now == written_ && !at_hand_) return;
  note(keep_learned(file_, now));
}

} // namespace linehunt
