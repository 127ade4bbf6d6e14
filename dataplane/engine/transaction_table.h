// SPDX-License-Identifier: Apache-2.0
// INVITE transactions in progress, server and client side in one record, since a balanced call has
// one of each at a time. Short-lived: a record goes when its call is answered, or 64*T1 after a
// failure. Knows nothing of messages beyond their stored bytes.
#pragma once

#include "dataplane/block_pool.h"
#include "dataplane/engine.h"
#include "dataplane/engine/call_table.h"
#include "dataplane/flat_index.h"
#include "dataplane/memory_source.h"
#include "dataplane/rules.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace linehunt::calls {

// Towards the caller (RFC 3261 17.2.1, RFC 6026).
enum class server_state : std::uint8_t {
  free,
  proceeding, // no final answer sent
  accepted,   // 2xx forwarded; the record stays only for other branches of this INVITE
  completed,  // failure sent, timer G repeats it
  confirmed,  // its ACK has come
};

// Towards the destination (RFC 3261 17.1.1), the current attempt.
enum class client_state : std::uint8_t {
  none,       // nothing sent, or given up
  parked,     // waits for a lease, or for another worker's word (see asks)
  calling,    // timer A
  proceeding, // a provisional has come
  done,       // final answer had
};

// What may be given up for a new call when the table is full, and what may not.
enum class transaction_list : std::uint8_t {
  unanswered, // its destination has not said anything yet
  ringing,
  lingering, // has had its final answer
};
inline constexpr std::size_t transaction_list_count = 3;

// Destinations and addresses that one INVITE goes to.
inline constexpr std::size_t max_attempts = 32;
// Of a call that has passed us before: in a loop each attempt of one way through us is a way of its
// own, with attempts of its own.
inline constexpr std::size_t least_attempts = 8;
[[nodiscard]] constexpr std::uint8_t attempts_after(std::size_t passes) noexcept {
  return static_cast<std::uint8_t>(std::max(max_attempts >> passes, least_attempts));
}
// Reason lines of a caller's CANCEL that go on with ours (RFC 3326); longer ones are left out.
inline constexpr std::size_t max_reason_bytes = 256;

// One destination tried.
struct attempt {
  std::uint32_t destination_id = 0;
  destination_index destination = no_index;
  endpoint to;
  listener_index listener = 0;
  bool rang : 1 = false;        // its post-dial delay is counted
  bool answered : 1 = false;    // a final answer has come, or a 2xx
  bool provisional : 1 = false; // a provisional has come, so a CANCEL may go
  // CANCEL, a client transaction of its own (RFC 3261 17.1.2): timer E until it has its answer.
  bool cancelled : 1 = false;     // one was sent
  bool cancel_done : 1 = false;   // it had its final answer, or 64*T1
  bool cancel_reason : 1 = false; // it bears the caller's reason, and so do its repetitions
  std::uint8_t cancel_tries = 0;
  time_us cancel_due = 0; // when it is repeated
  time_us sent_at = 0;    // the first time

  [[nodiscard]] bool cancel_open() const noexcept { return cancelled && !cancel_done && !answered; }
};
static_assert(sizeof(attempt) == 48, "each transaction has 32 of them: see control/OPERATING.md");

// What selection and failover need to know of the rule, copied, since a snapshot may be replaced
// while the INVITE rings.
struct call_plan {
  std::uint32_t group = 0;
  std::array<resource_id, max_resources_per_call> resources{};
  std::uint8_t resource_count = 0;
  balance_flags flags;
  bool may_fail_over = false; // by the rule; `forward` never does
  std::array<bool, 7> failover_class{};
  std::array<std::uint16_t, max_failover_codes> failover_codes{};
  std::uint8_t failover_code_count = 0;
  bool failover_timeout = false;
  bool failover_no_answer = false;
  bool failover_disable = false;
  std::uint16_t refusal_status = 500; // when nothing is left
  std::array<char, max_refusal_reason_bytes> refusal_reason{};
  std::uint8_t refusal_reason_len = 0;
};

