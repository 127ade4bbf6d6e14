// SPDX-License-Identifier: Apache-2.0
// One seed: a world made by chance, and everything that happens in it until all calls are over.
#pragma once

#include "balancer.h"
#include "boxes.h"
#include "callers.h"

#include <memory>
#include <string>

namespace linehunt::sim {

struct simulation_setup {
  std::uint64_t seed = 1;
  worker_id workers = 1;
  std::uint32_t calls = 1000;
  std::uint32_t break_every = 0; // see balancer_setup
  mail_kind break_kind = mail_kind::lease_return;
  bool break_doubles = false;
};

struct totals {
  caller_counts caller;
  box_counts box;
  fault_counts faults;
  std::uint64_t steps = 0, packets = 0, mails = 0, rings_full = 0, parked = 0, refused_full = 0,
                failovers = 0, started = 0, answered = 0, full_checks = 0;
  std::uint64_t switched = 0, resized = 0, reloads = 0, ended_by_admin = 0, probes = 0,
                strangers = 0, table_full = 0, pauses = 0, ipv6_callers = 0, address_turns = 0,
                shed = 0, passed_over = 0, deadlines = 0, restarts = 0, restored = 0, crashes = 0,
                uncertain = 0, released = 0, absences = 0, unread = 0, heartbeats = 0, shrunk = 0,
                moved_listeners = 0, replacing = 0, replacing_afar = 0, replacing_elsewhere = 0,
                between_boxes = 0, passed_on = 0;
  std::uint64_t most_attempts = 0;                    // of one call
  time_us longest_wait = 0;                           // for a lease
  std::array<std::uint64_t, end_cause_count> ended{}; // by end_cause
  std::array<std::uint64_t, verdict_count> verdicts{};
  double virtual_hours = 0;
  void add(const totals& other);
};

class simulation {
 public:
  explicit simulation(const simulation_setup& setup);
  // Empty: every invariant held. Else what broke first, and when.
  [[nodiscard]] std::string run();
  totals counts;

 private:
  void make_model();
  void add_silent_addresses();
  void dispatch(const event_at& e);
  void deliver(packet p);
  void judge_refusal(const packet& p);
  void begin_call();
  void administer();
  void begin_anew(bool crash);
  void be_absent();
  void beat();
  void listen_elsewhere();
  void reload();
  void strange();
  void follow_events();
  [[nodiscard]] std::string fault() const;
  [[nodiscard]] const destination& any_destination();

  simulation_setup setup_;
  chance random_;
  event_queue events_;
  bool behave_ = false;  // no faults, no admin: every call must be answered
  bool refuse_ = false;  // there are many boxes, most of which refuse a call
  bool changes_ = false; // a reload may change everything about the destinations
  bool certain_ = false; // no crash forgets calls, and nothing is corrupted
  snapshot_model model_;
  std::vector<destination_model> machines_;
  std::vector<endpoint> addresses_; // of the boxes: where they listen
  std::unique_ptr<network> network_;
  std::unique_ptr<balancer> balancer_;
  std::unique_ptr<callers> callers_;
  std::unique_ptr<boxes> boxes_;
  front front_;
  time_us pause_us_ = 0; // between calls, on average
  std::uint32_t begun_ = 0;
  std::string broken_;
};

} // namespace linehunt::sim
