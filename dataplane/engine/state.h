// SPDX-License-Identifier: Apache-2.0
// The engine's state, private to dataplane/engine/. What the members mean is said here; each group
// of functions lives in the file that its comment names. Everything happens in one thread, at the
// time `now`, towards `out`; both are set at each entry (engine.cpp).
#pragma once

#include "dataplane/engine.h"
#include "dataplane/engine/branch.h"
#include "dataplane/engine/call_table.h"
#include "dataplane/engine/overload_table.h"
#include "dataplane/engine/own_headers.h"
#include "dataplane/engine/resting_addresses.h"
#include "dataplane/engine/routes.h"
#include "dataplane/engine/transaction_table.h"
#include "dataplane/timer_wheel.h"
#include "sipparse/build.h"
#include "sipparse/edit_list.h"
#include "sipparse/fields.h"
#include "sipparse/message_view.h"
#include "sipparse/routing_view.h"

#include <optional>

namespace linehunt {

using namespace calls; // the engine's own names, see dataplane/engine/*.h

struct engine::state final : selection_listener {
  state(const engine_setup& setup, const snapshot& first);

  // --- receive.cpp: the datagram at hand
  verdict receive(const datagram& in);
  verdict on_request();
  verdict on_response();

  // --- local_answer.cpp: replies to the request at hand that leave no state
  verdict reply(std::uint16_t status, std::string_view reason, verdict v,
                std::string_view extra_headers = {});
  verdict answer_options();
  verdict refuse_method();
  verdict refuse_extensions(sip::header_id id); // of the headers with that name
  [[nodiscard]] bool via_needs_received() const noexcept;

  // --- new_call.cpp: an INVITE outside any dialog
  verdict on_invite();
  [[nodiscard]] bool is_dropped_by_rule() const noexcept;
  // How often the INVITE at hand has passed us before, and as what it did so last.
  struct earlier_passes {
    std::size_t count = 0;
    std::optional<calls::invite_branch> last;
  };
  verdict start_call(std::uint64_t key, const rule_decision& decision,
                     const earlier_passes& before);
  // Those of a new call, with its INVITE in them; no_transaction where there is no room.
  [[nodiscard]] std::uint32_t make_records(std::uint64_t key, const rule_decision& decision,
                                           const sip::edit_list& edits);
  [[nodiscard]] bool keep_invite(invite_transaction& t, const sip::edit_list& edits);
  // Where a new call goes. nullopt: its first attempt has begun, and the INVITE may go.
  [[nodiscard]] std::optional<verdict> forward_by_rule(std::uint32_t transaction,
                                                       const rule_decision& decision);
  [[nodiscard]] std::optional<verdict> balance(std::uint32_t transaction,
                                               const rule_decision& decision);
  // A record each, out of what is free or can be made free.
  [[nodiscard]] std::uint32_t take_transaction(std::uint64_t key);
  [[nodiscard]] earlier_passes passes_before() const noexcept;
  void note_spiral(std::uint32_t call, const calls::invite_branch& last);
  [[nodiscard]] std::uint32_t take_call();
  [[nodiscard]] std::uint32_t take_record(const calls::call_texts& texts);
  // What every forwarded request needs: Max-Forwards, received and rport.
  void edit_request(sip::edit_list& edits) const noexcept;
  void name_sender(sip::edit_list& edits) const noexcept;
  void trim(sip::edit_list& edits) const noexcept;
  // With our own headers it is still a datagram.
  [[nodiscard]] bool fits(const sip::edit_list& edits) const noexcept;
  static constexpr std::int64_t own_headers_most = sizeof(own_headers::bytes);

