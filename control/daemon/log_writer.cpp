// SPDX-License-Identifier: Apache-2.0
// See log_writer.h.
#include "control/daemon/log_writer.h"

#include "control/blocking_thread.h"
#include "dataplane/printable.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <spdlog/details/log_msg_buffer.h>
#include <string_view>
#include <utility>

namespace linehunt {
namespace {

using clock = std::chrono::steady_clock;
using spdlog::details::log_msg;
using spdlog::details::log_msg_buffer;

// Who logs waits so long, in each of these times: a disk that is slow all the time would add up.
constexpr std::chrono::milliseconds patience{500};
constexpr std::chrono::seconds patience_renewed_after{10};
constexpr std::chrono::seconds patience_at_end{2};
constexpr std::size_t most_waiting = 10'000; // lines

log_msg line(spdlog::level::level_enum level, std::string_view text) {
  return {"linehunt", level, text};
}

} // namespace

struct log_writer::state {
  explicit state(sink_ptr u) : usual(std::move(u)), into(usual) {}

  struct order {
    std::optional<log_msg_buffer> said;
    std::function<void()> job; // where there is nothing said
  };

  // Number of the order, to wait for. None where there is no room for it.
  std::uint64_t add(order what) {
    orders.push_back(std::move(what));
    changed.notify_all();
    return ++given;
  }

  // The one who logs, with the lock.
  void wait_for(std::uint64_t number, std::unique_lock<std::mutex>& lock) {
    const auto begun = clock::now();
    if (begun - renewed >= patience_renewed_after) {
      renewed = begun;
      left = patience;
    }
    if (late) return;
    late = !done.wait_for(lock, left, [&] { return written >= number; });
    left = std::max(left - (clock::now() - begun), clock::duration::zero());
  }

  void work() {
    std::unique_lock lock(guards);
    for (;;) {
      changed.wait(lock, [&] { return closed || !orders.empty(); });
      if (orders.empty()) break;
      const order next = std::move(orders.front());
      orders.pop_front();
      const std::uint64_t missing = orders.empty() ? std::exchange(lost, 0) : 0;
      lock.unlock();
      if (next.said)
        put(*next.said);
      else
        next.job();
      if (missing != 0)
        put(line(spdlog::level::err,
                 fmt::format("{} lines of the log are lost: it could not be written for long",
                             missing)));
      lock.lock();
      ++written;
      late = late && !orders.empty();
      done.notify_all();
    }
    ended = true;
    done.notify_all();
  }

  // In the thread. What the file does not take goes where everything goes without a file.
  void put(const log_msg& said) {
    const std::string failure = failure_of(*into, said);
    if (into == usual) return;
    if (failure.empty()) {
      failing = false;
      return;
    }
    if (!failing.exchange(true))
      (void)failure_of(*usual, line(spdlog::level::err,
                                    fmt::format("the log cannot be written: {}; look at its disk. "
                                                "Until then it goes here",
                                                failure)));
    (void)failure_of(*usual, said);
  }

  static std::string failure_of(spdlog::sinks::sink& sink, const log_msg& said) {
    try {
      sink.log(said);
      sink.flush();
      return {};
    } catch (const std::exception& e) {
      return e.what();
    }
  }

  std::mutex guards;
  std::condition_variable changed, done;
  std::deque<order> orders;
  std::uint64_t given = 0, written = 0;
  std::uint64_t lost = 0; // not yet told
  clock::time_point renewed{};
  clock::duration left = patience;
  bool late = false; // nobody waits until all is written
  bool closed = false, ended = false;
  // The thread's.
  const sink_ptr usual;
  sink_ptr into;
  std::atomic<bool> failing{false}; // read by the others
};

log_writer::log_writer(unsigned core, sink_ptr usual)
    : state_(std::make_shared<state>(std::move(usual))) {
  begin_aside(core, [s = state_] { s->work(); });
}

log_writer::~log_writer() {
  std::unique_lock lock(state_->guards);
  state_->closed = true;
  state_->changed.notify_all();
  state_->done.wait_for(lock, patience_at_end, [&] { return state_->ended; });
}

// The one way of all lines, whoever logs them. Where a text of strangers must not make a line of
// its own, whoever logs it sees to that: some of ours have several.
void log_writer::log(const log_msg& said) {
  const std::string text =
      printable_lines(std::string_view{said.payload.data(), said.payload.size()});
  log_msg shown = said;
  shown.payload = text;
  std::unique_lock lock(state_->guards);
  if (state_->orders.size() >= most_waiting) {
    ++state_->lost;
    return;
  }
  state_->wait_for(state_->add({log_msg_buffer(shown), {}}), lock);
}

void log_writer::replace(std::function<sink_ptr()> make,
                         std::function<std::string(const std::string& why)> refused) {
  std::unique_lock lock(state_->guards);
  // Not the owner: a thread that hangs is not to keep itself.
  state* const s = state_.get();
  const auto job = [s, make = std::move(make), refused = std::move(refused)] {
    try {
      s->into = make();
      s->failing = false;
    } catch (const std::exception& e) {
      if (s->into == s->usual) s->failing = true;
      s->put(line(spdlog::level::err, refused(e.what())));
    }
  };
  state_->wait_for(state_->add({std::nullopt, job}), lock);
}

bool log_writer::unwritten() const {
  const std::lock_guard lock(state_->guards);
  return state_->late || state_->failing;
}

} // namespace linehunt
