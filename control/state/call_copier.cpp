// SPDX-License-Identifier: Apache-2.0
// See call_copier.h.
#include "control/state/call_copier.h"

#include "control/state/kept_copies.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <spdlog/spdlog.h>
#include <unistd.h>
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

// The thread's while it works; the disk may keep it waiting.
struct call_copier::one_copy {
  one_copy(std::string at, state_permission first, const snapshot& world)
      : path(std::move(at)), may(std::move(first)), names(world) {}

  void make(const decltype(source::copy)& from) {
    refused = may();
    if (!refused.empty()) return;
    file.emplace(path, names, moment::now());
    dpdk::runtime::call_place at;
    const taking take = [this](const kept_call& call) { return piece.take(call); };
    for (bool more = true; more && !given_up;) {
      piece.clear();
      more = from(at, take);
      for (const kept_call& call : piece.calls())
        file->add(call);
    }
    // For a crash of this process, not of the machine: nobody waits for the disk.
    if (!given_up) file->hand_over();
  }
  result finish() { return refused.empty() ? file->finish() : tl::unexpected(refused); }

  const std::string path;
  const state_permission may;
  const call_names names; // which give the calls' numbers their meaning
  std::optional<call_file_writer> file;
  std::string refused; // why nothing may be written
  kept_copies piece{piece_calls, piece_text_bytes};
  std::atomic<bool> given_up{false};
};

call_copier::call_copier(boost::asio::io_context& loop, unsigned core, std::string file,
                         milliseconds interval, milliseconds valid, source from)
    : timer_(loop), file_(std::move(file)), interval_(interval), valid_(valid),
      from_(std::move(from)), thread_(loop, core) {}

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
  at_hand_ = std::make_shared<one_copy>(file_, may_, from_.world());
  thread_.run([this, made = at_hand_, from = from_.copy]() -> std::function<void()> {
    const auto began = steady_clock::now();
    made->make(from);
    return [this, took = steady_clock::now() - began] { decide(took); };
  });
}

// It is put in place where a reload on the way has not given numbers another meaning.
void call_copier::decide(steady_clock::duration took) {
  const bool current = at_hand_->names == call_names(from_.world());
  thread_.run([this, current, took, outdated = outdated_,
               made = std::exchange(at_hand_, nullptr)]() mutable {
    std::optional<result> how;
    if (current) how = made->finish();
    if (how && *how && !outdated.empty()) (void)::unlink(outdated.c_str());
    made.reset();
    return std::function<void()>([this, took, how = std::move(how)] {
      how ? note(*how) : static_cast<void>(++superseded_);
      const auto most = std::max<steady_clock::duration>(interval_, valid_ / 3);
      copy_after(std::clamp<steady_clock::duration>(rest * took, interval_, most));
    });
  });
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
  return {{"call_copies", "written", written_},
          {"call_copies", "failed", failed_},
          {"call_copies", "superseded", superseded_}};
}

} // namespace linehunt
