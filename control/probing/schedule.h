// SPDX-License-Identifier: Apache-2.0
// Whom to probe when, and what the answers say about a destination ([probing] in linehunt.toml(5)).
// A function of time and answers, both handed in; sends nothing itself and knows no worker.
//
// The interval is cut into slots of one tick. Destination i of n has slot i * slots / n, so that
// each slot has ceil(n / slots) of them at most, and few destinations stand far apart:
//
//   interval  |----|----|----|----|----|----|----|----|----|----|   10 slots
//   4 of them  0         1              2         3                 each asked once in an interval
#pragma once

#include "control/config/configuration.h"
#include "control/daemon/operator_state.h"
#include "dataplane/datagram.h"
#include "dataplane/snapshot.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace linehunt::probing {

inline constexpr time_us tick_us = 50'000;

struct target {
  std::uint32_t id = 0;
  destination_index index = no_index;
  std::string uri;
  std::uint8_t mode = 0;  // 0 never, 1 while disabled, 2 always
  unsigned addresses = 1; // 0: cannot be reached
};

// A destination is to be usable from now on, or not.
struct change {
  std::uint32_t id = 0;
  bool enabled = false;
  std::uint16_t status = 0; // of the answer; 0: nobody answered
};

class schedule {
 public:
  using status_source = std::function<destination_status(std::uint32_t id)>;
  // To the destination with that number; the same number again is a repetition. False: it could
  // not be sent, so nothing can be learnt from silence.
  using sending = std::function<bool(destination_index, std::uint64_t number)>;
  using changing = std::function<void(const change&)>;

  schedule(status_source status, sending send, changing changed)
      : status_(std::move(status)), send_(std::move(send)), changed_(std::move(changed)) {}

  // All that is configured. What is known of a destination that stays as it was is kept.
  void adopt(const config::probing_settings& settings, const std::vector<target>& targets);
  // At most one tick's work for each call; a clock that jumps ahead makes no burst.
  void advance(time_us now);
  // The answer to that probe; an old one counts for nothing. Of several addresses one that answers
  // well will do: a failure counts where none has until the probe's time is over.
  void on_answer(destination_index index, std::uint64_t number, std::uint16_t status,
                 std::uint32_t round_trip_us);
  // Somebody else has changed the status: what was counted until then counts no more, nor does a
  // probe that is under way.
  void on_status_changed(std::uint32_t id);

  // Of the last answer; nothing where there was none yet.
  [[nodiscard]] std::optional<std::uint32_t> round_trip_us(std::uint32_t id) const;
  [[nodiscard]] std::uint64_t slots() const noexcept;
  [[nodiscard]] const config::probing_settings& settings() const noexcept { return settings_; }

 private:
  struct entry {
    target what;
    std::uint64_t number = 0;  // of the probe under way; 0: none
    std::uint16_t refused = 0; // what one of several addresses has answered to it; 0: nothing
    unsigned failures = 0, successes = 0;
    std::optional<std::uint32_t> round_trip_us;
  };
  // When to look again at a probe that has not been answered.
  struct wait {
    std::uint32_t id = 0;
    std::uint64_t number = 0;
    time_us gap_us = 0;   // until the next repetition
    time_us deadline = 0; // then nobody has answered
  };

  void look_at_waits(time_us now);
  void probe_slot(std::uint64_t slot, time_us now);
  void probe(entry& e, time_us now);
  void judge(entry& e, bool good, std::uint16_t status);
  void wait_until(time_us then, const wait& w, time_us now);
  [[nodiscard]] entry* find(std::uint32_t id);

  status_source status_;
  sending send_;
  changing changed_;
  config::probing_settings settings_;
  std::vector<entry> entries_; // those with a mode above 0, in the operator's order
  std::unordered_map<std::uint32_t, std::size_t> by_id_, by_index_; // places in entries_
  std::multimap<time_us, wait> waits_;
  std::uint64_t last_number_ = 0;
  std::uint64_t tick_ = 0;
  time_us next_tick_ = 0;
};

} // namespace linehunt::probing
