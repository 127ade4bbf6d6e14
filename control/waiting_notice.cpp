// SPDX-License-Identifier: Apache-2.0
// See waiting_notice.h.
#include "control/waiting_notice.h"

#include "control/blocking_thread.h"

#include <condition_variable>
#include <mutex>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {

struct waiting_notice::state {
  std::mutex guards;
  std::condition_variable changed;
  bool over = false;
};

void waiting_notice::log_warning(const std::string& line) {
  spdlog::warn("{}", line);
}

waiting_notice::waiting_notice(unsigned core, std::string line, std::chrono::milliseconds after,
                               saying say)
    : state_(std::make_shared<state>()) {
  begin_aside(core, [s = state_, line = std::move(line), after, say = std::move(say)] {
    {
      std::unique_lock lock(s->guards);
      if (s->changed.wait_for(lock, after, [&] { return s->over; })) return;
    }
    say(line);
  });
}

waiting_notice::~waiting_notice() {
  const std::lock_guard lock(state_->guards);
  state_->over = true;
  state_->changed.notify_all();
}

} // namespace linehunt
