// SPDX-License-Identifier: Apache-2.0
// See capture_writer.h.
#include "control/capture/capture_writer.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <utility>

namespace linehunt {

constexpr std::size_t piece_bytes = 1 << 20; // about so much at once

struct capture_writer::shared {
  explicit shared(capture_writer& w) : writer(&w) {}

  mutable std::mutex guards;
  std::condition_variable answered;
  bool at_work = false;             // the loop sets it, the thread takes it back
  bool given_up = false;            // the loop sets it
  progress done;                    // the thread writes it, unless it was given up
  std::optional<capture_file> file; // the thread's alone
  capture_writer* writer;           // the loop's alone; null: it is gone

  [[nodiscard]] bool wanted() const {
    const std::lock_guard lock(guards);
    return !given_up;
  }
  void fail(std::string why) {
    file.reset();
    const std::lock_guard lock(guards);
    if (!given_up) done.error = std::move(why);
  }
  void make(const place& where, const piece& beginning) {
    auto made = capture_file::create(where.folder, where.name, where.overwrite, where.max_bytes);
    if (!made) {
      const std::lock_guard lock(guards);
      if (given_up) return;
      done.exists = made.error().exists;
      done.error = std::move(made.error().message);
      return;
    }
    if (const auto written = made->write(beginning.blocks); !written) return fail(written.error());
    if (!wanted()) return; // and the file goes
    if (const auto placed = made->put_in_place(); !placed) return fail(placed.error());
    file.emplace(std::move(*made));
    note(beginning);
    if (!file) return; // given up meanwhile: it is gone, and an older one there again
    file->keep();
    if (!wanted()) file.reset();
  }
  void write(const piece& one) {
    if (const auto written = file->write(one.blocks); !written) return fail(written.error());
    note(one);
  }
  // What was given up meanwhile has been told without this piece.
  void note(const piece& one) {
    std::unique_lock lock(guards);
    if (!given_up) {
      done.made = true;
      done.bytes += one.blocks.size();
      done.packets += one.packets;
      return;
    }
    const std::uint64_t told = done.bytes;
    lock.unlock();
    if (told != 0) file->cut_to(told);
    file.reset();
  }
};

capture_writer::capture_writer(blocking_thread::running aside, place where, std::string beginning,
                               std::function<void()> changed, clock::time_point now)
    : aside_(std::move(aside)), where_(std::move(where)), changed_(std::move(changed)),
      shared_(std::make_shared<shared>(*this)), waiting_bytes_(beginning.size()) {
  waiting_.push_back({std::move(beginning), 0});
  hand_over(now);
}

capture_writer::~capture_writer() {
  shared_->writer = nullptr;
  if (!closed_) abandon();
}

std::string* capture_writer::room_for(std::size_t block_bytes) {
  if (closed_ || waiting_bytes_ + block_bytes > most_waiting_bytes) return nullptr;
  if (waiting_.empty() || waiting_.back().blocks.size() >= piece_bytes) waiting_.emplace_back();
  waiting_bytes_ += block_bytes;
  ++waiting_.back().packets;
  return &waiting_.back().blocks;
}

void capture_writer::finish(const std::string& blocks, clock::time_point now) {
  if (closed_) return;
  waiting_.push_back({blocks, 0});
  waiting_bytes_ += blocks.size();
  finishing_since_ = now;
}

void capture_writer::run(work what) {
  {
    const std::lock_guard lock(shared_->guards);
    shared_->at_work = true;
  }
  at_hand_ = true;
  aside_([s = shared_, what = std::move(what)]() -> std::function<void()> {
    what(*s);
    {
      const std::lock_guard lock(s->guards);
      s->at_work = false;
    }
    s->answered.notify_all();
    return [s] {
      if (s->writer) s->writer->on_answer();
    };
  });
}

// `now`: empty where it is not known.
void capture_writer::hand_over(std::optional<clock::time_point> now) {
  if (at_hand_ || closed_) return;
  at_hand_since_ = now;
  if (waiting_.empty()) {
    if (!finishing_since_) return;
    closing_ = true;
    return run([](shared& s) { s.file.reset(); }); // some disks keep who closes a file waiting, too
  }
  piece next = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_at_hand_ = next.blocks.size();
  if (done_.made)
    run([next = std::move(next)](shared& s) { s.write(next); });
  else
    run([where = where_, next = std::move(next)](shared& s) { s.make(where, next); });
}

// Also for an answer that `wait` has seen before.
void capture_writer::on_answer() {
  if (!at_hand_ || closed_ || hangs()) return;
  {
    const std::lock_guard lock(shared_->guards);
    done_ = shared_->done;
  }
  at_hand_ = false;
  waiting_bytes_ -= std::exchange(bytes_at_hand_, 0);
  if (closing_ || !done_.error.empty()) {
    closed_ = true;
    waiting_.clear();
  }
  hand_over();
  tell();
}

// Who is told may be done with this object.
void capture_writer::tell() {
  const auto changed = changed_;
  changed();
}

void capture_writer::look(clock::time_point now) {
  if (closed_) return;
  if (!at_hand_) return hand_over(now);
  // What the loop was away for before it looked is not the disk's.
  if (!at_hand_since_) {
    at_hand_since_ = now;
    return;
  }
  const auto since = std::min(*at_hand_since_, finishing_since_.value_or(now));
  if (now - since > longest_wait && hangs()) give_up();
}

void capture_writer::wait(std::chrono::milliseconds patience) {
  const auto deadline = clock::now() + patience;
  while (!closed_) {
    hand_over();
    bool answered = false;
    {
      std::unique_lock lock(shared_->guards);
      answered = shared_->answered.wait_until(lock, deadline, [&] { return !shared_->at_work; });
    }
    answered ? on_answer() : give_up();
  }
}

bool capture_writer::hangs() const {
  const std::lock_guard lock(shared_->guards);
  return shared_->at_work;
}

void capture_writer::give_up() {
  abandon();
  if (done_.made)
    done_.error = fmt::format("{}: the disk is too slow; the file ends there, look at the disk, or "
                              "name another one with capture_dir of [admin]",
                              path());
  else
    done_.error = fmt::format("{}: the disk does not answer; look at it, or name another one with "
                              "capture_dir of [admin]",
                              path());
  tell();
}

// The thread closes the file, now or when the disk lets go of it.
void capture_writer::abandon() {
  bool idle = false;
  {
    const std::lock_guard lock(shared_->guards);
    shared_->given_up = true;
    done_ = shared_->done;
    idle = !shared_->at_work;
  }
  closed_ = true;
  waiting_.clear();
  if (!idle) return;
  aside_([s = shared_]() -> std::function<void()> {
    s->file.reset();
    return [] {};
  });
}

} // namespace linehunt
