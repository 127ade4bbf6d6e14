// SPDX-License-Identifier: Apache-2.0
// The call engine of one worker: transactions, dialogs, loads, timers. A deterministic state
// machine: (datagram or mail or timer, now) in, actions out. No clock, no allocation after
// construction and adopt, no log, no exception, no rte_*.
#pragma once

#include "dataplane/capacity_refusals.h"
#include "dataplane/datagram.h"
#include "dataplane/kept_call.h"
#include "dataplane/load_ledger.h"
#include "dataplane/mail.h"
#include "dataplane/memory_source.h"
#include "dataplane/post_dial_delay.h"
#include "dataplane/snapshot.h"
#include "dataplane/verdict.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace linehunt {

// Sizes of the tables, all allocated at construction.
struct engine_limits {
  std::uint32_t max_calls = 100'000;       // per worker
  std::uint32_t max_transactions = 20'000; // INVITEs in progress per worker
  std::uint32_t max_slots = 4096;          // at most 65,536
  std::uint32_t max_destinations = 1024;
  // INVITEs waiting for a lease; and as many for word of the call that they replace.
  std::uint32_t max_parked = 4096;
  std::uint32_t parked_deadline_ms = 500;
  // Memory for texts of any length, per record on average: what does not fit the 160 bytes of a
  // call record, and INVITE and last reply of a transaction.
  std::uint32_t call_text_bytes = 128; // 24 where 10 million calls must fit 3.2 GB
  std::uint32_t transaction_text_bytes = 2560;
};

// The secret of a node: keys the Call-ID hash, branches, tags and probes. The same on all workers.
struct node_secret {
  std::array<std::uint64_t, 2> hash_key{};
  std::array<std::uint64_t, 2> branch_key{};
};

struct engine_setup {
  worker_id self = 0;
  worker_id workers = 1;
  engine_limits limits;
  node_secret secret;
  std::uint64_t random_seed = 1;   // for ties with flag s
  time_us start = 0;               // not after the first `now`
  memory_source* memory = nullptr; // nullptr: the heap
};

// Counted by the owning worker, read by the control thread (relaxed).
struct engine_counters {
  std::array<std::atomic<std::uint64_t>, verdict_count> verdicts{};
  std::atomic<std::uint64_t> calls_started{0}; // an INVITE was sent on
  std::atomic<std::uint64_t> calls_answered{0};
  std::atomic<std::uint64_t> calls_ended{0};  // each started or restored call ends exactly once
  std::atomic<std::uint64_t> calls_failed{0}; // ended before an answer
  std::array<std::atomic<std::uint64_t>, end_cause_count> ended_by{}; // their sum: calls_ended
  std::atomic<std::uint64_t> calls_restored{0}; // answered in a run before this one
  std::atomic<std::uint64_t> calls_live{0};     // started + restored - ended
  std::atomic<std::uint64_t> failovers{0};      // to another destination
  std::atomic<std::uint64_t> address_turns{0};  // to another address of the same one
  std::atomic<std::uint64_t> calls_shed{0}; // refused because destinations are overloaded, the same
  std::atomic<std::uint64_t> passed_over{0}; // a destination was, for one call, for its overload
  // Sent to the destination of the call that they replace (RFC 3891); and those that went by the
  // rules because another worker, which would have known it, had not said so in time or was not
  // asked.
  std::atomic<std::uint64_t> calls_replacing{0}, calls_unheard{0};
  // Sent on, though the destination that they come from does not offer all that the rule counts.
  std::atomic<std::uint64_t> calls_uncounted{0};
  std::atomic<std::uint64_t> retransmissions_sent{0};
  std::atomic<std::uint64_t> transactions_live{0};
  // Calls refused for want of a destination, by reason, before they were sent to any: those that
  // were are in calls_failed. The verdicts of the same names count what was answered at once, and
  // not those that waited for a lease.
  capacity_refusals no_capacity;
  std::atomic<std::uint64_t> no_destination{0};
  std::atomic<std::uint64_t> unknown_resource{0};
};

