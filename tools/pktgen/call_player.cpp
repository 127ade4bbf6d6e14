// SPDX-License-Identifier: Apache-2.0
// The caller's own doing: beginning and ending calls, deadlines. What arrives is in
// call_player_rx.cpp.
#include "tools/pktgen/call_player.h"

namespace linehunt::pktgen {

namespace {

constexpr std::uint8_t most_byes = 4; // then the device is left alone with that call
constexpr std::size_t most_ended_at_once = 64;
constexpr std::size_t room_for_running_calls = 512;

std::uint32_t ms_of(time_ns now) noexcept {
  return static_cast<std::uint32_t>(now / 1'000'000);
}
time_us us_of(time_ns now) noexcept {
  return now / 1000;
}

} // namespace

call_player::call_player(const scene& of, const call_settings& settings, outbox& out, tally& count,
                         memory_source& memory, time_ns start)
    : scene_(of), settings_(settings), texts_(of), checks_(of, texts_), glance_(of, texts_),
      out_(out), count_(&count), records_(settings.max_calls, memory) {
  if (settings.hold_ms)
    holds_ = std::make_unique<timer_wheel>(settings.max_calls, us_of(start), memory);
}

bool call_player::send(std::size_t len, std::uint32_t station, stamp* sent_at) noexcept {
  ++count_->sent;
  count_->sent_bytes += len;
  out_.commit(len, station, sent_at);
  return true;
}

bool call_player::begin_one(time_ns now, time_ns due) noexcept {
  // New calls must not take the places of what running calls have to say.
  if (!records_.any_free() || out_.room() < room_for_running_calls) return false;
  char* const text = out_.begin();
  if (text == nullptr) return false;
  const call_number number = records_.take();
  const identity who(number, settings_.seed);
  call_record& r = records_.at(number.slot);
  r.shape = texts_.shape_of(who);
  r.state = call_state::calling;
  ++count_->calls_begun;
  ++unsettled_;
  r.invite_sent = stamp_of(due);
  send(texts_.invite(text, who, r.shape), r.shape.caller, nullptr);
  await(number, awaited::answer, now);
  return true;
}

void call_player::send_ack(const identity& who, call_number number) noexcept {
  call_record& r = records_.at(number.slot);
  char* const text = out_.begin();
  if (text == nullptr) return;
  send(texts_.ack(text, who, r.shape, r.destination, records_.route(number.slot)), r.shape.caller,
       &r.ack_sent);
}

// False: no room now.
bool call_player::end_call(call_number number, time_ns now) noexcept {
  char* const text = out_.begin();
  if (text == nullptr) return false;
  const identity who(number, settings_.seed);
  call_record& r = records_.at(number.slot);
  if (r.state == call_state::held) {
    --held_;
    if (r.set_up) ++unsettled_;
  }
  r.state = call_state::ending;
  ++r.byes_sent;
  send(texts_.bye(text, who, r.shape, r.destination, records_.route(number.slot)), r.shape.caller,
       r.byes_sent == 1 ? &r.bye_sent : nullptr);
  await(number, awaited::end, now);
  return true;
}

void call_player::finish(call_number number) noexcept {
  --unsettled_;
  records_.give_back(number.slot);
}

void call_player::await(call_number number, awaited what, time_ns now) noexcept {
  deadlines_.push({number, ms_of(now) + settings_.deadline_ms, what});
}

void call_player::count_lost(call_record& r) noexcept {
  if (!r.given_up) ++count_->calls_lost;
  r.given_up = true;
}

void call_player::give_up_answer(call_number number) noexcept {
  call_record& r = records_.at(number.slot);
  lose((r.seen & arrived_invite) == 0 ? message_kind::invite : message_kind::ok_invite);
  count_lost(r);
  finish(number);
}

void call_player::give_up_end(call_number number, time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  if (r.byes_sent == 1)
    lose((r.seen & arrived_bye) == 0 ? message_kind::bye : message_kind::ok_bye);
  count_lost(r);
  // A BYE is repeated, so that what is lost here does not stay in the device for ever.
  if (r.byes_sent < most_byes && end_call(number, now)) return;
  finish(number);
}

void call_player::end_setup(call_record& r) noexcept {
  if (r.set_up) return;
  r.set_up = true;
  if (r.state == call_state::held) --unsettled_;
  if ((r.seen & arrived_trying) == 0) ++count_->trying_missing;
  const auto miss = [&](arrived what, message_kind kind) {
    if ((r.seen & what) != 0) return;
    lose(kind);
    count_lost(r);
  };
  miss(arrived_ringing, message_kind::ringing);
  miss(arrived_ack, message_kind::ack);
}

bool call_player::take_of_setup(call_record& r, arrived what) noexcept {
  r.seen |= what;
  if (r.set_up) {
    ++count_->late;
    return false;
  }
  if ((r.seen & arrived_all_of_setup) == arrived_all_of_setup) end_setup(r);
  return true;
}

void call_player::expire(time_ns now) noexcept {
  const std::uint32_t now_ms = ms_of(now);
  while (!deadlines_.empty() &&
         static_cast<std::int32_t>(now_ms - deadlines_.front().due_ms) >= 0) {
    const waiting w = deadlines_.front();
    deadlines_.pop();
    // Where many end at once, the next few are fetched before they are looked at.
    if (deadlines_.size() > 8) records_.prefetch(deadlines_.peek(8).who.slot);
    if (!is_live(w.who)) continue;
    call_record& r = records_.at(w.who.slot);
    if (w.what == awaited::rest_of_setup)
      end_setup(r);
    else if (w.what == awaited::end)
      give_up_end(w.who, now);
    else if (r.state == call_state::calling)
      give_up_answer(w.who);
  }
}

void call_player::end_the_oldest(time_ns now, std::uint64_t down_to, std::size_t most) noexcept {
  for (std::size_t n = 0; n < most && held_ > down_to; ++n) {
    if (oldest_.size() > 8) records_.prefetch(oldest_.peek(8).slot);
    const call_number number = oldest_.front();
    if (is_live(number) && records_.at(number.slot).state == call_state::held &&
        !end_call(number, now))
      return;
    oldest_.pop();
  }
}

void call_player::advance(time_ns now) noexcept {
  expire(now);
  if (!holds_) return end_the_oldest(now, settings_.held, most_ended_at_once);
  holds_->advance(us_of(now), [&](std::uint32_t slot) {
    const call_record& r = records_.at(slot);
    if (r.state == call_state::held && !end_call({slot, r.generation}, now))
      holds_->arm(slot, us_of(now) + 1000); // no room: a millisecond later
  });
}

bool call_player::wind_up(time_ns now, std::size_t most) noexcept {
  if (!holds_) {
    settings_.held = ~std::uint32_t{0}; // from here on they are ended by us alone
    end_the_oldest(now, 0, most);
    return held_ == 0;
  }
  while (most > 0 && held_ > 0) {
    // Calls that are answered meanwhile may lie behind us, hence the next round.
    if (wound_up_ == records_.capacity()) {
      wound_up_ = 0;
      break;
    }
    const std::uint32_t slot = wound_up_;
    const call_record& r = records_.at(slot);
    if (r.state == call_state::held) {
      holds_->disarm(slot);
      if (!end_call({slot, r.generation}, now)) {
        holds_->arm(slot, us_of(now) + 1000);
        break;
      }
      --most;
    }
    ++wound_up_;
  }
  return held_ == 0;
}

} // namespace linehunt::pktgen
