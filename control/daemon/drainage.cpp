// SPDX-License-Identifier: Apache-2.0
// See drainage.h.
#include "control/daemon/drainage.h"

#include <spdlog/spdlog.h>

namespace linehunt {

void drainage::raise(const char* state, std::uint64_t calls) const {
  on_.raise(admin::drain_event, {{"state", state}, {"calls", calls}});
}

void drainage::begin(clock::time_point now) {
  if (draining()) return;
  empty_ = false;
  // The workers hear of it in their next loop and may have begun a call just before.
  first_look_ = now + interval;
  on_.refuse_new_calls(true);
  const std::uint64_t calls = on_.calls();
  spdlog::info("draining: no new calls, {} in progress", calls);
  raise("draining", calls);
}

bool drainage::ask(bool drain, clock::time_point now) {
  if (ending_) return drain;
  if (drain) {
    begin(now);
    asked_ = true;
  } else if (asked_) {
    asked_ = false;
    on_.refuse_new_calls(false);
    spdlog::info("no longer draining");
    raise("serving", on_.calls());
  }
  return true;
}

void drainage::end_by(clock::time_point now, clock::time_point deadline) {
  if (ending_) return end_at_once();
  begin(now);
  ending_ = true;
  deadline_ = deadline;
}

void drainage::look(clock::time_point now) {
  if (!draining() || now < first_look_) return;
  const std::uint64_t calls = on_.calls();
  if (calls == 0 && !empty_) {
    spdlog::info("drained, the last call has ended");
    raise("drained", 0);
  }
  empty_ = calls == 0;
  if (!ending_) return;
  const std::uint64_t lost = calls != 0 ? on_.lost() : 0;
  if (lost != 0)
    safe_since_.reset();
  else if (!safe_since_)
    safe_since_ = now;
  const bool safe = lost == 0 && (calls == 0 || now - *safe_since_ >= calm);
  if (!safe && now < deadline_) return;
  if (lost != 0)
    spdlog::warn("{} calls go on without linehunt: they did not end within drain_limit_s", lost);
  on_.end();
}

} // namespace linehunt
