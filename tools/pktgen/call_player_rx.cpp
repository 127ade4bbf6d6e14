// SPDX-License-Identifier: Apache-2.0
// What arrives: from which call it is, whether it is right, and what is said to it.
#include "sipparse/scan.h"
#include "tools/pktgen/call_player.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <emmintrin.h>

namespace linehunt::pktgen {

namespace {

constexpr std::uint64_t first_timer_ns = first_timer_ms * std::uint64_t{1'000'000};
constexpr std::string_view ringing_line = "SIP/2.0 180 Ringing\r\n", ok_line = "SIP/2.0 200 OK\r\n";

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

// Where the text of the Call-ID ends that the generator itself wrote; what follows its digits
// stands nowhere else in a message.
std::string_view call_player::our_call_id_in(std::string_view bytes) noexcept {
  constexpr std::size_t step = sizeof(__m128i);
  static_assert(call_id_host.starts_with("@p"));
  const __m128i at = _mm_set1_epi8('@'), behind = _mm_set1_epi8('p');
  for (std::size_t i = 16; i + step + call_id_host.size() <= bytes.size(); i += step) {
    __m128i here, next;
    std::memcpy(&here, bytes.data() + i, step);
    std::memcpy(&next, bytes.data() + i + 1, step);
    const auto found = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(here, at), _mm_cmpeq_epi8(next, behind))));
    if (found == 0) continue;
    const std::string_view id =
        bytes.substr(i + static_cast<std::size_t>(std::countr_zero(found)) - 16, call_id_bytes);
    return id.substr(16) == call_id_host ? id : sip::find_call_id(bytes);
  }
  return sip::find_call_id(bytes);
}

std::optional<call_number> call_player::announce(std::string_view bytes) const noexcept {
  const auto number = number_in(our_call_id_in(bytes));
  if (number) records_.prefetch(number->slot);
  return number;
}

