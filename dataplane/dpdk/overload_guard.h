// SPDX-License-Identifier: Apache-2.0
// Whether a worker cannot keep up with what comes in. If so, new calls are let go before they cost
// anything, so that those that are up go on: where a queue runs over instead, it loses messages of
// all calls alike, and hardly one gets through whole. Pure; time is handed in.
#pragma once

#include "dataplane/datagram.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace linehunt::dpdk {

class overload_guard {
 public:
  // Of a worker whose shortest queue has room for so many packets.
  explicit overload_guard(std::size_t queue_packets = 4 * backlog_us) noexcept
      : look_after_us_(std::min<time_us>(backlog_us, queue_packets / 4)) {}

  // Once for each loop: whether a queue gave as much as was asked for, so that more may wait. True:
  // somebody has to look how much, and say so by note_depth. One loop in which none did may be the
  // edge of what a driver (af_xdp) has fetched at once; two mean that nothing waits.
  [[nodiscard]] bool note(bool full_burst, time_us now) noexcept {
    // A core that the system takes away is not behind by that; only what follows counts.
    const time_us since = now - noted_at_;
    noted_at_ = now;
    if (behind_)
      debt_us_ = debt_us_ + since < most_us ? debt_us_ + since : most_us;
    else
      debt_us_ -= since < debt_us_ ? since : debt_us_;
    if (!full_burst && !was_full_) behind_ = false;
    if (looked_ || (!full_burst && !was_full_)) looked_at_ = now;
    looked_ = false;
    was_full_ = full_burst;
    shedding_ = behind_ && debt_us_ > patience_us;
    return full_burst && now - looked_at_ >= look_after_us_;
  }
  // So many waiting packets of such a queue are a backlog.
  [[nodiscard]] static constexpr std::size_t deep_of(std::size_t queue_packets) noexcept {
    return std::min(deep_packets, queue_packets / 4);
  }
  // Whether at least so many wait. Less is what a few hundred calls have
  // on their way, and a worker that is busy all the time can keep up with that.
  void note_depth(bool deep) noexcept {
    looked_ = true; // the work on what was read is over by the next note
    behind_ = deep;
  }
  [[nodiscard]] bool shedding() const noexcept { return shedding_; }

  // Full bursts on end for so long may be a backlog, and as long as there is one it is looked at as
  // often: at a message a microsecond, that is a quarter of a queue of 4096, which must not run
  // over. Of a shorter one it is a quarter as well.
  static constexpr time_us backlog_us = 1'000;
  static constexpr std::size_t deep_packets = 512;
  // Time with a backlog beyond the time without. A burst of calls, or what the system took the core
  // away for, is worked off within this; who is behind most of the time has more.
  static constexpr time_us patience_us = 100'000;
  static constexpr time_us most_us = 200'000;

 private:
  time_us look_after_us_;
  bool behind_ = false, shedding_ = false, was_full_ = false, looked_ = false;
  time_us noted_at_ = 0, looked_at_ = 0, debt_us_ = 0;
};

// An INVITE whose To has no tag (RFC 3261 12.2). What cannot be told by a look at the beginnings of
// lines is none.
[[nodiscard]] bool is_new_call(std::string_view datagram) noexcept;

} // namespace linehunt::dpdk
