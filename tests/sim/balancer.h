// SPDX-License-Identifier: Apache-2.0
// The balancer under the simulator: N real engines with their ledgers, joined by rings of bounded
// depth, run in the order that chance says, and judged after every single thing that they do.
#pragma once

#include "dataplane/engine.h"
#include "dataplane/snapshot_builder.h"
#include "network.h"
#include "tests/models/kept_calls.h"

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::sim {

struct balancer_setup {
  worker_id workers = 1;
  std::size_t ring_depth = 16;
  engine_limits limits;
  std::uint64_t seed = 1;
  // Workers that are slow to look at what has come for them, so that INVITEs reach their deadline
  // while they wait for a lease.
  bool slow = false;
  // Whether every line above capacity belongs to a call that was counted (no flag n in the rules).
  bool bounded = true;
  // Nothing is corrupted on the way: what was sent is what came.
  bool intact = true;
  // For checking the checks: every so many-th mail of a kind is lost or doubled (of lease_return,
  // only those that carry lines).
  std::uint32_t break_every = 0;
  mail_kind break_kind = mail_kind::lease_return;
  bool break_doubles = false;
};

class balancer {
 public:
  balancer(const balancer_setup& setup, const snapshot_model& model, event_queue& events,
           chance& random, network& net);
  ~balancer();

  void arrive(packet p);          // a datagram from the network
  void run(std::uint32_t worker); // one loop of a worker

  // The control thread's part.
  void to_all(const mail& m);
  void to_one(worker_id w, const mail& m);
  void reload(const snapshot_model& model);
  [[nodiscard]] bool all_adopted() const; // the newest configuration
  [[nodiscard]] bool has_calls(destination_index d) const;
  [[nodiscard]] std::int64_t load(slot_index s) const { return sums_[s].used; } // of all workers
  // Gives back the numbers of what has gone and is settled. Returns how many.
  std::size_t keep_house();
  // Another run of the program in the place of this one, with the calls that can be kept. What was
  // on its way inside is lost.
  void restart();
  // The next run listens there, and is the first to know.
  void listen_at(const std::vector<listener>& listeners, const std::vector<route>& routes);
  // No worker runs until then. What comes meanwhile waits, as far as there is room.
  void stand_still(time_us until);
  // The same with the calls of the last copy, if there is one. Returns how many those are.
  std::uint64_t crash();
  void copy_calls();

  [[nodiscard]] const snapshot& world() const { return *worlds_.back(); }
  [[nodiscard]] std::vector<std::uint64_t> live_handles(worker_id w) const;
  [[nodiscard]] std::vector<event> take_events() { return std::exchange(raised_, {}); }

  // What a check found first; empty: all is well.
  [[nodiscard]] const std::string& broken() const { return broken_; }
  // When all calls must be over: loads, tables and pools.
  void judge_the_end();

  std::uint64_t steps = 0, mails = 0, rings_full = 0, full_checks = 0;
  std::array<std::uint64_t, verdict_count> verdicts{};
  std::uint64_t late_answers = 0;
  std::uint64_t passed_on = 0; // lines of a dialog that has ended, to another of the same call
  // Calls at the destination of the one that they replace; those of another worker; and how many
  // went elsewhere, since that one could not be chosen.
  std::uint64_t replacing = 0, replacing_afar = 0, replacing_elsewhere = 0;
  time_us longest_wait = 0; // for a lease
  std::uint64_t parked = 0, refused_full = 0, failovers = 0, answered = 0, started = 0;
  std::uint64_t most_attempts = 0; // of one call
  std::uint64_t address_turns = 0, shed = 0, passed_over = 0, deadlines = 0, restored = 0,
                unread = 0;

 private:
  struct worker;
  class exit;
  class at_rest;

  void make_workers();
  void note_owners();
  [[nodiscard]] models::kept_calls kept_now() const;
  [[nodiscard]] std::vector<std::string> answered_now(bool with_lines) const;
  [[nodiscard]] std::vector<endpoint> listening() const;
  std::uint64_t start_again(models::kept_calls kept, const std::vector<endpoint>& listened);
  void add_counters(const worker& it);
  void schedule(worker_id w, time_us at);
  void postpone_ends(time_us from);
  void judge(worker_id w);
  void judge_calls(worker_id w);
  void judge_dialogs(worker_id w);
  void count_slots(worker_id w);
  void judge_count(worker_id w);
  void note_end(std::string_view bytes);
  void judge_ends();
  void judge_slots();
  void note_mail(const mail& m, worker_id to, int sign);
  void note_decided(worker& it, std::string_view bytes);
  void note_attempt(std::string_view bytes);
  void judge_replacing(worker_id w, std::string_view bytes, const endpoint& to);
  [[nodiscard]] bool takes(const worker& it, const destination& d, std::string_view user) const;
  void say(std::string what);

  balancer_setup setup_;
  event_queue& events_;
  chance& random_;
  network& net_;
  index_book book_;
  snapshot_model model_; // of the newest
  std::vector<std::unique_ptr<const snapshot>> worlds_;
  std::size_t running_ = 0; // the one with which this run has begun
  std::vector<std::unique_ptr<worker>> workers_;
  node_secret secret_;
  std::uint64_t run_ = 0;

  // Of a slot, in one worker or in all: lines leased, pooled and not sent yet, and those in use.
  struct slot_count {
    std::int64_t lines = 0, used = 0, forced = 0, pool = 0;
    bool operator==(const slot_count&) const = default;
  };
  [[nodiscard]] slot_count count_of(const worker& it, slot_index s);

  // By slot: the lines in rings, the largest capacity that leases may still follow, and the sum of
  // what was last counted of each worker.
  std::vector<std::int64_t> on_the_way_, bound_;
  std::vector<slot_count> sums_;
  // Calls of which a party has had its BYE answered, and when they must be over.
  struct ending_call {
    std::string call_id, from_tag, to_tag;
    time_us answered_at = 0, until = 0;
  };
  std::vector<ending_call> ending_;
  std::vector<worker_id> home_;
  std::vector<std::uint32_t> owners_; // by destination_index: the last id that had the number
  slot_index slots_ = 0;
  std::uint64_t breakable_ = 0;
  std::vector<event> raised_;
  std::string broken_;
  models::kept_calls copied_;
  std::vector<endpoint> copied_listeners_;
  time_us copied_at_ = 0;
  time_us away_at_ = 0, back_at_ = 0; // of the last time that all stood still
};

} // namespace linehunt::sim
