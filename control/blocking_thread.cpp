// SPDX-License-Identifier: Apache-2.0
// See blocking_thread.h.
#include "control/blocking_thread.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cap-ng.h>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace linehunt {

constexpr std::chrono::seconds patience_at_end{2};

// Shared with the thread, which may outlive the object.
struct blocking_thread::state {
  explicit state(boost::asio::io_context& l) : loop(l) {}

  std::mutex guards;
  std::condition_variable changed;
  std::deque<job> jobs;
  bool closed = false; // then nobody touches the loop
  bool begun = false, ended = false;
  boost::asio::io_context& loop;

  void work() {
    std::unique_lock lock(guards);
    begun = true;
    changed.notify_all();
    for (;;) {
      changed.wait(lock, [&] { return closed || !jobs.empty(); });
      if (closed) break;
      const auto next = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      auto news = next();
      lock.lock();
      if (!closed) boost::asio::post(loop, std::move(news));
    }
    ended = true;
    changed.notify_all();
  }
};

void begin_aside(unsigned core, std::function<void()> work) {
  // Signals are for the event loop.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([work = std::move(work), core] {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(core % CPU_SETSIZE, &only);
    (void)pthread_setaffinity_np(pthread_self(), sizeof only, &only);
    // What the event loop keeps for its ports is not for this thread. As root nothing is kept.
    if (::geteuid() != 0) {
      capng_clear(CAPNG_SELECT_CAPS);
      (void)capng_apply(CAPNG_SELECT_CAPS);
    }
    work();
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

blocking_thread::blocking_thread(boost::asio::io_context& loop, unsigned core)
    : state_(std::make_shared<state>(loop)) {
  begin_aside(core, [s = state_] { s->work(); });
  std::unique_lock lock(state_->guards);
  state_->changed.wait(lock, [&] { return state_->begun; });
}

blocking_thread::~blocking_thread() {
  std::unique_lock lock(state_->guards);
  state_->closed = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, patience_at_end, [&] { return state_->ended; });
}

void blocking_thread::run(job what) {
  const std::lock_guard lock(state_->guards);
  state_->jobs.push_back(std::move(what));
  state_->changed.notify_all();
}

void blocking_thread::run_within(std::chrono::steady_clock::duration limit, job what,
                                 std::function<void()> late) {
  // The loop's alone: the thread may outlive it, and must not be the one to destroy its timer.
  const auto deadline = std::make_shared<boost::asio::steady_timer>(state_->loop, limit);
  const auto whole = std::make_shared<const job>(std::move(what));
  deadline->async_wait(
      [deadline, whole, late = std::move(late)](boost::system::error_code in_time) {
        if (!in_time) late();
      });
  // With the deadline goes what the job holds, however long the thread hangs.
  run([wanted = std::weak_ptr(deadline), what = std::weak_ptr(whole)]() -> std::function<void()> {
    const auto still_wanted = what.lock();
    if (!still_wanted) return [] {};
    return [wanted, news = (*still_wanted)()] {
      const auto still = wanted.lock();
      if (still && still->cancel() != 0) news();
    };
  });
}

} // namespace linehunt