  // --- attempts.cpp: a destination for a call, and the INVITE to it
  [[nodiscard]] selection_outcome choose(std::uint32_t transaction, holding& held);
  void decided(waiter who, selection_outcome outcome, const holding& held) override;
  // Notes the destination; false where it has no address any more.
  [[nodiscard]] bool begin_attempt(std::uint32_t transaction, const holding& held);
  // Where an INVITE to `d` goes now: none of the addresses that it was sent to already.
  [[nodiscard]] std::optional<outbound> next_outbound(const invite_transaction& t,
                                                      const linehunt::destination& d) const;
  // RFC 3263 4.3: after a 503 or no reply at all the next address of the same destination, with the
  // lines that the call holds there. False where there is none left.
  [[nodiscard]] bool try_next_address(std::uint32_t transaction, std::uint32_t retry_after_s);
  // Of one destination, for one call; the attempts that are left are for others.
  static constexpr std::size_t max_addresses_tried = 4;
  void begin_attempt_to(std::uint32_t transaction, const outbound& where, destination_index index,
                        std::uint32_t id);
  [[nodiscard]] own_headers headers_of(std::uint32_t transaction, std::size_t attempt) const;
  void send_invite(std::uint32_t transaction);
  // The INVITE as attempt number `attempt` has it, in scratch_a.
  [[nodiscard]] std::string_view sent_invite(std::uint32_t transaction, std::size_t attempt);
  void park(std::uint32_t transaction);
  // Goes on to the next destination (or, of a call that was sent to none, to the first), or refuses
  // upstream.
  void fail_over(std::uint32_t transaction);
  // No new calls for the destination of a failed attempt: until told otherwise, or for a while.
  // `status` says what it answered.
  void set_aside(const attempt& failed, bool disable, std::uint16_t status,
                 std::uint32_t retry_after_s);
  [[nodiscard]] static bool may_fail_over(const invite_transaction& t);
  [[nodiscard]] static bool wants_failover(const invite_transaction& t, std::uint16_t status);

  // Refuses upstream, for want of a destination.
  verdict refuse_call(std::uint32_t transaction, selection_outcome outcome);
  // No new calls for that destination, for a while.
  void pause(destination_index d, std::uint64_t seconds);
  // Destinations that one selection may pass over for their overload.
  static constexpr std::size_t max_passed_over = 32;

  // --- replaces.cpp: RFC 3891
  // The call that an INVITE replaces, as all workers can name it: keyed hashes of Call-ID and tags.
  struct replaced_call {
    std::uint64_t hash = 0;
    std::uint32_t to_mark = 0, from_mark = 0;
  };
  // nullopt where the message does not name just one.
  [[nodiscard]] std::optional<replaced_call> replaced_by(const sip::message_view& invite) const;
  // For the INVITE at hand, before its selection. False: it waits until another worker has said
  // where that call is.
  [[nodiscard]] bool know_replaced(std::uint32_t transaction);
  void prefer(std::uint32_t transaction, destination_index d);
  void ask_for_replaced(std::uint32_t transaction, const replaced_call& wanted);
  [[nodiscard]] destination_index in_group(destination_index d, std::uint32_t group) const;
  void ask_again(std::uint32_t transaction);
  void answer_where(const linehunt::mail& question);
  void hear_where(const linehunt::mail& answer);
  void go_on(std::uint32_t transaction); // with what is known
  // Where it does, its waiting is over.
  void forget_question(invite_transaction& t) noexcept;
  [[nodiscard]] destination_index destination_with(const replaced_call& wanted);
  [[nodiscard]] destination_index destination_beside(std::uint32_t call, side whose);

  // --- overload.cpp: RFC 7339
  void note_overload(destination_index d);
  void hear_overload(const linehunt::mail& m);
  // The destination that the call was sent to, where it is one and has that address.
  [[nodiscard]] destination_index callee_at(std::uint32_t call, const ip_address& ip) const;
  [[nodiscard]] bool sheds(const invite_transaction& t, destination_index d) const noexcept;
  // Of what comes from others; false where it is too much to be taken out.
  [[nodiscard]] bool strip_overload(sip::edit_list& edits,
                                    const sip::via_field& next) const noexcept;

  // --- client_transaction.cpp: towards the destination
  void on_client_timer(std::uint32_t transaction);
  void on_deadline(std::uint32_t transaction);
  [[nodiscard]] time_us longest_wait(const invite_transaction& t) const noexcept; // for an answer
  // So long from now, and no longer than that.
  void wait_for_answer(std::uint32_t transaction, std::uint64_t most_ms);
  void note_absence(time_us since, time_us until) noexcept;
  void send_ack(std::uint32_t transaction, std::size_t attempt);
  // The first CANCEL to that attempt; timer E repeats it until it is answered.
  void send_cancel(std::uint32_t transaction, std::size_t attempt);
  void write_cancel(std::uint32_t transaction, std::size_t attempt);
  void on_cancel_timer(std::uint32_t transaction);
  void arm_cancel_timer(std::uint32_t transaction);

