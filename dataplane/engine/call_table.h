// SPDX-License-Identifier: Apache-2.0
// The calls of one worker: compact records, found by Call-ID and tags or by the handle that our
// Record-Route carries. Knows nothing of messages, timers or actions.
//
// Memory is the point of this file: 10 million calls in 3.2 GB, so at most 320 bytes for a call in
// all. It takes 282, and engine_limits::call_text_bytes: 306 with 24, 410 with the default of 128.
//   256   the record: 96 fixed, 160 of text
//    10   its entry in the index
//    16   its timer
//   128   on average for text that does not fit the record (engine_limits::call_text_bytes)
// The texts of a call lie one behind the other, those first that every look-up compares. What does
// not fit the record goes on in a pool of blocks. Where that pool is used up, a call does without
// its last texts, which only requests of our own need.
#pragma once

#include "dataplane/block_pool.h"
#include "dataplane/engine.h"
#include "dataplane/engine/passes.h"
#include "dataplane/flat_index.h"
#include "dataplane/memory_source.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace linehunt::calls {

inline constexpr std::uint32_t no_call = 0xffffffff;
inline constexpr std::uint32_t no_transaction = 0xffffffff;

enum class call_state : std::uint8_t {
  free,
  early,    // the INVITE has no final answer yet; its transaction lives
  answered, // 2xx forwarded
  leaving,  // a BYE of a party is on its way; ends with its answer or after 64*T1
  closing,  // BYEs of ours are on their way to both
  ended,    // holds nothing; stays 64*T1, and longer after a REFER, for what comes yet
};

enum class call_text : std::uint8_t {
  call_id,
  from_tag,       // the caller's
  to_tag,         // the callee's; empty while early
  caller_address, // packed endpoints, see pack_endpoint: where the INVITE came from
  callee_address, // and where it went
  caller_target,  // URIs of the Contacts
  callee_target,
  caller_routes, // Route values towards the caller, in the order to be sent; without us
  callee_routes,
  from_uri, // as in the From and To of the caller's INVITE
  to_uri,
  count_,
};
inline constexpr std::size_t call_text_count = static_cast<std::size_t>(call_text::count_);
using call_texts = std::array<std::string_view, call_text_count>;

struct call_record {
  static constexpr std::size_t inline_bytes = 160;
  // flags
  static constexpr std::uint8_t counted = 1;         // in calls_started
  static constexpr std::uint8_t acked = 2;           // the caller's ACK of the 2xx has come
  static constexpr std::uint8_t caller_bye_done = 4; // our BYE to the caller is answered
  static constexpr std::uint8_t callee_bye_done = 8;
  static constexpr std::uint8_t ping_caller = 16; // the rule asks for OPTIONS to the caller
  static constexpr std::uint8_t ping_callee = 32;
  static constexpr std::uint8_t caller_ping_open = 64; // one is sent and not answered yet
  static constexpr std::uint8_t callee_ping_open = 128;
  // origin, and who wanted to go
  static constexpr std::uint16_t restored = 1;    // from a run before this one
  static constexpr std::uint16_t uncertain = 2;   // see kept_call
  static constexpr std::uint16_t unverified = 4;  // of those: nothing has shown yet that it lives
  static constexpr std::uint16_t has_turn = 8;    // of those: when it is asked is settled
  static constexpr std::uint16_t caller_bye = 16; // the caller has sent a BYE since the answer
  static constexpr std::uint16_t callee_bye = 32;
  static constexpr std::uint16_t caller_doubted = 64; // an offer to the caller was not answered
  static constexpr std::uint16_t callee_doubted = 128;
  static constexpr std::uint16_t asked = 256;    // and both were asked whether they live
  static constexpr std::uint16_t referred = 512; // a REFER was accepted, whose NOTIFYs may come yet
  static constexpr std::uint16_t forked = 1024;  // the call has had other dialogs beside this one
  // A BYE of it went on another way than is known of the call.
  static constexpr std::uint16_t caller_bye_astray = 2048;
  static constexpr std::uint16_t callee_bye_astray = 4096;
  // An offer went there while both were asked already: what comes of it is looked at after that.
  static constexpr std::uint16_t caller_owes = 8192;
  static constexpr std::uint16_t callee_owes = 16384;
  static constexpr std::uint16_t spirals = 32768; // the call passes us more than once

  // Of the INVITE, whose retransmissions outlive its transaction; of a restored call its handle in
  // the run that has set it up.
  std::uint64_t server_key = 0;
  time_us started_at = 0;
  std::uint32_t answered_after_ms = 0; // since started_at; closing: the end_cause instead
  std::uint32_t expires_after_s = 0;   // session timer (RFC 4028), since started_at; 0: none
  std::uint16_t generation = 0;        // so often the record has been taken
  std::uint16_t origin = 0;
  std::uint32_t transaction = no_transaction; // while early; free: the next free record; see asks
  destination_index destination = no_index;
  std::uint32_t caller_cseq = 0; // the highest seen of each side
  std::uint32_t callee_cseq = 0;
  std::array<std::uint16_t, max_resources_per_call> slots{};
  std::array<std::uint16_t, call_text_count> text_len{};
  std::uint8_t slot_count = 0;
  call_state state = call_state::free;
  std::uint8_t flags = 0;
  std::uint8_t tries = 0; // how often our BYEs (closing) or open pings (answered) were sent
  listener_index caller_listener = 0;
  listener_index callee_listener = 0;
  stored_bytes overflow;
  std::array<char, inline_bytes> text;