void call_player::receive(std::string_view bytes, const endpoint& from, std::uint32_t station,
                          std::optional<call_number> announced, time_ns now) noexcept {
  ++count_->received;
  count_->received_bytes += bytes.size();
  if (from == scene_.device && announced && is_live(*announced) &&
      take_at_a_glance(bytes, identity(*announced, settings_.seed), *announced, station, now))
    return;
  ++count_->read_in_full;
  if (from != scene_.device || !sip::scan(bytes, view_) || !sip::make_routing_view(view_, fields_))
    return wrong(fault::unreadable);
  const received m{view_, fields_};
  const auto number = number_in(fields_.call_id);
  if (!number || records_.at(number->slot).generation < number->generation)
    return wrong(fault::not_ours);
  const identity who(*number, settings_.seed);
  if (!is_live(*number)) {
    const call_record& over = records_.at(number->slot);
    if (over.generation == number->generation && !over.given_up)
      count_again(over, fields_.cseq.method == sip::method::bye, now);
    else if (!view_.is_request || view_.method != sip::method::bye)
      ++count_->late; // a BYE is how the device ends what has been lost
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

bool call_player::take_at_a_glance(std::string_view bytes, const identity& who, call_number number,
                                   std::uint32_t station, time_ns now) noexcept {
  if (station < scene_.callers.size()) return glance_at_reply(bytes, who, number, now);
  call_record& r = records_.at(number.slot);
  const auto destination = static_cast<std::uint32_t>(station - scene_.callers.size());
  if (bytes.starts_with('I')) {
    if ((r.seen & arrived_invite) != 0 && r.destination != destination) return false;
    const auto on_top = glance_.invite(bytes, who, r.shape, destination);
    if (!on_top) return false;
    const reply_writer replies(texts_, *on_top, who, r.shape, false);
    if (replies.fits()) on_invite(replies, r, destination, now);
    return replies.fits();
  }
  if (r.destination != destination) return false;
  if (bytes.starts_with('A')) {
    if (!glance_.ack(bytes, who, r.shape, destination)) return false;
    on_ack(r, now);
    return true;
  }
  if (r.state != call_state::ending) return false;
  const auto on_top = glance_.bye(bytes, who, r.shape, destination);
  if (!on_top) return false;
  const reply_writer replies(texts_, *on_top, who, r.shape, true);
  if (replies.fits()) on_bye(replies, r, destination, now);
  return replies.fits();
}

bool call_player::glance_at_reply(std::string_view bytes, const identity& who, call_number number,
                                  time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  if (bytes.starts_with(ringing_line)) {
    if (!glance_.invite_reply(bytes, ringing_line, who, r.shape, r.destination, false))
      return false;
    on_ringing(r, now);
    return true;
  }
  if (!bytes.starts_with(ok_line)) {
    if (!glance_.trying(bytes, who, r.shape)) return false;
    on_trying(r, now);
    return true;
  }
  if (r.state == call_state::ending) {
    if (!glance_.bye_reply(bytes, who, r.shape, r.destination)) return false;
    on_end(number, now);
    return true;
  }
  if (r.state != call_state::calling || (r.seen & arrived_ok) != 0) return false;
  const auto route = glance_.invite_reply(bytes, ok_line, who, r.shape, r.destination, true);
  if (!route || !records_.route(number.slot).set(*route)) return false;
  on_answer(who, number, now);
  return true;
}

// So that the device need not repeat it for half a minute.
void call_player::on_stray(const received& m, const identity& who, std::uint32_t station) noexcept {
  if (!m.view.is_request || m.view.method == sip::method::ack) return;
  const reply_writer replies(texts_, m.view, who);
  if (!replies.fits()) return wrong(fault::too_long);
  char* const text = out_.begin();
  if (text == nullptr) return;
  ++count_->answered_for_lost;
  const bool ends = m.view.method == sip::method::bye || m.view.method == sip::method::cancel;
  send(replies.write_bare(text, ends ? "SIP/2.0 200 OK\r\n" : "SIP/2.0 481 Call is over\r\n"),
       station, nullptr);
}

// The device cannot have had our request, nor its timer have begun, before we sent it; and what it
// sends again makes others send again what follows from it. Where we repeat a BYE, so may
// everybody.
void call_player::count_again(const call_record& r, bool of_bye, time_ns now) noexcept {
  const bool may_be = (of_bye && r.byes_sent > 1) ||
                      elapsed_ns(of_bye ? r.bye_sent : r.invite_sent, now) >= first_timer_ns;
  ++(may_be ? count_->retransmitted : count_->repeated);
}

void call_player::on_request(const received& m, const identity& who, call_number number,
                             std::uint32_t destination, time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  const auto station = static_cast<std::uint32_t>(scene_.callers.size() + destination);
  switch (m.view.method) {
  case sip::method::invite: {
    if ((r.seen & arrived_invite) != 0 && r.destination != destination) {
      wrong(fault::second_destination);
      return on_stray(m, who, station);
    }
    const reply_writer replies(texts_, m.view, who);
    if (!replies.fits()) return wrong(fault::too_long);
    if (const auto f = checks_.request(m, who, r.shape, destination, who.invite_branch()))
      wrong(*f);
    return on_invite(replies, r, destination, now);
  }
  case sip::method::ack:
    if (const auto f = checks_.request(m, who, r.shape, destination, who.ack_branch())) wrong(*f);
    if (r.destination != destination) wrong(fault::moved);
    return on_ack(r, now);
  case sip::method::bye: {
    const reply_writer replies(texts_, m.view, who);
    if (!replies.fits()) return wrong(fault::too_long);
    if (const auto f = checks_.request(m, who, r.shape, destination, who.bye_branch())) wrong(*f);
    if (r.destination != destination) wrong(fault::moved);
    if (r.state != call_state::ending) wrong(fault::unexpected_message);
    return on_bye(replies, r, destination, now);
  }
  default:
    wrong(fault::unexpected_message);
    return on_stray(m, who, station);
  }
}

void call_player::arrived_first(message_kind kind, call_record& r, stamp sent,
                                time_ns now) noexcept {
  arrived_after(kind, sent, now);
  if (settings_.lossy || r.given_up || elapsed_ns(sent, now) < first_timer_ns) return;
  lose(kind);
  count_lost(r);
}

void call_player::on_ack(call_record& r, time_ns now) noexcept {
  if ((r.seen & arrived_ack) != 0) return count_again(r, false, now);
  if (take_of_setup(r, arrived_ack)) arrived_after(message_kind::ack, r.ack_sent, now);
}

void call_player::on_bye(const reply_writer& replies, call_record& r, std::uint32_t destination,
                         time_ns now) noexcept {
  if ((r.seen & arrived_bye) == 0)
    arrived_first(message_kind::bye, r, r.bye_sent, now);
  else
    count_again(r, true, now);
  r.seen |= arrived_bye;
  if (char* const text = out_.begin())
    send(replies.write(text, ok_line, destination, false),
         static_cast<std::uint32_t>(scene_.callers.size() + destination), &r.answer_sent);
}

void call_player::on_invite(const reply_writer& replies, call_record& r, std::uint32_t destination,
                            time_ns now) noexcept {
  const auto station = static_cast<std::uint32_t>(scene_.callers.size() + destination);
  const bool again = (r.seen & arrived_invite) != 0;
  if (again)
    count_again(r, false, now);
  else
    arrived_first(message_kind::invite, r, r.invite_sent, now);
  r.seen |= arrived_invite;
  r.destination = static_cast<std::uint16_t>(destination);
  const auto reply = [&](std::string_view status_line, bool session, stamp* sent_at) {
    if (char* const text = out_.begin())
      send(replies.write(text, status_line, destination, session), station, sent_at);
  };
  if (!again) {
    reply("SIP/2.0 100 Trying\r\n", false, nullptr);
    reply(ringing_line, false, &r.answer_sent);
  }
  reply(ok_line, true, &r.answer_sent);
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
  if (m.view.status == 200) return on_end(number, now);
  ++count_->statuses[m.view.status];
  if (!r.given_up) ++count_->calls_refused;
  finish(number);
}

void call_player::on_end(call_number number, time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  ++count_->byes_answered;
  if ((r.seen & arrived_bye) != 0) {
    arrived_after(message_kind::ok_bye, r.answer_sent, now);
  } else {
    // The device has answered what no destination has got.
    if (r.byes_sent == 1) lose(message_kind::bye);
    count_lost(r);
  }
  end_setup(r);
  if (!r.given_up) ++count_->calls_completed;
  finish(number);
}

void call_player::on_trying(call_record& r, time_ns now) noexcept {
  if ((r.seen & arrived_trying) == 0 && take_of_setup(r, arrived_trying))
    count_->trying.add(elapsed_ns(r.invite_sent, now));
}

void call_player::on_ringing(call_record& r, time_ns now) noexcept {
  if ((r.seen & arrived_ringing) != 0) return count_again(r, false, now);
  if (!take_of_setup(r, arrived_ringing)) return;
  count_->post_dial_delay.add(elapsed_ns(r.invite_sent, now));
  arrived_after(message_kind::ringing, r.answer_sent, now);
}

void call_player::on_invite_response(const received& m, const identity& who, call_number number,
                                     time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  const unsigned status = m.view.status;
  if (status == 100) return on_trying(r, now);
  if (status < 200) {
    if (status != 180) return wrong(fault::unexpected_message);
    return on_ringing(r, now);
  }
  if (status >= 300) return on_refusal(m, who, number);
  if ((r.seen & arrived_ok) != 0) {
    count_again(r, false, now);
    return send_ack(who, number);
  }
  if (!take_route(m.view, records_.route(number.slot))) wrong(fault::record_route);
  on_answer(who, number, now);
}

void call_player::on_answer(const identity& who, call_number number, time_ns now) noexcept {
  call_record& r = records_.at(number.slot);
  r.seen |= arrived_ok;
  arrived_after(message_kind::ok_invite, r.answer_sent, now);
  ++count_->calls_answered;
  send_ack(who, number);
  r.state = call_state::held;
  ++held_;
  await(number, awaited::rest_of_setup, now);
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