  // --- server_transaction.cpp: towards the caller
  verdict repeat_reply(std::uint32_t transaction);
  void answer_invite(std::uint32_t transaction, std::uint16_t status, std::string_view reason,
                     std::string_view extra_headers = {});
  void complete(std::uint32_t transaction); // a failure went upstream: timers G and H
  void on_server_timer(std::uint32_t transaction);
  // Final failure: the call ends, its lines are free.
  void fail_call(std::uint32_t transaction);
  void finish_transaction(std::uint32_t transaction);

  // --- invite_response.cpp: responses to an INVITE of a transaction
  verdict on_invite_response(const invite_branch& branch);
  void note_ringing(attempt& a) noexcept; // for the post-dial delay
  verdict on_provisional(std::uint32_t transaction, std::size_t attempt);
  verdict on_success(std::uint32_t transaction, std::size_t attempt);
  verdict on_failure(std::uint32_t transaction, std::size_t attempt);
  verdict on_late_success(const invite_branch& branch);
  void answer_call(std::uint32_t transaction, std::size_t attempt);
  void learn_callee(std::uint32_t call, const attempt& from);
  void note_ringing_at(invite_transaction& t);
  // False where the INVITE has as many dialogs as it may. `transaction`: of that INVITE, or
  // no_transaction where it has gone, and which attempt of it was answered.
  [[nodiscard]] bool note_other_dialog(std::uint32_t transaction, std::size_t attempt,
                                       listener_index caller_listener);
  // How requests of ours get to the caller of a 2xx.
  struct caller_way {
    std::string_view target, routes; // in the buffer
  };
  [[nodiscard]] caller_way way_to_caller(std::uint32_t transaction, const endpoint& caller,
                                         std::span<char> buffer);
  // Of one INVITE, that with the lines among them. More would let one destination fill the table;
  // a request that a forking proxy sends to more devices that all answer at once is unheard of.
  static constexpr std::size_t max_dialogs_per_invite = 8;

  // --- cancel.cpp
  verdict on_cancel();
  // By the caller, whose CANCEL is the datagram at hand.
  void cancel_call(std::uint32_t transaction);
  void keep_reason(std::uint32_t transaction);

  // --- ack.cpp
  verdict on_ack();

  // --- in_dialog.cpp: requests within a call
  verdict on_in_dialog();
  verdict forward_in_dialog(const dialog_match& match, const route_plan& plan,
                            sip::edit_list& edits);
  // The call that was answered beside the early dialog of the request at hand, if there is one.
  [[nodiscard]] dialog_match find_early_beside();
  verdict forward_in_early(const dialog_match& beside, const route_plan& plan,
                           sip::edit_list& edits);
  [[nodiscard]] bool edit_within(std::uint32_t call, listener_index listener, bool offer_overload,
                                 sip::edit_list& edits) const;
  verdict too_long_within();
  // A call of which nothing is known: another run of the program has set it up, or it has ended.
  [[nodiscard]] std::optional<outbound> way_without_call(const route_plan& plan) const;
  [[nodiscard]] bool tells_of_a_transfer() const noexcept;
  verdict forward_without_call(std::uint64_t handle, const outbound& to, sip::edit_list& edits);
  [[nodiscard]] dialog_match find_dialog(std::uint64_t handle);
  [[nodiscard]] bool is_party(std::uint32_t call, const endpoint& source) const;
  // The listener for a request within a call: the one that the call uses on that side, unless `to`
  // lies on the network of another port. nullopt: there is no way.
  [[nodiscard]] std::optional<listener_index> listener_towards(const endpoint& to,
                                                               listener_index used) const;
  [[nodiscard]] bool was_tried(std::uint32_t call, const ip_address& ip) const;
  [[nodiscard]] bool belongs_to(std::uint32_t call, side whose, const ip_address& ip) const;
  [[nodiscard]] bool goes_the_known_way(std::uint32_t call, side whose,
                                        const route_plan& plan) const;
  [[nodiscard]] std::string_view first_route(std::uint32_t call, side whose) const;
  [[nodiscard]] endpoint callee_of(std::uint32_t call) const;
  // How a request passes. `by_itself`: on this way of the call, and not on another one of the same.
  struct offer_way {
    bool by_itself, of_party, counts;
  };
  void note_request(const dialog_match& match, const offer_way& way);
  [[nodiscard]] bool counts_in_dialog(const dialog_match& match) const;
  void note_number(const dialog_match& of);
  [[nodiscard]] std::uint32_t via_hash_here() const;
  void note_way_of_bye(const dialog_match& match, bool known_way);
  // A BYE is on its way.
  void leave(std::uint32_t call);
  // Of a tag or an address, to know it again; never 0.
  [[nodiscard]] std::uint32_t mark_of(std::string_view tag) const noexcept;
  [[nodiscard]] std::uint32_t mark_of(const ip_address& ip) const noexcept;

