// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/messages.h"

#include <algorithm>
#include <cstring>

namespace linehunt::pktgen {

namespace {

char* put(char* out, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

std::string host_of(const endpoint& e) {
  const std::string text(to_text(e.ip));
  return e.ip.is_v6 ? "[" + text + "]" : text;
}

std::string connection_of(const endpoint& e) {
  return std::string(e.ip.is_v6 ? "IN IP6 " : "IN IP4 ") + std::string(to_text(e.ip));
}

// The offers of a simple gateway, a usual one, and one that knows many codecs.
std::string session_of(const endpoint& caller, std::size_t size) {
  const std::string at = connection_of(caller);
  std::string sdp =
      "v=0\r\no=gw {session} {session} " + at + "\r\ns=call\r\nc=" + at + "\r\nt=0 0\r\n";
  if (size == 0) return sdp + "m=audio 16384 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n";
  if (size == 1)
    return sdp + "m=audio 16384 RTP/AVP 8 0 18 101\r\na=rtpmap:8 PCMA/8000\r\n"
                 "a=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"
                 "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
                 "a=sendrecv\r\n";
  return sdp + "m=audio 16384 RTP/AVP 8 0 9 18 97 98 101\r\na=rtpmap:8 PCMA/8000\r\n"
               "a=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:18 G729/8000\r\n"
               "a=fmtp:18 annexb=no\r\na=rtpmap:97 AMR/8000\r\n"
               "a=fmtp:97 octet-align=1;mode-set=0,2,4,7\r\na=rtpmap:98 iLBC/8000\r\n"
               "a=fmtp:98 mode=30\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
               "a=ptime:20\r\na=maxptime:60\r\na=rtcp:16385\r\na=sendrecv\r\n";
}

std::string more_headers(std::size_t size) {
  std::string out = "User-Agent: pktgen\r\n";
  if (size >= 1)
    out +=
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK\r\nSupported: timer, 100rel\r\n";
  if (size >= 2)
    out += "P-Asserted-Identity: \"Exchange 7\" <sip:+49{caller}@carrier.example>\r\n"
           "P-Charging-Vector: icid-value={call_id};orig-ioi=carrier.example\r\n"
           "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n";
  return out;
}

// A patched field has the width of its digits, so a text without a call says how long it is.
std::size_t width_of(const std::string& pattern) {
  return patched_text(pattern).size();
}

} // namespace

messages::messages(const scene& of) : kinds_(of.kinds.size()), callers_(of.callers.size()) {
  const std::string device = std::string(to_text(of.device));
  for (std::size_t s = 0; s < size_count; ++s)
    for (const endpoint& caller : of.callers)
      if (&caller == &of.callers.front()) bodies_.emplace_back(session_of(caller, s));
  for (const endpoint& caller : of.callers) {
    const std::string at = std::string(to_text(caller));
    vias_.push_back("SIP/2.0/UDP " + at + ";branch=z9hG4bK");
    const auto via = [&](std::string_view branch) {
      return "Via: " + vias_.back() + std::string(branch) + ";rport\r\n";
    };
    // A device fills in where it came from (RFC 3581 4); what does not is read in full.
    const auto via_there = [&](std::string_view branch) {
      return "Via: " + vias_.back() + std::string(branch) +
             ";rport=" + std::to_string(caller.port) +
             ";received=" + std::string(to_text(caller.ip)) + "\r\n";
    };
    ack_vias_.emplace_back(" SIP/2.0\r\n" + via("{ack_branch}") + "Route: ");
    bye_vias_.emplace_back(" SIP/2.0\r\n" + via("{bye_branch}") + "Route: ");
    for (const call_kind& kind : of.kinds)
      for (std::size_t s = 0; s < size_count; ++s) {
        const std::string uri = "sip:" + kind.user + "@" + device;
        const std::string to = "To: <" + uri + ">";
        const std::string from =
            "From: \"Line {caller}\" <sip:+49{caller}@" + host_of(caller) + ">;tag={from_tag}\r\n";
        const std::string call_id = "Call-ID: {call_id}" + std::string(call_id_host) + "\r\n";
        const std::string contact = "Contact: <sip:core@" + at + ">\r\n";
        const std::string hops = "Max-Forwards: " + std::to_string(sent_max_forwards) + "\r\n";
        const std::string hops_there =
            "Max-Forwards: " + std::to_string(sent_max_forwards - 1) + "\r\n";
        const std::string sdp = session_of(of.callers.front(), s);
        uris_.emplace_back(uri);
        const auto invite = [&](const std::string& on_top) {
          return "INVITE " + uri + " SIP/2.0\r\n" + on_top + from + to + "\r\n" + call_id +
                 "CSeq: 1 INVITE\r\n" + contact + more_headers(s) +
                 "Content-Type: application/sdp\r\nContent-Length: " +
                 std::to_string(width_of(sdp)) + "\r\n\r\n" + sdp;
        };
        invites_.emplace_back(invite(via("{invite_branch}") + hops));
        invites_there_.emplace_back(invite(via_there("{invite_branch}") + hops_there));
        const auto dialog = [&](const char* cseq) {
          return from + to + ";tag={to_tag}\r\n" + call_id + "CSeq: " + cseq + "\r\n";
        };
        const std::string end = contact + "User-Agent: pktgen\r\nContent-Length: 0\r\n\r\n";
        ack_rests_.emplace_back("\r\n" + hops + dialog("1 ACK") + end);
        bye_rests_.emplace_back("\r\n" + hops + dialog("2 BYE") + end);
        acks_there_.emplace_back(via_there("{ack_branch}") + hops_there + dialog("1 ACK") + end);
        byes_there_.emplace_back(via_there("{bye_branch}") + hops_there + dialog("2 BYE") + end);
        tryings_.emplace_back("SIP/2.0 100 Trying\r\n" + via_there("{invite_branch}") + from + to +
                              "\r\n" + call_id + "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
        invite_shared_.emplace_back(via_there("{invite_branch}") + dialog("1 INVITE"));
        bye_shared_.emplace_back(via_there("{bye_branch}") + dialog("2 BYE"));
        failure_heads_.emplace_back("ACK " + uri + " SIP/2.0\r\n" + via("{invite_branch}") + hops +
                                    from + call_id + "CSeq: 1 ACK\r\nContent-Length: 0\r\nTo: ");
      }
  }
  answer_ =
      patched_text("v=0\r\no=gw {session} {session} " + connection_of(of.destinations.front().at) +
                   "\r\ns=call\r\nc=" + connection_of(of.destinations.front().at) +
                   "\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
                   "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
                   "a=sendrecv\r\n");
  for (const destination& d : of.destinations) {
    contacts_.push_back("sip:gw@" + d.text);
    const std::string head = "Contact: <" + contacts_.back() + ">\r\nServer: pktgen\r\n";
    plain_tails_.push_back(head + "Content-Length: 0\r\n\r\n");
    session_tails_.push_back(head + "Content-Type: application/sdp\r\nContent-Length: " +
                             std::to_string(answer_.size()) + "\r\n\r\n");
  }
  std::size_t longest_tail = 0;
  for (const std::string& tail : session_tails_)
    longest_tail = std::max(longest_tail, tail.size());
  room_for_shared_ =
      longest_message_bytes - longest_status_line_bytes - longest_tail - answer_.size();
}

call_shape messages::shape_of(const identity& who) const noexcept {
  const std::uint64_t x = mix(who.call_id + 0x5bd1);
  return {static_cast<std::uint8_t>((x & 0xffff) % callers_),
          static_cast<std::uint8_t>((x >> 16 & 0xffff) % kinds_),
          static_cast<std::uint8_t>((x >> 32 & 0xffff) % size_count)};
}

std::size_t messages::invite(char* out, const identity& who, call_shape shape) const noexcept {
  return static_cast<std::size_t>(invites_[index(shape)].write(out, who) - out);
}

std::size_t messages::in_dialog(char* out, std::string_view method, const identity& who, call_shape,
                                std::uint32_t destination, std::string_view route,
                                const patched_text& via, const patched_text& rest) const noexcept {
  char* at = put(out, method);
  at = put(at, contacts_[destination]);
  at = via.write(at, who);
  at = put(at, route);
  return static_cast<std::size_t>(rest.write(at, who) - out);
}

std::size_t messages::ack(char* out, const identity& who, call_shape shape,
                          std::uint32_t destination, std::string_view route) const noexcept {
  return in_dialog(out, "ACK ", who, shape, destination, route, ack_vias_[shape.caller],
                   ack_rests_[index(shape)]);
}

std::size_t messages::bye(char* out, const identity& who, call_shape shape,
                          std::uint32_t destination, std::string_view route) const noexcept {
  return in_dialog(out, "BYE ", who, shape, destination, route, bye_vias_[shape.caller],
                   bye_rests_[index(shape)]);
}

messages::lengths messages::invite_there(char* out, const identity& who,
                                         call_shape shape) const noexcept {
  constexpr std::size_t around_uri = sizeof("INVITE  SIP/2.0\r\n") - 1;
  const char* const end = invites_there_[index(shape)].write(out, who);
  return {static_cast<std::size_t>(end - out), around_uri + uris_[index(shape)].size()};
}

messages::lengths messages::in_dialog_there(char* out, std::string_view method, const identity& who,
                                            std::uint32_t destination,
                                            const patched_text& rest) const noexcept {
  char* const head = put(put(put(out, method), contacts_[destination]), " SIP/2.0\r\n");
  const char* const end = rest.write(head, who);
  return {static_cast<std::size_t>(end - out), static_cast<std::size_t>(head - out)};
}

messages::lengths messages::ack_there(char* out, const identity& who, call_shape shape,
                                      std::uint32_t destination) const noexcept {
  return in_dialog_there(out, "ACK ", who, destination, acks_there_[index(shape)]);
}

messages::lengths messages::bye_there(char* out, const identity& who, call_shape shape,
                                      std::uint32_t destination) const noexcept {
  return in_dialog_there(out, "BYE ", who, destination, byes_there_[index(shape)]);
}

std::size_t messages::failure_ack(char* out, const identity& who, call_shape shape,
                                  std::string_view to) const noexcept {
  char* at = failure_heads_[index(shape)].write(out, who);
  at = put(at, to.substr(0, 200));
  at = put(at, "\r\n\r\n");
  return static_cast<std::size_t>(at - out);
}

std::size_t messages::trying(char* out, const identity& who, call_shape shape) const noexcept {
  return static_cast<std::size_t>(tryings_[index(shape)].write(out, who) - out);
}

std::size_t messages::request_uri(char* out, const identity& who, call_shape shape) const noexcept {
  return static_cast<std::size_t>(uris_[index(shape)].write(out, who) - out);
}

std::size_t messages::body(char* out, const identity& who, call_shape shape) const noexcept {
  return static_cast<std::size_t>(bodies_[shape.size].write(out, who) - out);
}

std::size_t messages::answer_body(char* out, const identity& who) const noexcept {
  return static_cast<std::size_t>(answer_.write(out, who) - out);
}

reply_writer::reply_writer(const messages& texts, const sip::message_view& request,
                           const identity& who)
    : texts_(texts), who_(who) {
  char* at = shared_;
  const auto take = [&](std::string_view text) {
    fits_ = fits_ && static_cast<std::size_t>(at - shared_) + text.size() <= texts.room_for_shared_;
    if (fits_) at = put(at, text);
  };
  for (std::size_t i = 0; i < request.header_count && i < request.headers.size(); ++i) {
    const sip::header& h = request.headers[i];
    switch (h.id) {
    case sip::header_id::via:
    case sip::header_id::record_route:
    case sip::header_id::from:
    case sip::header_id::call_id:
    case sip::header_id::cseq:
      take(request.text(h.line));
      break;
    case sip::header_id::to: {
      take("To: ");
      const std::string_view value = request.text(h.value);
      take(value);
      if (value.find(";tag=") == std::string_view::npos) {
        char tag[21] = {';', 't', 'a', 'g', '='};
        write_hex(who.to_tag(), tag + 5);
        take({tag, sizeof tag});
      }
      take("\r\n");
      break;
    }
    default:
      break;
    }
  }
  shared_len_ = static_cast<std::size_t>(at - shared_);
}

reply_writer::reply_writer(const messages& texts, std::string_view on_top, const identity& who,
                           call_shape shape, bool to_bye) noexcept
    : texts_(texts), who_(who) {
  const patched_text& shared =
      (to_bye ? texts.bye_shared_ : texts.invite_shared_)[texts.index(shape)];
  char* at = shared_;
  fits_ = on_top.size() + shared.size() <= texts.room_for_shared_;
  if (fits_) at = shared.write(put(at, on_top), who);
  shared_len_ = static_cast<std::size_t>(at - shared_);
}

std::size_t reply_writer::write(char* out, std::string_view status_line, std::uint32_t destination,
                                bool session) const noexcept {
  char* at = put(out, status_line);
  at = put(at, {shared_, shared_len_});
  at = put(at, session ? texts_.session_tails_[destination] : texts_.plain_tails_[destination]);
  if (session) at = texts_.answer_.write(at, who_);
  return static_cast<std::size_t>(at - out);
}

std::size_t reply_writer::write_bare(char* out, std::string_view status_line) const noexcept {
  char* at = put(out, status_line);
  at = put(at, {shared_, shared_len_});
  at = put(at, "Content-Length: 0\r\n\r\n");
  return static_cast<std::size_t>(at - out);
}

} // namespace linehunt::pktgen
