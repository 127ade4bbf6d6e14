// SPDX-License-Identifier: Apache-2.0
// The home's side of the leases: the pool of each slot that is at home here, who has how many
// lines of it, and the requests that wait. It alone decides who gets a line; it knows nothing of
// calls, of selection, or of what the holders do with their lines. Protocol: dataplane/LEASES.md.
#pragma once

#include "dataplane/ledger/index_queue.h"
#include "dataplane/load_ledger.h"
#include "dataplane/mail.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace linehunt::ledger {

class lease_home {
 public:
  explicit lease_home(const ledger_limits& limits);

  // Which destination a slot belongs to, and how often this worker has adopted a snapshot.
  void place(slot_index s, destination_index d) noexcept {
    if (slots_[s].destination == d) return;
    slots_[s].destination = d;
    slots_[s].tight = 0; // holders forget it, too
  }
  void adopted(std::uint32_t adoption) noexcept;
  void resize(slot_index s, std::int64_t delta) noexcept;

  // The home's own calls. Takes one line of every slot, or none where one is missing or where
  // others wait for lines of the destination.
  [[nodiscard]] bool take(destination_index d, std::span<const slot_index> slots) noexcept;
  void force(slot_index s) noexcept;
  void give_back(slot_index s) noexcept {
    ++slots_[s].pool;
    if (asked_for(slots_[s].destination)) serve(slots_[s].destination);
  }

  void on_request(const mail& m) noexcept;
  void on_return(const mail& m) noexcept;

  // The next mail for a worker (also for itself), grants before recalls: a holder must have its
  // spare lines before it is asked for them.
  [[nodiscard]] bool peek(worker_id to, mail& m) const noexcept;
  void sent(worker_id to, const mail& m) noexcept;

  [[nodiscard]] std::int64_t pool(slot_index s) const noexcept { return slots_[s].pool; }
  [[nodiscard]] std::int64_t leased(slot_index s) const noexcept; // by all others
  // Of a slot without capacity: no line is away, and nobody waits for one or for an answer.
  [[nodiscard]] bool settled(slot_index s) const noexcept;
  struct outgoing {
    std::int64_t granted = 0;
    std::int64_t spare = 0;
  };
  [[nodiscard]] outgoing unsent(slot_index s) const noexcept; // not in a ring yet
  void append_state(std::vector<std::uint64_t>& out) const;

 private:
  struct slot {
    std::int64_t pool = 0;
    std::int64_t spoken = 0;    // during serve: reserved for requests further ahead
    std::uint64_t tight = 0;    // by worker: has answered a recall and was given no spare since
    std::uint64_t awaiting = 0; // by worker: has not answered this round
    std::uint64_t covered = 0;  // by worker: its request was there when this round began
    destination_index destination = no_index;
    bool in_round = false;
    bool proves_full = false; // this round began with every holder tight, and none gave a line
  };
  struct request {
    std::array<slot_index, max_resources_per_call> slots{};
    std::uint8_t slot_count = 0;
    bool complete = false; // its last mail is here
    bool refused = false;  // the refusal is not sent yet
    std::uint32_t adoption = 0;
    std::int64_t wanted = 0;  // calls not decided yet
    std::int64_t granted = 0; // calls granted, not sent yet
    std::int64_t spare = 0;   // spare lines, not sent yet
    [[nodiscard]] std::span<const slot_index> set() const noexcept {
      return {slots.data(), slot_count};
    }
  };

  [[nodiscard]] request& request_of(destination_index d, worker_id w) noexcept {
    return requests_[std::size_t{d} * workers_ + w];
  }
  [[nodiscard]] const request& request_of(destination_index d, worker_id w) const noexcept {
    return requests_[std::size_t{d} * workers_ + w];
  }
  [[nodiscard]] std::int64_t& leased_to(worker_id w, slot_index s) noexcept {
    return leased_[std::size_t{w} * slots_.size() + s];
  }
  [[nodiscard]] std::span<worker_id> queue(destination_index d) noexcept {
    return {queues_.data() + std::size_t{d} * workers_, queue_lengths_[d]};
  }
  [[nodiscard]] bool early(const request& r) const noexcept {
    return static_cast<std::int32_t>(r.adoption - adoption_) > 0;
  }

  [[nodiscard]] bool asked_for(destination_index d) const noexcept {
    return d < queue_lengths_.size() && queue_lengths_[d] != 0;
  }
  void serve(destination_index d) noexcept;
  void grant_what_there_is(destination_index d, std::uint64_t& satisfied) noexcept;
  void grant_spare(destination_index d, worker_id w) noexcept;
  [[nodiscard]] bool start_missing_rounds(destination_index d) noexcept;
  void start_round(slot_index s) noexcept;
  [[nodiscard]] bool end_round(slot_index s) noexcept;
  void reclaim(slot_index s) noexcept;
  void remove_decided(destination_index d) noexcept;

  worker_id self_;
  worker_id workers_;
  std::uint32_t adoption_ = 0;
  std::vector<slot> slots_;
  std::vector<std::int64_t> leased_;     // [worker * slots + slot], without the home's own
  std::vector<request> requests_;        // [destination * workers + worker]
  std::vector<worker_id> queues_;        // [destination * workers + place]: in order of arrival
  std::vector<worker_id> queue_lengths_; // by destination
  std::vector<index_queue> answers_;     // by worker: destinations with a grant or refusal to send
  std::vector<index_queue> recalls_;     // by worker: slots
};

} // namespace linehunt::ledger
