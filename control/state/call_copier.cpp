// SPDX-License-Identifier: Apache-2.0
// See call_copier.h.
#include "control/state/call_copier.h"

#include "control/state/kept_copies.h"

#include <algorithm>
#include <atomic>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What workers hand over at a time.
constexpr std::size_t piece_calls = 2048;
constexpr std::size_t piece_text_bytes = 1 << 20;
// A tenth of the control thread's processor at most, however many calls there are.
constexpr int rest = 10;

} // namespace

// The thread's while it works.
struct call_copier::one_copy {
  one_copy(const std::string& path, const snapshot& world)
      : file(path, world, wall_clock::now()), generation(world.generation) {}

  void make(const decltype(source::copy)& from) {
    dpdk::runtime::call_place at;
    const taking take = [this](const kept_call& call) { return piece.take(call); };
    for (bool more = true; more && !given_up;) {
      piece.clear();
      more = from(at, take);
      for (const kept_call& call : piece.calls())
        file.add(call);
    }
    if (!given_up) (void)file.settle();
  }

  call_file_writer file;
  kept_copies piece{piece_calls, piece_text_bytes};
  const std::uint64_t generation; // of the snapshot that gives the numbers their meaning
  std::atomic<bool> given_up{false};
};

call_copier::call_copier(boost::asio::io_context& loop, unsigned core, std::string file,
                         milliseconds interval, source from)
    : timer_(loop), file_(std::move(file)), interval_(interval), from_(std::move(from)),
      thread_(loop, core) {}

call_copier::~call_copier() {
  if (at_hand_) at_hand_->given_up = true;
}

void call_copier::copy_after(steady_clock::duration wait) {
  timer_.expires_after(wait);
  timer_.async_wait([this](boost::system::error_code stopped) {
    if (!stopped) copy();
  });
}

void call_copier::copy() {
  at_hand_ = std::make_shared<one_copy>(file_, from_.world());
  thread_.run([this, made = at_hand_, from = from_.copy]() -> std::function<void()> {
    const auto began = steady_clock::now();
    made->make(from);
    return [this, made, took = steady_clock::now() - began] { finish(*made, took); };
  });
}

void call_copier::finish(one_copy& made, steady_clock::duration took) {
  // A reload on the way: numbers may mean something else in it.
  const bool current = made.generation == from_.world().generation;
  if (current) note(made.file.finish());
  at_hand_.reset();
  copy_after(current ? std::max<steady_clock::duration>(interval_, rest * took) : interval_);
}

void call_copier::note(const result& how) {
  ++(how ? written_ : failed_);
  const std::string failure = how ? std::string{} : how.error();
  if (failure == failure_) return;
  if (!failure.empty())
    spdlog::error("{} cannot be written: {}; a crash would forget the calls", file_, failure);
  else
    spdlog::info("{} is written again, with {} calls", file_, *how);
  failure_ = failure;
}

std::vector<admin::statistic> call_copier::statistics() const {
  return {{"call_copies", "written", written_}, {"call_copies", "failed", failed_}};
}

} // namespace linehunt