  // --- offers.cpp: the re-INVITE or UPDATE at hand, or that the response at hand answers
  // `via_hash`: of the branch that was answered.
  void note_offer(const dialog_match& of, const offer_way& way);
  bool agree_to_offer(const dialog_match& of, std::uint32_t via_hash);
  void refuse_offer(const dialog_match& of, std::uint32_t via_hash);
  [[nodiscard]] bool is_answered_by_itself(const dialog_match& of);
  [[nodiscard]] std::string_view callee_tag(const dialog_match& of) const noexcept;
  void set_target(std::uint32_t call, side whose, std::string_view uri);

  // --- stateless_response.cpp: responses within a call
  verdict on_stateless_response(const stateless_branch& branch);
  [[nodiscard]] stored_bytes store_text(std::string_view bytes);
  verdict forward_response(listener_index listener);
  // `asker`: where its request came from, as far as that is known for sure.
  void note_response(const dialog_match& match, const endpoint* asker, std::uint32_t via_hash);
  [[nodiscard]] same_dialogs same_dialogs_as(std::uint32_t call);
  void on_bye_answered(const dialog_match& match);
  // Ours, and from `next`, the one below it, what is not to go upstream.
  [[nodiscard]] bool remove_top_via(sip::edit_list& edits,
                                    const sip::via_field& next) const noexcept;
  // Where the response at hand goes next; nullptr where it cannot be read.
  [[nodiscard]] const sip::via_field* next_via() const noexcept;
  void refresh(const dialog_match& of, std::uint32_t via_hash);
  void note_refresh(std::uint32_t call, bool is_news);

  // --- call_end.cpp
  [[nodiscard]] holding held_by(std::uint32_t call) const noexcept;
  void hold(std::uint32_t call, const holding& held) noexcept;
  // The call is at that destination from now on, with or without lines; no_index: at none.
  void move_call(std::uint32_t call, destination_index to) noexcept;
  void count_at(destination_index d, std::int64_t by) noexcept;
  void release(std::uint32_t call) noexcept;
  void end_call(std::uint32_t call, end_cause cause);
  void close_call(std::uint32_t call, end_cause cause); // BYE both ways
  void send_byes(std::uint32_t call);
  void end_closed(std::uint32_t call); // both BYEs are over
  verdict on_own_bye_response(const own_branch& branch);
  void on_call_timer(std::uint32_t call);
  [[nodiscard]] bool ends_with_another_way(std::uint32_t call);
  struct end_to_come {
    time_us at = 0;
    end_cause cause = end_cause::max_duration;
  };
  [[nodiscard]] end_to_come end_due(std::uint32_t call) const noexcept;
  void arm_call_timer(std::uint32_t call);
  void end_by_handle(std::uint64_t handle);

  // --- dialogs.cpp
  destination_index note_dialogs(std::uint32_t call);
  void pass_on(std::uint32_t call);
  void close_others(std::uint32_t call, end_cause cause);

