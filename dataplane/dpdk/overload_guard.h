// SPDX-License-Identifier: Apache-2.0
// Whether a worker cannot keep up with what comes in. If so, new calls are let go before they cost
// anything, so that those that are up go on: where a queue runs over instead, it loses messages of
// all calls alike, and hardly one gets through whole. Pure; time is handed in.
#pragma once

#include "dataplane/datagram.h"

#include <string_view>

namespace linehunt::dpdk {

class overload_guard {
 public:
  // Once for each loop: whether a queue gave as much as was asked for, so that more is waiting.
  void note(bool more_waits, time_us now) noexcept {
    if (!more_waits) {
      behind_ = shedding_ = false;
      return;
    }
    if (!behind_) {
      behind_ = true;
      behind_since_ = now;
    }
    if (now - behind_since_ < (now < alert_until_ ? relapse_us : patience_us)) return;
    shedding_ = true;
    alert_until_ = now + alert_us;
  }
  [[nodiscard]] bool shedding() const noexcept { return shedding_; }

  // What the system takes the core away for, or a burst of calls, is worked off within this time.
  static constexpr time_us patience_us = 50'000;
  // Once it was too much: a queue of 4096 must not run over, at about a message a microsecond.
  static constexpr time_us relapse_us = 1'000;
  static constexpr time_us alert_us = 1'000'000;

 private:
  bool behind_ = false, shedding_ = false;
  time_us behind_since_ = 0, alert_until_ = 0;
};

// An INVITE whose To has no tag (RFC 3261 12.2). What cannot be told by a look at the beginnings of
// lines is none.
[[nodiscard]] bool is_new_call(std::string_view datagram) noexcept;

} // namespace linehunt::dpdk