  // While answered.
  [[nodiscard]] time_us answered_at() const noexcept {
    return started_at + answered_after_ms * 1000ull;
  }
  // While answered, too: both parties are to be asked whether they live, and when.
  [[nodiscard]] bool asks() const noexcept { return transaction != no_transaction; }
  [[nodiscard]] time_us asks_at() const noexcept { return started_at + transaction * 1000ull; }
  void ask_at(time_us at) noexcept {
    transaction =
        static_cast<std::uint32_t>(std::min<time_us>((at - started_at) / 1000, no_transaction - 1));
  }
  void ask_no_more() noexcept {
    transaction = no_transaction;
    origin &= static_cast<std::uint16_t>(
        ~(caller_doubted | callee_doubted | asked | caller_owes | callee_owes));
  }
  [[nodiscard]] bool has_bye_astray() const noexcept {
    return (origin & (caller_bye_astray | callee_bye_astray)) != 0;
  }
  // While closing, which knows nothing of the answer any more.
  void note_cause(end_cause cause) noexcept {
    answered_after_ms = static_cast<std::uint32_t>(cause);
  }
  [[nodiscard]] end_cause cause() const noexcept {
    return static_cast<end_cause>(answered_after_ms);
  }
};
static_assert(sizeof(call_record) == 256);

// Six or eighteen bytes: address, port in network order.
struct packed_endpoint {
  std::array<char, 18> bytes;
  std::uint8_t len = 0;
  operator std::string_view() const noexcept { return {bytes.data(), len}; }
};
[[nodiscard]] packed_endpoint pack_endpoint(const endpoint& e) noexcept;
[[nodiscard]] endpoint unpack_endpoint(std::string_view bytes) noexcept;

enum class side : std::uint8_t { caller, callee };

struct dialog_match {
  std::uint32_t call = no_call;
  side from = side::caller; // which party sent the request
  explicit operator bool() const noexcept { return call != no_call; }
};

struct same_dialogs {
  std::array<dialog_match, max_passes - 1> found{};
  std::size_t count = 0;
  [[nodiscard]] const dialog_match* begin() const noexcept { return found.data(); }
  [[nodiscard]] const dialog_match* end() const noexcept { return found.data() + count; }
};

class call_table {
 public:
  call_table(const engine_limits& limits, const node_secret& secret, memory_source& memory);

  // A new record in state early with these texts, or no_call where there is no room. `hash` is
  // call_hash of the Call-ID.
  [[nodiscard]] std::uint32_t take(std::uint64_t hash, const call_texts& texts);
  void give_back(std::uint32_t call);

