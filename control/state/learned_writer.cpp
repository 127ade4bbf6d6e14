// SPDX-License-Identifier: Apache-2.0
// See learned_writer.h.
#include "control/state/learned_writer.h"

#include <future>
#include <utility>

namespace linehunt {

struct learned_writer::shared {
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
  aside_([s = shared_, file = file_, may = may_, what = std::move(now)]() -> std::function<void()> {
    std::string failure = may();
    if (failure.empty()) failure = keep_learned(file, what);
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

// Behind what the thread has at hand.
void learned_writer::finish(std::chrono::milliseconds patience) {
  learned now = gather_();
  if (now == written_ && !at_hand_) return;
  const auto written = std::make_shared<std::promise<std::string>>();
  std::future<std::string> failure = written->get_future();
  aside_([written, file = file_, may = may_, what = std::move(now)]() -> std::function<void()> {
    std::string why = may();
    written->set_value(why.empty() ? keep_learned(file, what) : why);
    return [] {};
  });
  note(failure.wait_for(patience) == std::future_status::ready
           ? failure.get()
           : "the disk does not answer; look at it");
}

} // namespace linehunt