  // --- keeping.cpp
  // Of which it holds a line.
  struct call_resources {
    std::array<resource_id, max_resources_per_call> names{};
    std::uint8_t count = 0;
  };
  [[nodiscard]] call_resources resources_of(std::uint32_t call) const;
  [[nodiscard]] std::uint32_t
  visit_kept(std::uint32_t first, std::uint32_t places,
             const std::function<bool(const kept_call&)>& take) const; // see engine
  [[nodiscard]] bool is_kept(std::uint32_t call) const noexcept;
  // Its texts are good as long as those of `calls.texts`.
  [[nodiscard]] kept_call kept(std::uint32_t call) const;
  [[nodiscard]] bool restore(const kept_call& kept);
  [[nodiscard]] listener_index usable_listener(listener_index had, const endpoint& peer) const;

  // --- own_request.cpp: what we send within a call in the place of the other party
  struct own_request {
    std::string_view method;
    branch_kind kind = branch_kind::own_bye;
    bool to_callee = false;
    std::uint32_t cseq = 0;
    std::uint16_t ordinal = 0; // see own_branch
  };
  [[nodiscard]] bool send_own_request(std::uint32_t call, const own_request& what);
  // The call that a response to one belongs to, or no_call.
  [[nodiscard]] std::uint32_t find_own(const own_branch& branch) const noexcept;
  // Timer E (RFC 3261 17.1.2.2): what was waited after so many sendings, and the wait to come.
  struct retry_wait {
    std::uint64_t so_far_ms = 0;
    std::uint64_t next_ms = 0;
  };
  [[nodiscard]] retry_wait wait_after(std::uint8_t tries) const noexcept;

  // --- ping.cpp: OPTIONS within answered calls
  [[nodiscard]] bool pings_wanted(std::uint32_t call) const noexcept; // by its rule
  [[nodiscard]] bool pings(std::uint32_t call) const noexcept;
  [[nodiscard]] time_us ping_interval(std::uint32_t call) const noexcept;
  [[nodiscard]] time_us next_ping(std::uint32_t call) const noexcept;
  [[nodiscard]] bool waits_for_its_turn(std::uint32_t call);
  void send_pings(std::uint32_t call);
  verdict on_own_ping_response(const own_branch& branch);
  void take_for_alive(std::uint32_t call);
  [[nodiscard]] bool is_to_be_asked(std::uint32_t call) const noexcept {
    return calls[call].asks() && (calls[call].origin & call_record::asked) == 0;
  }
  [[nodiscard]] std::uint8_t pings_owed(std::uint32_t call) const noexcept;
  void expect_answer(const dialog_match& match);
  void ask_later(const dialog_match& match, std::uint64_t wait_ms);
  [[nodiscard]] bool may_be_asked(std::uint32_t call) const noexcept;
  void ask_of_drop(std::uint32_t call);
  void note_life(std::uint32_t call, side whose);
  void note_answer(const dialog_match& match);
  void note_provisional(const dialog_match& match);
  void doubt_anew(std::uint32_t call, bool caller, bool callee);
  void ask_both(std::uint32_t call);

  // --- probe.cpp
  void send_probe(destination_index index, std::uint64_t number);
  void send_probe_to(const linehunt::destination& d, std::size_t address, std::uint64_t number);
  void rest_first_probed(const linehunt::destination& d);
  verdict on_probe_response(std::uint64_t number);

  void adopt(const snapshot& next);
  void on_timer(std::uint32_t id);
  [[nodiscard]] const linehunt::destination* find_destination(destination_index index) const;
  // nullptr where it is not configured any more; another one may have its number by now.
  [[nodiscard]] const linehunt::destination* destination_of(const attempt& a) const;
  [[nodiscard]] post_dial_delay* delays_of(const attempt& a) noexcept; // the same