// All of a transaction but its attempts.
struct invite_progress {
  std::uint64_t server_key = 0;
  std::uint64_t hash = 0; // of the Call-ID
  std::uint32_t generation = 0;
  std::uint32_t call = no_call;
  std::uint32_t cseq = 0;
  std::uint32_t next_free = no_transaction;
  // Lists by age, oldest first.
  std::uint32_t older = no_transaction, newer = no_transaction;
  server_state server = server_state::free;
  client_state client = client_state::none;
  bool cancel_wanted = false; // by the caller
  // While parked: another worker is asked where the call is that this one replaces.
  bool asks = false;
  std::uint32_t bye_tag = 0; // mark of the To tag that the caller sent a BYE to; 0: none
  transaction_list list = transaction_list::unanswered;
  outbound reply_to;
  endpoint source; // where the INVITE came from
  // The INVITE as it goes on, but without our own Via and Record-Route, which stand at `own_at`
  // and differ from attempt to attempt.
  stored_bytes invite;
  std::uint16_t own_at = 0;
  stored_bytes reply;                   // the last one sent upstream; empty: 100
  stored_bytes reason;                  // Reason lines of the caller's CANCEL, for ours
  std::uint32_t client_interval_ms = 0; // timer A; asks: until the next question
  std::uint32_t server_interval_ms = 0; // timer G
  time_us started_at = 0;
  time_us patience_until = 0; // with the destination, were there no longest duration
  call_plan plan;
  destination_index preferred = no_index; // it has the replaced call; until the first attempt
  bool shed = false;                      // the last selection passed over a destination that sheds
  // Ids of those that shed this call after it had waited for a line of theirs: it must not wait for
  // them again.
  std::array<std::uint32_t, 8> passed_over{};
  std::uint8_t passed_over_count = 0;
  std::uint8_t ringing_count = 0;
  // Marks of the addresses at which devices ring that a proxy behind the destination has forked the
  // INVITE to: those of their Contacts and routes, of reliable provisionals.
  std::array<std::uint32_t, 8> ringing_at{};
  std::uint8_t attempt_count = 0;
  std::uint8_t most_attempts = max_attempts;
};

struct invite_transaction : invite_progress {
  [[nodiscard]] bool rings_at(std::uint32_t mark) const noexcept {
    return std::find(ringing_at.begin(), ringing_at.begin() + ringing_count, mark) !=
           ringing_at.begin() + ringing_count;
  }

  // The first attempt_count of them; behind those is what transactions before have left, since few
  // calls need more than one, and to clear them all would cost each call a write of 1.5 kB.
  std::array<attempt, max_attempts> attempts{};

  [[nodiscard]] attempt& current() noexcept { return attempts[attempt_count - 1u]; }
};

class transaction_table {
 public:
  transaction_table(const engine_limits& limits, memory_source& memory);

  // A fresh record in state proceeding, found by its key; no_transaction where there is no room.
  [[nodiscard]] std::uint32_t take(std::uint64_t server_key);
  void give_back(std::uint32_t transaction);

  [[nodiscard]] invite_transaction& operator[](std::uint32_t i) noexcept { return records_[i]; }
  [[nodiscard]] const invite_transaction& operator[](std::uint32_t i) const noexcept {
    return records_[i];
  }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(records_.size());
  }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::uint32_t find(std::uint64_t server_key) const;
  // The record of a branch; the generation is compared in its low 24 bits.
  [[nodiscard]] std::uint32_t find(std::uint32_t transaction,
                                   std::uint32_t generation) const noexcept;

  // To the young end of that list, also where it is in it already.
  void move_to(transaction_list list, std::uint32_t transaction);
  [[nodiscard]] std::uint32_t oldest(transaction_list list) const noexcept {
    return lists_[static_cast<std::size_t>(list)].oldest;
  }

  [[nodiscard]] block_pool& texts() noexcept { return texts_; }

 private:
  struct age_list {
    std::uint32_t oldest = no_transaction, newest = no_transaction;
  };
  void append(transaction_list to, std::uint32_t transaction) noexcept;
  void remove(std::uint32_t transaction) noexcept;

  record_array<invite_transaction> records_;
  flat_index index_;
  block_pool texts_;
  std::array<age_list, transaction_list_count> lists_;
  std::uint32_t first_free_ = no_transaction;
  std::uint32_t in_use_ = 0;
};

} // namespace linehunt::calls