// One call, for lists.
struct call_info {
  std::uint64_t handle = 0;
  std::string_view call_id, from_tag, to_tag;
  std::string_view from_uri, to_uri; // of the caller's INVITE; empty where there was no room
  endpoint caller, callee;           // where the INVITE came from, and where it was answered
  destination_index destination = no_index;
  holding held; // its lines
  bool answered = false;
  time_us started_at = 0, answered_at = 0;
};

class engine {
 public:
  engine(const engine_setup& setup, const snapshot& world);
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  // Hints about the datagrams of a burst, given before the first of them is worked on, so that the
  // memory of their calls comes meanwhile: first one of these for each, then one of those. They
  // change nothing.
  void expect(std::uint64_t call_hash) const noexcept;
  void fetch(std::uint64_t call_hash) const noexcept;

  // One datagram that this worker owns (owner_of). Counts and returns its verdict.
  verdict on_datagram(const datagram& in, time_us now, action_sink& out);
  void on_mail(const mail& in, time_us now, action_sink& out);
  // Timers that are due, and the ledger's flush. Once in each loop of the worker.
  void advance(time_us now, action_sink& out);
  // From `since` until `until`, which is not after the next `now`, this worker did not run, or one
  // that hears for it. Who had not answered an INVITE then has his time anew.
  void note_absence(time_us since, time_us until) noexcept;
  // When the next timer is due, at the earliest; for who has a clock of its own, as the simulator.
  [[nodiscard]] time_us next_timer() const noexcept;

  // A new snapshot; the old one is not looked at again.
  void adopt(const snapshot& world);
  // No new calls from now on (503 with Retry-After), the others go on.
  void drain(bool on) noexcept;

  // Visits every call that a restart can leave standing: it was answered and is not over.
  void for_each_kept(time_us now, const std::function<void(const kept_call&)>& visit) const;
  // The same in pieces: so many places of the table from `first` on, or as far as `take` goes
  // along: false, and that call is the first of the next piece. Returns where to go on;
  // `call_places`: that was the last one.
  [[nodiscard]] std::uint32_t visit_kept(std::uint32_t first, std::uint32_t places, time_us now,
                                         const std::function<bool(const kept_call&)>& take) const;
  [[nodiscard]] std::uint32_t call_places() const noexcept;
  // Takes such a call up, lines and all, before the first datagram. False: there is no room for it,
  // or it is none.
  [[nodiscard]] bool restore(const kept_call& call, time_us now);
  // What the ledger has to tell the other workers, and nothing else of `advance`.
  void tell_loads(action_sink& out);

  [[nodiscard]] const engine_counters& counters() const noexcept;
  [[nodiscard]] const load_ledger& ledger() const noexcept;
  // By destination_index; may be read by other threads.
  [[nodiscard]] std::span<const post_dial_delay> post_dial_delays() const noexcept;
  // By destination_index: the calls at it that have not ended, also those that hold no line there.
  // Written by the owning worker (relaxed), read by the control thread. What has left the snapshot
  // gets no more of them: its number can go to another destination when all workers have none.
  [[nodiscard]] std::span<const std::atomic<std::uint64_t>> destination_calls() const noexcept;
  // Visits every call. Not for other threads.
  void for_each_call(const std::function<void(const call_info&)>& visit) const;
  // The same in pieces, for a worker that has packets to take in between: looks at so many places
  // of its table from `first` on (0 to begin with). Returns where to go on; 0: that was the last
  // one. A call that stays from the first piece to the last is visited once.
  [[nodiscard]] std::uint32_t visit_calls(std::uint32_t first, std::uint32_t places,
                                          const std::function<void(const call_info&)>& visit) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// The keyed hash of a Call-ID (SipHash-1-3) and the worker that owns it. Every message of a call,
// in both directions, carries the same Call-ID, so every worker comes to the same answer.
[[nodiscard]] std::uint64_t call_hash(std::string_view call_id, const node_secret& secret) noexcept;
[[nodiscard]] inline worker_id owner_of(std::uint64_t hash, worker_id workers) noexcept {
  // The high half picks the worker, so that the low half stays even within its tables.
  return static_cast<worker_id>((static_cast<std::uint64_t>(hash >> 32) * workers) >> 32);
}

} // namespace linehunt