  // Timers: one for each call, four for each transaction, one for each destination.
  static constexpr std::uint32_t transaction_timers = 4;
  [[nodiscard]] std::uint32_t client_timer(std::uint32_t t) const {
    return calls.capacity() + transaction_timers * t;
  }
  [[nodiscard]] std::uint32_t server_timer(std::uint32_t t) const { return client_timer(t) + 1; }
  [[nodiscard]] std::uint32_t deadline_timer(std::uint32_t t) const { return client_timer(t) + 2; }
  [[nodiscard]] std::uint32_t cancel_timer(std::uint32_t t) const { return client_timer(t) + 3; }
  // The end of a pause that a 503's Retry-After asked for.
  [[nodiscard]] std::uint32_t pause_timer(destination_index d) const {
    return client_timer(transactions.capacity()) + d;
  }
  // The name of a call that waits in the ledger.
  [[nodiscard]] waiter waiter_of(std::uint32_t transaction) const noexcept {
    return std::uint64_t{transactions[transaction].generation} << 32 | transaction;
  }
  [[nodiscard]] time_us after_ms(std::uint64_t ms) const { return now + ms * 1000; }
  [[nodiscard]] std::uint64_t transaction_timeout_ms() const { // timers B, D, F, H, J, L, M
    return std::uint64_t{64} * world->timers.t1_ms;
  }

  // One writer, so no read-modify-write is needed.
  static void count(std::atomic<std::uint64_t>& counter, std::int64_t by = 1) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(by),
                  std::memory_order_relaxed);
  }

  [[nodiscard]] sip::slice slice_of(std::string_view piece) const noexcept {
    return {static_cast<std::uint16_t>(piece.data() - view.base),
            static_cast<std::uint16_t>(piece.size())};
  }

  engine_setup setup;
  const snapshot* world;
  memory_source& memory;
  load_ledger ledger;
  call_table calls;
  transaction_table transactions;
  timer_wheel timers;
  record_array<std::uint32_t> positions; // destination_index to its place in the snapshot
  resting_addresses resting;
  overload_table overloads;
  engine_counters counters;
  bool draining = false;
  std::uint32_t uncertain_calls = 0; // that a crash has left
  time_us next_turn = 0;             // of one of them, to be asked
  std::uint32_t asking = 0;          // INVITEs that wait for word of the call that they replace

  time_us now = 0;
  time_us back_at = 0; // from the last absence that counts
  action_sink* out = nullptr;

  // The datagram at hand.
  const datagram* in = nullptr;
  std::uint64_t hash = 0; // of its Call-ID
  sip::message_view view;
  sip::routing_view routing;
  // A message of ours out of the tables.
  sip::message_view stored_view;
  // What is put together on the way: a holds messages out of the tables, b what is built from them.
  static constexpr std::size_t scratch_bytes = sip::max_message_bytes + 4096;
  record_array<char> scratch_a, scratch_b;
  [[nodiscard]] std::span<char> buffer_a() noexcept { return {&scratch_a[0], scratch_bytes}; }
  [[nodiscard]] std::span<char> buffer_b() noexcept { return {&scratch_b[0], scratch_bytes}; }

  struct probe_in_flight {
    std::uint64_t number = 0; // 0: none
    time_us first_at = 0;     // when the first address was asked
    time_us all_at = 0;       // and all of them; 0: not yet
    std::uint8_t first = 0;
    std::uint16_t answered = 0; // a bit for each address
  };
  record_array<probe_in_flight> probes; // by destination_index

  // The last re-INVITE or UPDATE of one side of a call, until another call's is in its place.
  struct last_offer {
    std::uint32_t call = no_call;
    std::uint16_t generation = 0;
    side from = side::caller;
    bool open = false;        // it waits for its answer
    bool by_itself = false;   // see offer_way
    bool of_party = false;    // it came from an address of the call
    std::uint8_t uri_len = 0; // of its Contact; 0: none, or one that has no room here
    std::uint32_t callee = 0; // mark of the callee's tag
    std::uint32_t cseq = 0;
    std::uint32_t via_hash = 0; // see stateless_branch
    time_us at = 0;
    std::uint64_t news_from = 0; // CSeq behind that of the last one that was agreed to; 0: none
    std::array<char, 128> uri;
  };
  [[nodiscard]] last_offer& last_offer_of(const dialog_match& of);
  [[nodiscard]] bool is_of(const last_offer& last, const dialog_match& dialog) const;
  [[nodiscard]] bool is_awaited(const last_offer& last) const;
  [[nodiscard]] bool is_answer_to(const last_offer& last, std::uint32_t via_hash) const noexcept;
  std::array<last_offer, 512> last_offers;
  record_array<post_dial_delay> delays;                       // by destination_index
  record_array<std::atomic<std::uint64_t>> destination_calls; // see engine
};

} // namespace linehunt
