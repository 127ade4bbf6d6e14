// SPDX-License-Identifier: Apache-2.0
// The loop: frames in, messages to those who play, calls begun when they are due, messages out.
#pragma once

#include "tools/pktgen/disturbances.h"
#include "tools/pktgen/port.h"
#include "tools/pktgen/progress.h"
#include "tools/pktgen/scene.h"
#include "tools/pktgen/session.h"

#include <array>
#include <atomic>
#include <optional>

namespace linehunt::pktgen {

struct frame_counts {
  std::uint64_t received = 0, foreign = 0, broken = 0;
};

class burst_loop {
 public:
  // `verify`: compare the checksums of what arrives.
  burst_loop(port& on, neighbourhood& around, const scene& of, traffic& who, session& course,
             progress& told, bool verify);
  // Until the session is over. False: the port took nothing for seconds. `signals`: so many have
  // asked for an end; after the first, calls are ended, after the second they are left.
  bool run(const std::atomic<unsigned>& signals, disturbances& noise);
  [[nodiscard]] const frame_counts& counts() const noexcept { return counts_; }

 private:
  std::size_t receive(time_ns now) noexcept;

  port& port_;
  neighbourhood& around_;
  station_index stations_;
  traffic& who_;
  session& course_;
  progress& progress_;
  bool verify_;
  frame_counts counts_;
  // Of the burst at hand.
  std::array<parsed_frame, port::burst> parsed_;
  std::array<std::optional<call_number>, port::burst> calls_;
};

} // namespace linehunt::pktgen
