// SPDX-License-Identifier: Apache-2.0
// One simulated worker: its engine, what waits for it, and what the judge remembers of it.
#pragma once

#include "balancer.h"

#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linehunt::sim {

struct control_work {
  mail what;
  const snapshot* world = nullptr; // set: a new snapshot to adopt
};

struct balancer::worker {
  worker(const engine_setup& setup, const snapshot& world);
  static constexpr time_us never = std::numeric_limits<time_us>::max();

  std::unique_ptr<linehunt::engine> engine;
  std::vector<std::deque<mail>> rings; // by sender
  std::deque<packet> input;
  std::deque<control_work> control;
  time_us wake_at = never;
  time_us back_at = 0; // of the last absence that it has noted
  std::uint64_t received = 0;
  const snapshot* world = nullptr; // as it has adopted it
  // Handles what has a selection at once, if it has one: a datagram, or word of a replaced call.
  bool selects = false;
  std::uint64_t passed_over = 0;                    // destinations, before that
  std::unordered_map<std::string, time_us> waiting; // by Call-ID: since when, for a lease

  std::vector<std::int64_t> used;   // by slot, as last seen
  std::vector<std::int64_t> forced; // by slot, of these: lines of counted calls
  std::vector<slot_count> counted;  // by slot, as it is in sums_
  // By place in the engine's table: the call there, where its lines were, and whether it holds them
  // without having been admitted: a destination that had been given up answered after all.
  struct known_call {
    std::uint64_t handle = ~std::uint64_t{0};
    destination_index destination = no_index;
    bool late = false;
    bool answered = false;
    // A dialog without lines: another one of its call had them, there.
    bool beside = false, beside_late = false;
    destination_index beside_at = no_index;
  };
  // Dialogs without lines, with the call that they are of.
  std::vector<std::pair<std::string, known_call*>> without_lines;
  std::vector<known_call> known;
  // What it asked for last: by destination the slots, by home whether more are to come.
  std::vector<std::vector<slot_index>> asked;
  std::vector<bool> request_open;
};

} // namespace linehunt::sim
