// SPDX-License-Identifier: Apache-2.0
// A thread for work that blocks, such as asking a database or writing to a disk, and the way back
// to the event loop. Knows nothing of that work.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace linehunt {

// A thread that nobody waits for, without signals and capabilities; on that processor only, where
// there is one: a worker's is not to be shared.
void begin_aside(unsigned core, std::function<void()> work);

class blocking_thread {
 public:
  blocking_thread(boost::asio::io_context& loop, unsigned core);
  // Waits a moment for the job at hand; one that still hangs then is left behind, and nothing of
  // what it brings reaches the loop. Jobs that have not begun are dropped.
  ~blocking_thread();
  blocking_thread(const blocking_thread&) = delete;
  blocking_thread& operator=(const blocking_thread&) = delete;

  // `job` runs in the thread, after those before it. What it returns runs in the loop.
  using job = std::function<std::function<void()>()>;
  void run(job what);
  // For those who need no more of it than `run`.
  using running = std::function<void(job)>;
  // The same, but where that takes longer than `limit`, waiting for its turn included, `late` runs
  // in the loop instead: a job that has not begun then never does.
  void run_within(std::chrono::steady_clock::duration limit, job what, std::function<void()> late);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace linehunt
