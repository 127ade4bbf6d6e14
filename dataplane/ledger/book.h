// SPDX-License-Identifier: Apache-2.0
// The whole state of a worker's load ledger: selection, the leases behind it, the calls that wait
// for a line, and what the other workers must hear. A value: a copy goes on by itself, which is how
// the exploration of the protocol branches.
#pragma once

#include "dataplane/ledger/candidates.h"
#include "dataplane/ledger/lease_holder.h"
#include "dataplane/ledger/lease_home.h"
#include "dataplane/ledger/parked_calls.h"
#include "dataplane/ledger/reconciliation.h"
#include "dataplane/ledger/slots.h"
#include "dataplane/load_ledger.h"

#include <cstdint>
#include <span>
#include <vector>

namespace linehunt::ledger {

class book {
 public:
  book(const ledger_limits& limits, std::uint64_t random_seed);

  void adopt(const snapshot& world);
  [[nodiscard]] selection_outcome select(const selection_request& wanted, waiter who,
                                         holding& held);
  void withdraw(waiter who);
  void count(destination_index d, std::span<const resource_id> resources, holding& held);
  void release(holding& held);
  void set_enabled(destination_index d, bool enabled) { candidates_.set_enabled(d, enabled); }
  void resize(slot_index s, std::int32_t capacity);

  void on_mail(const mail& m, selection_listener& listener);
  void flush(action_sink& sink, selection_listener& listener);

  [[nodiscard]] const slot_table& slots() const noexcept { return slots_; }
  [[nodiscard]] const candidate_table& candidates() const noexcept { return candidates_; }
  [[nodiscard]] load_ledger::slot_view view(slot_index s) const noexcept;
  [[nodiscard]] bool settled(slot_index s) const noexcept;
  void append_state(std::vector<std::uint64_t>& out) const;

 private:
  // What this worker asks the home of a destination for: one set of slots at a time, for as many
  // calls as want just that.
  struct request {
    enum class stage : std::uint8_t { none, forming, sent };
    parked_list asked;          // its calls
    parked_list queued;         // calls that came too late for it
    std::int64_t calls = 0;     // asked for
    std::int64_t undecided = 0; // not granted yet
    stage at = stage::none;
    std::uint8_t mails_sent = 0;
    std::uint8_t slot_count = 0;
    std::array<slot_index, max_resources_per_call> slots{};
    [[nodiscard]] std::span<const slot_index> set() const noexcept {
      return {slots.data(), slot_count};
    }
    [[nodiscard]] bool same_set(const holding& lines) const noexcept;
  };

  [[nodiscard]] bool at_home(slot_index s) const noexcept { return slots_[s].home == limits_.self; }
  [[nodiscard]] choice best_for(const selection_request& wanted) noexcept;
  [[nodiscard]] choice preferred_for(const selection_request& wanted) noexcept;
  [[nodiscard]] bool admit(const holding& lines) noexcept;
  void force(const holding& lines) noexcept;
  void hold(const holding& lines) noexcept;
  void set_capacity(slot_index s, std::int32_t capacity) noexcept;

  // book_waiting.cpp: calls that wait.
  [[nodiscard]] selection_outcome look_on(parked_index p);
  void look_on_and_tell(parked_index p);
  void wait_for(parked_index p, const holding& lines);
  void stop_waiting(parked_list& list, parked_index p) noexcept;
  void tell(parked_index p, selection_outcome outcome) noexcept;
  void serve_queued(destination_index d);
  void form_request(destination_index d) noexcept;
  void join_request(destination_index d, parked_index p) noexcept;
  void on_grant(destination_index d, std::int64_t calls, std::int64_t spare);
  void on_refuse(destination_index d);
  void hand_out(selection_listener& listener);

  // book_mail.cpp: mail in and out.
  [[nodiscard]] bool acceptable(const mail& m) const noexcept;
  void handle(const mail& m);
  [[nodiscard]] bool next_mail(worker_id to, mail& m) noexcept;
  void mail_sent(worker_id to, const mail& m) noexcept;

  ledger_limits limits_;
  std::uint32_t adoption_ = 0;
  slot_table slots_;
  candidate_table candidates_;
  tie_breaker ties_;
  lease_home home_;
  lease_holder holder_;
  reconciliation news_;
  parked_calls parked_;
  parked_list decided_;             // to be told to the listener
  std::vector<request> requests_;   // by destination
  std::vector<worker_id> homes_;    // by destination, for ever once it is seen
  std::vector<index_queue> to_ask_; // by home: destinations whose request is forming
};

} // namespace linehunt::ledger
