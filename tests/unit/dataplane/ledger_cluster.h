// SPDX-License-Identifier: Apache-2.0
// Several real ledgers joined by rings of a chosen depth, in one thread: every step (a call, a mail
// taken out of a ring, a flush) is chosen by the caller, and the truth about every line is kept
// beside them. A value, so that an exploration can branch. Used by the unit tests and tests/sim.
#pragma once

#include "dataplane/ledger/book.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace linehunt::test {

struct cluster_call {
  enum class stage : std::uint8_t { idle, pending, held, refused, ended };
  worker_id worker = 0;
  std::uint32_t group = 1;
  std::vector<resource_id> resources;
  balance_flags flags;
  destination_index preferred = no_index;
  stage at = stage::idle;
  bool forced = false;
  bool judged = true;
  selection_outcome outcome = selection_outcome::pending;
  holding lines;
  // By place of the destination: at some instant since it asked, no call could have had a line.
  std::vector<bool> seen_full;
};

class ledger_cluster {
 public:
  ledger_cluster(worker_id workers, std::size_t ring_depth, std::shared_ptr<const snapshot> world,
                 std::uint32_t max_waiters = 64);

  // Steps. A call is named by its place in calls().
  std::uint32_t add_call(cluster_call call);
  void start(std::uint32_t call);
  // Where workers know different snapshots: whether a refusal was right is not judged.
  void start_unchecked(std::uint32_t call);
  void count(std::uint32_t call, destination_index d);
  void end(std::uint32_t call);      // gives the lines back
  void withdraw(std::uint32_t call); // while it is pending
  [[nodiscard]] bool can_deliver(worker_id from, worker_id to) const;
  [[nodiscard]] std::size_t mails(worker_id from, worker_id to) const {
    return rings_[ring_at(from, to)].size();
  }
  void deliver(worker_id from, worker_id to);
  void flush(worker_id w);
  void set_enabled(destination_index d, bool enabled);
  void resize(destination_index d, std::size_t resource, std::int32_t capacity);
  void adopt(worker_id w, std::shared_ptr<const snapshot> world);

  // Takes all mail and flushes until nothing moves. False: it still moves after `rounds`.
  [[nodiscard]] bool settle(int rounds = 2000);

  // Empty: every invariant holds. Else what is broken.
  [[nodiscard]] std::string broken() const;
  // Only when settled: loads known everywhere, and nothing pending.
  [[nodiscard]] std::string broken_at_rest() const;

  [[nodiscard]] std::vector<cluster_call>& calls() { return calls_; }
  [[nodiscard]] const std::vector<cluster_call>& calls() const { return calls_; }
  [[nodiscard]] ledger::book& at(worker_id w) { return ledgers_[w]; }
  [[nodiscard]] const snapshot& world() const { return *world_; }
  [[nodiscard]] std::int64_t used(slot_index s) const;
  [[nodiscard]] std::int64_t free_lines(slot_index s) const; // truly, for a new call
  void forget_ended();                                       // the calls that are left move up
  void append_state(std::vector<std::uint64_t>& out) const;

  // Mutations for checking the checks: how often a mail that is sent arrives (1 as a rule).
  std::function<int(const mail&)> copies;

 private:
  class wires;
  struct slot_truth {
    destination_index destination = no_index;
    worker_id home = 0;
    std::int64_t capacity = 0;
    std::int64_t bound = 0; // capacity, or a larger one that is still being reclaimed
    std::int64_t forced = 0;
  };
  [[nodiscard]] std::size_t ring_at(worker_id from, worker_id to) const {
    return std::size_t{from} * ledgers_.size() + to;
  }
  [[nodiscard]] std::int64_t in_flight(slot_index s, bool promised_only) const;
  void observe();
  void decide(std::uint32_t call, selection_outcome outcome, const holding& lines);
  [[nodiscard]] const destination* find(destination_index d) const;

  std::size_t ring_depth_;
  std::shared_ptr<const snapshot> world_;
  std::vector<ledger::book> ledgers_;
  std::vector<std::deque<mail>> rings_;
  std::vector<cluster_call> calls_;
  std::map<slot_index, slot_truth> truth_;
  std::vector<bool> usable_;
  // What a worker asked for last, by destination: tells of which slots a grant is.
  std::map<std::pair<worker_id, destination_index>, std::vector<slot_index>> asked_;
  std::vector<bool> request_open_; // by ring: its last request is not complete
  std::string error_;              // the first that a step saw
};

} // namespace linehunt::test
