// SPDX-License-Identifier: Apache-2.0
// The load ledger of one worker: how many lines of each slot its calls hold, how many it may hold,
// and what the other workers last said; selection over it. A slot is one resource of one
// destination. Deterministic; no clock, no threads; every ledger is owned by one worker, and only
// `published_used` is read by others.
//
// Lines are never granted twice: each slot's home (destination::home) keeps
//   pool = capacity - sum of leases.
// A worker admits a call where used < lease for every slot that the call needs; where it lacks a
// lease it asks the home and the call waits (selection_outcome::pending). The pool may fall below
// zero by forced counts or a resize; it recovers as calls end. Protocol: dataplane/LEASES.md.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/snapshot.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace linehunt {

// Names the waiting INVITE to its owner; the ledger only hands it back.
using waiter = std::uint64_t;

// The lines that one call holds. All zero: none.
struct holding {
  destination_index destination = no_index;
  std::uint8_t slot_count = 0;
  std::array<slot_index, max_resources_per_call> slots{};
};

// Destinations that one call may have tried or passed over, with some room for those that refuse it
// while it waits; with more it cannot wait.
inline constexpr std::size_t max_excluded = 80;

struct selection_request {
  std::uint32_t group = 0;
  std::span<const resource_id> resources;
  balance_flags flags;
  std::span<const std::uint32_t> excluded_ids; // destination ids already tried for this call
  // Comes before all others as long as it is one of the candidates and has a line left (with flag
  // n: whatever it has left).
  destination_index preferred = no_index;
};

enum class selection_outcome : std::uint8_t {
  selected,         // `holding` is filled and counted
  pending,          // a lease was asked for; the waiter is called back
  no_capacity,      // candidates, none eligible
  no_destination,   // no candidate
  unknown_resource, // a resource that no destination of the group offers, or one asked twice
};

// Called from on_mail / flush when a pending selection is decided; never `pending` again.
class selection_listener {
 public:
  virtual ~selection_listener() = default;
  virtual void decided(waiter who, selection_outcome outcome, const holding& held) = 0;
};

struct ledger_limits {
  worker_id self = 0;
  worker_id workers = 1;
  std::uint32_t max_slots = 4096;
  std::uint32_t max_destinations = 1024;
  std::uint32_t max_waiters = 4096;
};

class load_ledger {
 public:
  explicit load_ledger(const ledger_limits& limits, std::uint64_t random_seed);
  ~load_ledger();
  load_ledger(const load_ledger&) = delete;
  load_ledger& operator=(const load_ledger&) = delete;

  // The snapshot from now on. Loads, status and leases stay by index; slots that are new start with
  // no lease, at their home with the whole capacity in the pool; a capacity that differs from the
  // previous snapshot's is a resize. Every worker adopts every snapshot, in the same order.
  void adopt(const snapshot& world);

  // The rule of README.md, "How a destination is chosen", to the letter where workers == 1. Without
  // resources: the first candidate, at once.
  [[nodiscard]] selection_outcome select(const selection_request& request, waiter who,
                                         holding& held);
  // Gives up a pending selection (the caller cancelled, a deadline ran out).
  void withdraw(waiter who);
  // Counts without admission, also above capacity. Resources that the destination does not offer
  // are left out; a destination that is not in the snapshot gives an empty holding.
  void count(destination_index destination, std::span<const resource_id> resources, holding& held);
  // Gives back all lines; `held` is emptied, so a second call does nothing.
  void release(holding& held);

  void set_enabled(destination_index destination, bool enabled);
  [[nodiscard]] bool enabled(destination_index destination) const noexcept;
  // On every worker; the home moves the pool. A slot that is not in the snapshot stays as it is.
  void resize(slot_index slot, std::int32_t capacity);
  [[nodiscard]] std::int32_t capacity(slot_index slot) const noexcept;

  // load_update and lease_* only.
  void on_mail(const mail& what, selection_listener& listener);
  // Once at the end of each loop: sends what changed, coalesced, and repeats what found a ring
  // full.
  void flush(action_sink& sink, selection_listener& listener);

  // For tests, the simulator's invariants, and the control thread's lists.
  struct slot_view {
    std::int64_t used = 0;   // lines held by this worker's calls
    std::int64_t lease = 0;  // lines it may hold
    std::int64_t remote = 0; // what the others last said, summed
    // At the home only: lines for everybody, and lines leased to the other workers.
    std::int64_t pool = 0;
    std::int64_t leased = 0;
    std::int64_t unsent = 0;   // given away, in no ring yet; below zero: taken by force
    std::int64_t promised = 0; // of those, granted to calls that wait
  };
  [[nodiscard]] slot_view view(slot_index slot) const noexcept;
  // Of a slot that is in no snapshot any more: this worker holds, owes, asks and says nothing of
  // it. Where all workers say so, and say so again when they have taken the mail that was under way
  // then, its number can go to another destination: dataplane/LEASES.md.
  [[nodiscard]] bool settled(slot_index slot) const noexcept;
  // Written by the owning worker (relaxed), read by the control thread.
  [[nodiscard]] const std::atomic<std::int64_t>* published_used() const noexcept; // by slot_index

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace linehunt
