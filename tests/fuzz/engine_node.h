// SPDX-License-Identifier: Apache-2.0
// A node of two workers without network or clock, that a script drives and whose invariants are
// checked at every step: real engines, ledgers and rules, mail rings of depth four.
#pragma once

#include "dataplane/engine.h"
#include "dataplane/snapshot_builder.h"

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::fuzz {

inline constexpr worker_id worker_count = 2;

struct sent_message {
  std::string bytes;
  endpoint to;
};

// Configurations that a reload may change between: all destinations, one less, other capacities.
inline constexpr std::size_t configuration_count = 3;

class engine_node {
 public:
  engine_node();
  ~engine_node();

  void give(std::string_view bytes, const endpoint& from, listener_index listener);
  void control(const mail& what); // to all workers, as the control thread sends it
  void wait_ms(std::uint64_t ms);
  void reload(std::size_t configuration);
  void drain(bool on);
  [[nodiscard]] std::vector<std::uint64_t> call_handles() const;

  [[nodiscard]] const engine_counters& counters(worker_id w) const noexcept {
    return workers_[w].engine->counters();
  }
  // The last messages that left, oldest first; at most 32.
  [[nodiscard]] const std::deque<sent_message>& sent() const noexcept { return sent_; }
  // What was violated so far; empty where nothing was.
  [[nodiscard]] const std::string& violated() const noexcept { return violated_; }
  // Nothing more comes in. Every call must end by itself and give back all that it held.
  void settle();

 private:
  class sink;
  struct worker {
    std::unique_ptr<sink> out;
    std::unique_ptr<linehunt::engine> engine;
    std::uint64_t given = 0;
  };
  void violate(std::string what);
  void note_sent(std::string bytes, const endpoint& to, bool forwarded);
  void deliver_mail();
  void run_rings();
  void check();
  [[nodiscard]] bool quiet() const; // no timer is armed and no mail on its way

  std::array<worker, worker_count> workers_;
  // mail_[from][to]
  std::array<std::array<std::deque<mail>, worker_count>, worker_count> mail_;
  const snapshot* world_ = nullptr;
  std::deque<sent_message> sent_;
  std::string violated_;
  time_us now_ = 1'000'000;
};

} // namespace linehunt::fuzz
