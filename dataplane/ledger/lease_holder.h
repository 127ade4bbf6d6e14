// SPDX-License-Identifier: Apache-2.0
// The holder's side of the leases: the free lines that this worker may give to its calls, for slots
// that are at home elsewhere. A slot's lease is what its calls hold plus what is free here.
// Protocol: dataplane/LEASES.md.
#pragma once

#include "dataplane/ledger/index_queue.h"
#include "dataplane/load_ledger.h"
#include "dataplane/mail.h"

#include <cstdint>
#include <span>
#include <vector>

namespace linehunt::ledger {

class lease_holder {
 public:
  explicit lease_holder(const ledger_limits& limits);

  // What was of another home is forgotten: no line of it is one of the new home's.
  void place(slot_index s, worker_id home) noexcept {
    if (slots_[s].home != home) slots_[s] = {.home = home};
  }

  // One line of every slot, or none where one is missing.
  [[nodiscard]] bool take(std::span<const slot_index> slots) noexcept;
  void give_back(slot_index s) noexcept;
  void force(slot_index s) noexcept;

  // Sends up to `lines` free lines home: a request for them and for lines of other slots follows,
  // so that no line is held while its call waits for another.
  void surrender(slot_index s, std::int64_t lines) noexcept;
  void on_grant(slot_index s, std::int64_t lines, bool with_spare) noexcept;
  void settle(slot_index s) noexcept; // after the granted calls have taken theirs
  void take_granted(slot_index s) noexcept { --slots_[s].free; }
  void on_recall(slot_index s) noexcept;

  [[nodiscard]] bool peek(worker_id to, mail& m) const noexcept;
  void sent(worker_id to) noexcept;

  [[nodiscard]] std::int64_t free_lines(slot_index s) const noexcept { return slots_[s].free; }
  [[nodiscard]] std::int64_t unsent(slot_index s) const noexcept { return slots_[s].unsent; }
  // Nothing is free, owed or to be sent. What calls hold is not known here.
  [[nodiscard]] bool settled(slot_index s) const noexcept {
    const slot& it = slots_[s];
    return it.free == 0 && it.unsent == 0 && it.debt == 0 && !returns_[it.home].contains(s);
  }
  void append_state(std::vector<std::uint64_t>& out) const;

 private:
  struct slot {
    std::int64_t free = 0;
    std::int64_t unsent = 0; // on its way home; below zero: taken by force
    std::int64_t debt = 0;   // forced lines, to be paid back with the next free ones
    worker_id home = 0;
    bool tight = false; // recalled: free lines go home at once, until spare lines come
    bool answer_owed = false;
  };

  worker_id self_;
  std::vector<slot> slots_;
  std::vector<index_queue> returns_; // by home: slots with something to send
};

} // namespace linehunt::ledger
