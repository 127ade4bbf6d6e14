// SPDX-License-Identifier: Apache-2.0
// Signs of life: OPTIONS within an answered call, to the parties that its rule names. Unanswered,
// or answered 481 or 408, it ends the call; any other answer shows that the party lives (RFC 3261
// 11, 12.2.1.2).
//
// Whatever the rule says, both parties are asked once where a re-INVITE or UPDATE is answered 408
// or not at all: one may be gone, and the other may drop the call without a BYE then. The silence
// of who owes that answer ends the call. Of who has asked only 481 does: nothing has shown that
// what we send reaches him.
//
// The OPTIONS bears the highest CSeq number that the other party has used, not the next one: RFC
// 3261 12.2.2 lets an equal number pass, and the party's own next request must not find its number
// taken. A stack that does not let it pass answers 500, and is alive.
//
// A call that a crash has left (kept_call::uncertain) may be over. Both parties are asked once, and
// one that does not know it, 481, ends it, however late it says so. Silence does not, nor 408,
// which is a proxy's word for it: nobody has said that they answer OPTIONS. A crash may leave
// millions of calls: they are asked one after another.
#include "dataplane/engine/state.h"

namespace linehunt {
namespace {

constexpr std::uint8_t wanted_flags = call_record::ping_caller | call_record::ping_callee;
constexpr std::uint8_t open_flags = call_record::caller_ping_open | call_record::callee_ping_open;
static_assert(wanted_flags << 2 == open_flags);
constexpr std::uint16_t doubted = call_record::caller_doubted | call_record::callee_doubted;
static_assert(doubted == open_flags);
constexpr std::uint16_t owes = call_record::caller_owes | call_record::callee_owes;
static_assert(doubted << 7 == owes);

constexpr std::uint32_t unverified_interval_s = 30;
constexpr std::uint8_t most_tries_unwanted = 4;
constexpr time_us between_unverified_us = 1000;
constexpr time_us all_unverified_us = 900'000'000; // a quarter of an hour, however many there are
constexpr time_us prompt_us = 10'000;              // not worth a timer of its own

// Of the pings by which both are asked: seconds up to then, as many bits as own_branch has for it.
std::uint16_t ordinal_of_asking(const call_record& record) noexcept {
  return (record.asks_at() - record.started_at) / 1'000'000 & 0x7fff;
}

} // namespace

bool engine::state::pings_wanted(std::uint32_t call) const noexcept {
  return (calls[call].flags & wanted_flags) != 0 && world->timers.ping_interval_s != 0;
}

bool engine::state::pings(std::uint32_t call) const noexcept {
  return pings_wanted(call) ||
         (calls[call].origin & (call_record::unverified | call_record::asked)) != 0;
}

// Open pings by whose silence the call ends.
std::uint8_t engine::state::pings_owed(std::uint32_t call) const noexcept {
  const call_record& record = calls[call];
  std::uint8_t owed = 0;
  if (pings_wanted(call)) owed |= static_cast<std::uint8_t>((record.flags & wanted_flags) << 2);
  if ((record.origin & call_record::asked) != 0)
    owed |= static_cast<std::uint8_t>(record.origin & doubted);
  return owed & record.flags & open_flags;
}

time_us engine::state::ping_interval(std::uint32_t call) const noexcept {
  const bool unverified = (calls[call].origin & call_record::unverified) != 0;
  return (unverified ? unverified_interval_s : world->timers.ping_interval_s) * 1'000'000ull;
}

// While one is open, its repetition; otherwise the next whole interval since the answer. Calls are
// answered at all times, so that spreads the pings.
time_us engine::state::next_ping(std::uint32_t call) const noexcept {
  const call_record& record = calls[call];
  if ((record.flags & open_flags) != 0)
    return after_ms(wait_after(static_cast<std::uint8_t>(record.tries - 1)).next_ms);
  const time_us interval = ping_interval(call);
  return now + interval - (now - record.answered_at()) % interval;
}

bool engine::state::waits_for_its_turn(std::uint32_t call) {
  call_record& record = calls[call];
  if ((record.flags & open_flags) != 0 ||
      (record.origin & (call_record::unverified | call_record::has_turn)) !=
          call_record::unverified)
    return false;
  record.origin |= call_record::has_turn;
  const time_us turn = std::max(now, next_turn);
  next_turn = turn + std::min(between_unverified_us, all_unverified_us / uncertain_calls);
  if (turn - now < prompt_us) return false;
  timers.arm(call, std::min(turn, end_due(call).at));
  return true;
}

void engine::state::send_pings(std::uint32_t call) {
  if (waits_for_its_turn(call)) return;
  call_record& record = calls[call];
  const bool unverified = (record.origin & call_record::unverified) != 0;
  if ((record.flags & open_flags) == 0) {
    record.flags |=
        unverified ? open_flags : static_cast<std::uint8_t>((record.flags & wanted_flags) << 2);
    record.tries = 0;
  }
  const bool asked = (record.origin & call_record::asked) != 0;
  const bool wanted = pings_owed(call) != 0;
  const std::uint64_t waited_ms = wait_after(record.tries).so_far_ms;
  if (wanted && waited_ms >= transaction_timeout_ms()) {
    close_call(call, end_cause::ping_lost);
    return;
  }
  if (!wanted && record.tries >= most_tries_unwanted) {
    take_for_alive(call);
    return;
  }
  if (record.tries > 0) count(counters.retransmissions_sent);
  // Counted in intervals up to the first sending, which repetitions reckon back to.
  const auto ordinal =
      asked ? ordinal_of_asking(record)
            : static_cast<std::uint16_t>((now - waited_ms * 1000 - record.answered_at()) /
                                         ping_interval(call));
  // Texts that the pool had no room for went from the last: without its From nobody knows whether a
  // call had routes too. Past them another may say 481, so for a doubt such a call is not asked.
  const bool way_is_known = !asked || unverified || pings_wanted(call) ||
                            record.text_len[static_cast<std::size_t>(call_text::from_uri)] != 0;
  for (const bool to_callee : {false, true}) {
    const auto open = to_callee ? call_record::callee_ping_open : call_record::caller_ping_open;
    if ((record.flags & open) == 0) continue;
    const std::uint32_t cseq = to_callee ? record.caller_cseq : record.callee_cseq;
    const bool sent = way_is_known && send_own_request(call, {"OPTIONS", branch_kind::own_ping,
                                                              to_callee, cseq, ordinal});
    // Who cannot be reached is treated as one who does not answer, if a rule says that he does.
    if (!sent && asked) record.flags &= static_cast<std::uint8_t>(~open);
  }
  if ((record.flags & open_flags) == 0) {
    take_for_alive(call);
    return;
  }
  ++record.tries;
  arm_call_timer(call);
}

verdict engine::state::on_own_ping_response(const own_branch& branch) {
  const std::uint32_t call = find_own(branch);
  if (call == no_call) return verdict::dropped_stray_response;
  call_record& record = calls[call];
  const auto open =
      branch.to_callee ? call_record::callee_ping_open : call_record::caller_ping_open;
  if (record.state != call_state::answered || view.status < 200)
    return verdict::response_consumed; // provisional
  const bool is_open = (record.flags & open) != 0;
  const bool uncertain = (record.origin & call_record::uncertain) != 0;
  const bool wanted = (pings_owed(call) & open) != 0;
  // Of a ping before, for which a proxy has waited until now: this one may yet be answered.
  if (view.status == 408 && (record.origin & call_record::asked) != 0 &&
      branch.ordinal != ordinal_of_asking(record))
    return verdict::response_consumed;
  if ((view.status == 481 && (is_open || uncertain)) || (view.status == 408 && wanted)) {
    close_call(call, end_cause::ping_lost);
    return verdict::response_consumed;
  }
  if (!is_open) return verdict::response_consumed; // repeated
  record.flags &= static_cast<std::uint8_t>(~open);
  if ((record.flags & open_flags) == 0) take_for_alive(call);
  return verdict::response_consumed;
}

// Until the next ping, if its rule wants any.
void engine::state::take_for_alive(std::uint32_t call) {
  call_record& record = calls[call];
  record.flags &= static_cast<std::uint8_t>(~open_flags);
  record.origin &= static_cast<std::uint16_t>(~call_record::unverified);
  if ((record.origin & call_record::asked) != 0) {
    const auto owed = static_cast<std::uint16_t>((record.origin & owes) >> 7);
    record.ask_no_more();
    if (owed != 0) {
      record.origin |= owed;
      record.ask_at(after_ms(transaction_timeout_ms() + world->timers.t2_ms));
    }
  }
  arm_call_timer(call);
}

// A re-INVITE or UPDATE goes on, for the first time. Its sender has given up 64*T1 later (timers B
// and F), and hangs up then, if at all.
void engine::state::expect_answer(const dialog_match& match) {
  const call_record& record = calls[match.call];
  const bool is_offer = view.method == sip::method::invite || view.method == sip::method::update;
  const std::uint32_t cseq = match.from == side::caller ? record.caller_cseq : record.callee_cseq;
  if (is_offer && routing.cseq.number > cseq && is_party(match.call, in->source))
    ask_later(match, transaction_timeout_ms());
}

bool engine::state::may_be_asked(std::uint32_t call) const noexcept {
  const call_record& record = calls[call];
  return record.state == call_state::answered && (record.flags & call_record::acked) != 0 &&
         (record.origin & call_record::asked) == 0;
}

// Unless a BYE comes meanwhile, or an answer to an offer after all.
void engine::state::ask_later(const dialog_match& match, std::uint64_t wait_ms) {
  call_record& record = calls[match.call];
  const auto of_it =
      match.from == side::caller ? call_record::callee_doubted : call_record::caller_doubted;
  if ((record.origin & call_record::asked) != 0) {
    // He is asked for another reason already, for which his silence did not count.
    record.origin |= static_cast<std::uint16_t>(wait_ms == 0 ? of_it : of_it << 7);
    if (wait_ms == 0) record.origin &= static_cast<std::uint16_t>(~(of_it << 7));
  }
  if (!may_be_asked(match.call)) return;
  record.origin |= of_it;
  const time_us at = after_ms(wait_ms + world->timers.t2_ms);
  if (!record.asks() || at < record.asks_at()) record.ask_at(at);
  arm_call_timer(match.call);
}

// Somebody may have dropped the call without a word to us, and says 481 then. Nobody owes an
// answer, so the silence of neither ends it. Who owes one to an offer is not asked sooner for it:
// his silence would count before his time is up.
void engine::state::ask_of_drop(std::uint32_t call) {
  call_record& record = calls[call];
  if (!may_be_asked(call) || (record.asks() && record.asks_at() > now)) return;
  record.ask_at(after_ms(world->timers.t2_ms));
  arm_call_timer(call);
}

// Of a call from the run before. It may have rung there, so it has the time of that.
void engine::state::doubt_anew(std::uint32_t call, bool caller, bool callee) {
  call_record& record = calls[call];
  if (caller) record.origin |= call_record::caller_doubted;
  if (callee) record.origin |= call_record::callee_doubted;
  if (caller || callee) record.ask_at(after_ms(world->timers.timer_c_ms + world->timers.t2_ms));
}

// That side, which is being asked, has shown otherwise that it has the call: its silence to OPTIONS
// does not end it any more. What it said before may have been its last word. Whether the other side
// has the call, which may have given up for want of an answer, is asked all the same.
void engine::state::note_life(std::uint32_t call, side whose) {
  call_record& record = calls[call];
  if (record.state != call_state::answered || (record.origin & call_record::asked) == 0) return;
  record.origin &= static_cast<std::uint16_t>(
      ~(whose == side::caller ? call_record::caller_doubted : call_record::callee_doubted));
}

// He has refused an offer, and so has the call, as has who has made the offer.
void engine::state::note_answer(const dialog_match& match) {
  call_record& record = calls[match.call];
  if (record.state != call_state::answered) return;
  if (!is_to_be_asked(match.call)) {
    record.origin &= static_cast<std::uint16_t>(
        ~(match.from == side::caller ? call_record::callee_owes : call_record::caller_owes));
    note_life(match.call, match.from == side::caller ? side::callee : side::caller);
    return;
  }
  record.ask_no_more();
  arm_call_timer(match.call);
}

// Who has got a provisional answer to his INVITE waits for the final one without end (RFC 3261
// 17.1.1.2), and proxies between for timer C anew (16.7 (2)); an UPDATE has its timer F all the
// same (17.1.2.2). A 100 may be the next proxy's: no party has said anything with it.
void engine::state::note_provisional(const dialog_match& match) {
  call_record& record = calls[match.call];
  if (routing.cseq.method != sip::method::invite || !record.asks()) return;
  const auto of_it =
      match.from == side::caller ? call_record::callee_doubted : call_record::caller_doubted;
  if ((record.origin & call_record::asked) != 0) {
    if (view.status == 100) return;
    record.origin &= static_cast<std::uint16_t>(~(of_it << 7));
    take_for_alive(match.call);
    if (record.asks()) return; // the other side owes one as well
  } else if ((record.origin & doubted) != of_it) {
    return; // it has had its final answer; or the other side owes one as well
  }
  record.origin |= of_it;
  record.ask_at(after_ms(world->timers.timer_c_ms + world->timers.t2_ms));
  arm_call_timer(match.call);
}

void engine::state::ask_both(std::uint32_t call) {
  call_record& record = calls[call];
  record.origin |= call_record::asked;
  record.flags |= open_flags;
  record.tries = 0;
  send_pings(call);
}

} // namespace linehunt
