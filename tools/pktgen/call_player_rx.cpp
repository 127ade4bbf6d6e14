// SPDX-License-Identifier: Apache-2.0
// What arrives: from which call it is, whether it is right, and what is said to it.
#include "sipparse/scan.h"
#include "tools/pktgen/call_player.h"

#include <algorithm>

namespace linehunt::pktgen {

namespace {

// The caller's route set: the Record-Routes from the last to the first (RFC 3261 12.1.2).
bool take_route(const sip::message_view& view, route_text& into) noexcept {
  if (view.count_of(sip::header_id::record_route) == 1)
    return into.set(view.value_of(sip::header_id::record_route));
  char text[sizeof into.bytes];
  std::size_t len = 0;
  for (std::size_t i = view.header_count; i-- > 0;) {
    if (view.headers[i].id != sip::header_id::record_route) continue;
    const std::string_view value = view.text(view.headers[i].value);
    if (len + value.size() + 2 > sizeof text) return false;
    if (len != 0) text[len++] = ',';
    std::copy(value.begin(), value.end(), text + len);
    len += value.size();
  }
  return into.set({text, len});
}

} // namespace

std::optional<call_number> call_player::number_in(std::string_view call_id) const noexcept {
  std::uint64_t mixed = 0;
  if (call_id.size() != call_id_bytes || call_id.substr(16) != call_id_host ||
      !read_hex(call_id.data(), mixed))
    return std::nullopt;
  const call_number number = identity::number_of(mixed, settings_.seed);
  if (number.slot >= records_.capacity()) return std::nullopt;
  return number;
}

void call_player::announce(std::string_view bytes) const noexcept {
  if (const auto number = number_in(sip::find_call_id(bytes))) records_.prefetch(number->slot);
}

void call_player::receive(std::string_view bytes, const endpoint& from, std::uint32_t station,
                          time_ns now) noexcept {
  ++count_->received;
  count_->received_bytes += bytes.size();
  if (from != scene_.device || !sip::scan(bytes, view_) || !sip::make_routing_view(view_, fields_))
    return wrong(fault::unreadable);
  const received m{view_, fields_};
  const auto number = number_in(fields_.call_id);
  if (!number || records_.at(number->slot).generation < number->generation)
    return wrong(fault::not_ours);
  const identity who(*number, settings_.seed);
  if (!is_live(*number)) {
    const call_record& over = records_.at(number->slot);
    ++(over.generation == number->generation && !over.given_up ? count_->repeated : count_->late);
    return on_stray(m, who, station);
  }
  const bool at_caller = station < scene_.callers.size();
  if (view_.is_request) {
    if (!at_caller)
      return on_request(m, who, *number,
                        static_cast<std::uint32_t>(station - scene_.callers.size()), now);
    wrong(view_.method == sip::method::bye ? fault::unexpected_message : fault::wrong_place);
    return on_stray(m, who, station); // the device ends the call by itself
  }
  if (!at_caller) return wrong(fault::wrong_place);
  on_response(m, who, *number, now);
}

// So that the device need not repeat it for half a minute.
void call_player::on_stray(const received& m, const identity& who, std::uint32_t station) noexcept {
  if (!m.view.is_request || m.view.method == sip::method::ack) return;
  char* const text = out_.begin();
  if (text == nullptr) return;
  ++count_->answered_for_lost;
  const bool ends = m.view.method == sip::method::bye || m.view.method == sip::method::cancel;
  send(reply_writer(texts_, m.view, who)
           .write_bare(text, ends ? "SIP/2.0 200 OK\r\n" : "SIP/2.0 481 Call is over\r\n"),
       station, nullptr);
}

void call_player::on_request(const received& m, const identity& who, call_number number,
                             std::uint32_t destination, time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  switch (m.view.method) {
  case sip::method::invite: {
    if (const auto f = checks_.request(m, who, r.shape, destination, who.invite_branch()))
      wrong(*f);
    return on_invite(m, who, r, destination, now);
  }
  case sip::method::ack:
    if (const auto f = checks_.request(m, who, r.shape, destination, who.ack_branch())) wrong(*f);
    if (r.destination != destination) wrong(fault::moved);
    if ((r.seen & arrived_ack) != 0) {
      ++count_->repeated;
      return;
    }
    r.seen |= arrived_ack;
    return arrived_after(message_kind::ack, r.ack_sent, now);
  case sip::method::bye: {
    if (const auto f = checks_.request(m, who, r.shape, destination, who.bye_branch())) wrong(*f);
    if (r.destination != destination) wrong(fault::moved);
    if (r.state != call_state::ending) wrong(fault::unexpected_message);
    if ((r.seen & arrived_bye) == 0)
      arrived_after(message_kind::bye, r.bye_sent, now);
    else
      ++count_->repeated;
    r.seen |= arrived_bye;
    if (char* const text = out_.begin())
      send(reply_writer(texts_, m.view, who).write(text, "SIP/2.0 200 OK\r\n", destination, false),
           static_cast<std::uint32_t>(scene_.callers.size() + destination), &r.answer_sent);
    return;
  }
  default:
    wrong(fault::unexpected_message);
    return on_stray(m, who, static_cast<std::uint32_t>(scene_.callers.size() + destination));
  }
}

void call_player::on_invite(const received& m, const identity& who, call_record& r,
                            std::uint32_t destination, time_ns now) noexcept {
  const auto station = static_cast<std::uint32_t>(scene_.callers.size() + destination);
  const bool again = (r.seen & arrived_invite) != 0;
  if (again)
    ++count_->repeated;
  else
    arrived_after(message_kind::invite, r.invite_sent, now);
  r.seen |= arrived_invite;
  r.destination = static_cast<std::uint16_t>(destination);
  const reply_writer replies(texts_, m.view, who);
  const auto reply = [&](std::string_view status_line, bool session, stamp* sent_at) {
    if (char* const text = out_.begin())
      send(replies.write(text, status_line, destination, session), station, sent_at);
  };
  if (!again) {
    reply("SIP/2.0 100 Trying\r\n", false, nullptr);
    reply("SIP/2.0 180 Ringing\r\n", false, &r.answer_sent);
  }
  reply("SIP/2.0 200 OK\r\n", true, &r.answer_sent);
}

void call_player::on_response(const received& m, const identity& who, call_number number,
                              time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  const bool for_invite = m.fields.cseq.method == sip::method::invite;
  if (const auto f =
          checks_.response(m, who, r.shape, for_invite ? who.invite_branch() : who.bye_branch()))
    wrong(*f);
  if (for_invite) return on_invite_response(m, who, number, now);
  if (r.state != call_state::ending || m.fields.cseq.method != sip::method::bye)
    return wrong(fault::unexpected_message);
  if (m.view.status < 200) return;
  if (m.view.status == 200) {
    arrived_after(message_kind::ok_bye, r.answer_sent, now);
    if (!r.given_up) {
      if ((r.seen & arrived_ringing) == 0) lose(message_kind::ringing);
      if ((r.seen & arrived_ack) == 0) lose(message_kind::ack);
      if ((r.seen & arrived_trying) == 0) ++count_->trying_missing;
      ++count_->calls_completed;
    }
  } else {
    ++count_->statuses[m.view.status];
    if (!r.given_up) ++count_->calls_refused;
  }
  finish(number);
}

void call_player::on_invite_response(const received& m, const identity& who, call_number number,
                                     time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  const unsigned status = m.view.status;
  if (status == 100) {
    if ((r.seen & arrived_trying) == 0) count_->trying.add(elapsed_ns(r.invite_sent, now));
    r.seen |= arrived_trying;
    return;
  }
  if (status < 200) {
    if (status != 180) return wrong(fault::unexpected_message);
    if ((r.seen & arrived_ringing) != 0) {
      ++count_->repeated;
      return;
    }
    r.seen |= arrived_ringing;
    count_->post_dial_delay.add(elapsed_ns(r.invite_sent, now));
    return arrived_after(message_kind::ringing, r.answer_sent, now);
  }
  if (status >= 300) return on_refusal(m, who, number);
  if ((r.seen & arrived_ok) != 0) {
    ++count_->repeated;
    return send_ack(who, number);
  }
  on_answer(m, who, number, now);
}

void call_player::on_answer(const received& m, const identity& who, call_number number,
                            time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  r.seen |= arrived_ok;
  arrived_after(message_kind::ok_invite, r.answer_sent, now);
  if (!take_route(m.view, records_.route(number.slot))) wrong(fault::record_route);
  ++count_->calls_answered;
  send_ack(who, number);
  r.state = call_state::held;
  --unsettled_;
  ++held_;
  if (holds_) {
    const std::uint64_t spread =
        settings_.hold_spread_ms == 0 ? 0 : mix(who.call_id) % settings_.hold_spread_ms;
    holds_->arm(number.slot, now / 1000 + (*settings_.hold_ms + spread) * 1000);
  } else {
    oldest_.push(number);
  }
}

void call_player::on_refusal(const received& m, const identity& who, call_number number) noexcept {
  call_record& r = records_.at(number.slot);
  if (r.state != call_state::calling) return wrong(fault::unexpected_message);
  ++count_->statuses[m.view.status];
  ++count_->calls_refused;
  if (char* const text = out_.begin())
    send(texts_.failure_ack(text, who, r.shape, m.view.value_of(sip::header_id::to)),
         r.shape.caller, nullptr);
  finish(number);
}

} // namespace linehunt::pktgen