  [[nodiscard]] call_record& operator[](std::uint32_t call) noexcept { return records_[call]; }
  [[nodiscard]] const call_record& operator[](std::uint32_t call) const noexcept {
    return records_[call];
  }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(records_.size());
  }

  // Which run of the program it is, which generation of the record, and the record: names a call
  // also after the record was used again. 16, 16 and 32 bits; never 0.
  [[nodiscard]] std::uint64_t handle_of(std::uint32_t call) const noexcept {
    return run_ | std::uint64_t{records_[call].generation} << 32 | call;
  }
  // The one that its parties have in their routes.
  [[nodiscard]] std::uint64_t first_handle_of(std::uint32_t call) const noexcept {
    const call_record& record = records_[call];
    return (record.origin & call_record::restored) != 0 ? record.server_key : handle_of(call);
  }
  // The handle of no call.
  [[nodiscard]] std::uint64_t handle_of_none() const noexcept { return run_ | no_call; }
  [[nodiscard]] std::uint32_t find_handle(std::uint64_t handle) const noexcept;
  // A handle that this run has not made: from before a restart, of a node whose address we took
  // over, or invented.
  [[nodiscard]] bool is_of_another_run(std::uint64_t handle) const noexcept {
    return handle != 0 && handle >> 48 != run_ >> 48;
  }

  // The call that these tags belong to. Early calls know only one tag; the other may be anything.
  // `handle` is tried first, since two calls may carry the same tags (a call that comes back to
  // us). Where it names an answered call of this caller, or a call of another run, no early one is
  // meant: that has a handle of its own.
  [[nodiscard]] dialog_match find_dialog(std::uint64_t hash, std::string_view call_id,
                                         std::string_view from_tag, std::string_view to_tag,
                                         std::uint64_t handle);
  // Those with these tags besides `but` that have not ended, where that is of a call that came back
  // to us, and they are. Those that ring, of which there may be any number since their other tag
  // may be any, give way.
  [[nodiscard]] same_dialogs find_same_dialogs(std::uint64_t hash, std::string_view call_id,
                                               std::string_view from_tag, std::string_view to_tag,
                                               std::uint32_t but);
  // The same, with the tags of `of`.
  [[nodiscard]] same_dialogs find_same_dialogs(std::uint32_t of);
  // The call whose INVITE had this key.
  [[nodiscard]] std::uint32_t find_server_key(std::uint64_t hash, std::string_view call_id,
                                              std::uint64_t key);
  // A call of this Call-ID and caller's tag, whatever the other tag.
  [[nodiscard]] std::uint32_t find_caller(std::uint64_t hash, std::string_view call_id,
                                          std::string_view from_tag);
  // The same, the first that fits(call).
  template <class Fits>
  [[nodiscard]] std::uint32_t find_caller(std::uint64_t hash, std::string_view call_id,
                                          std::string_view from_tag, Fits&& fits) {
    return index_.find(hash, [&](std::uint32_t call) {
      return same(call, call_text::call_id, call_id) && same(call, call_text::from_tag, from_tag) &&
             fits(call);
    });
  }
  // Another dialog of the call of `of`, the first that fits(call): it was answered, has not ended,
  // and has the same Call-ID, caller's tag and caller's address. A call that passes us twice comes
  // from another address each time.
  template <class Fits>
  [[nodiscard]] std::uint32_t find_beside(std::uint32_t of, Fits&& fits) {
    const auto key =
        gather(of, std::array{call_text::call_id, call_text::from_tag, call_text::caller_address});
    const ip_address caller = unpack_endpoint(key[2]).ip;
    return find_caller(call_hash(key[0], secret_), key[0], key[1], [&](std::uint32_t call) {
      const call_state s = records_[call].state;
      return call != of && s != call_state::early && s != call_state::ended &&
             unpack_endpoint(text(call, call_text::caller_address)).ip == caller && fits(call);
    });
  }
  // Visits the records of the Call-ID with this hash, in no order, if it has no more bytes.
  template <class Visit>
  void for_each_of(std::uint64_t hash, std::size_t most_bytes, Visit&& visit) {
    (void)index_.find(hash, [&](std::uint32_t call) {
      const std::size_t len = records_[call].text_len[static_cast<std::size_t>(call_text::call_id)];
      if (len <= most_bytes && call_hash(text(call, call_text::call_id), secret_) == hash)
        visit(call);
      return false;
    });
  }
  // How many records bear this Call-ID, those that have ended included.
  [[nodiscard]] std::size_t count_dialogs(std::uint64_t hash, std::string_view call_id);
  // Hints: what a look-up by that hash will read. The index first; a record once the index is
  // there, the one that most likely is the call, or no_call.
  void prefetch_index(std::uint64_t hash) const noexcept { index_.prefetch(hash); }
  std::uint32_t prefetch_record(std::uint64_t hash) const noexcept {
    const std::uint32_t call = index_.find(hash, [](std::uint32_t) { return true; });
    if (call != no_call) prefetch_record_of(call);
    return call;
  }
  void prefetch_record_of(std::uint32_t call) const noexcept {
    const char* const record = reinterpret_cast<const char*>(&records_[call]);
    for (std::size_t line = 0; line < sizeof(call_record); line += 64)
      __builtin_prefetch(record + line);
  }

  // One text; valid until the next call of text or texts, where it does not lie in the record.
  [[nodiscard]] std::string_view text(std::uint32_t call, call_text which) const;
  // All texts, in a buffer of the table's own; valid until the next call of text or texts.
  [[nodiscard]] call_texts texts(std::uint32_t call) const;
  // Replaces the texts; they must not lie in the table's own buffer, but may lie in the record.
  // False where not even Call-ID, tags and addresses could be kept; then nothing has changed.
  [[nodiscard]] bool set_texts(std::uint32_t call, const call_texts& texts);

  // A record in state ended, to be given back early because the table is full; no_call where a
  // bounded search finds none.
  [[nodiscard]] std::uint32_t find_ended();

 private:
  static constexpr std::size_t mandatory_texts = 5; // up to callee_address
  static constexpr std::uint32_t overflow_block_bytes = 64;

  // Copies of some of its texts, valid until the next one or set_texts.
  [[nodiscard]] std::array<std::string_view, 3> gather(std::uint32_t of,
                                                       const std::array<call_text, 3>& which);
  [[nodiscard]] bool same(std::uint32_t call, call_text which, std::string_view text) const;
  [[nodiscard]] dialog_match match(std::uint32_t call, std::string_view call_id,
                                   std::string_view from_tag, std::string_view to_tag) const;

  node_secret secret_;
  std::uint64_t run_; // in the upper 16 bits, not 0
  record_array<call_record> records_;
  flat_index index_;
  block_pool overflow_;
  mutable record_array<char> scratch_; // texts() and text() put together here
  record_array<char> gather_;          // set_texts and gather do so here
  std::uint32_t first_free_ = no_call;
  std::uint32_t hand_ = 0; // of find_ended
};

} // namespace linehunt::calls
