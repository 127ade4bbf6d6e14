// SPDX-License-Identifier: Apache-2.0
// The callers' offers within a call, their answers to those of the other side, and where what is
// for a caller that has moved must come.
#include "callers.h"

#include <algorithm>
#include <utility>

namespace linehunt::sim {

// To another port or, as far as nobody but its proxies reaches it there, another host.
void callers::move_now(std::uint32_t number) {
  call& c = calls_[number];
  if (c.offer.is_open()) return arm(number, move, 500 * msec);
  ++counts.moves;
  c.left.push_back(c.contact);
  ++c.contact.port;
  if (random_.below(2) == 0)
    c.contact.ip.bytes[c.contact.ip.is_v6 ? 15 : 3] =
        static_cast<std::uint8_t>(201 + random_.below(50));
  if (c.proxies == 0) c.from = c.contact;
  c.known.move();
  make_offer(number, random_.below(2) == 0 ? "UPDATE" : "INVITE");
}

void callers::make_offer(std::uint32_t number, std::string_view method) {
  call& c = calls_[number];
  c.offer.open(method, ++c.cseq, run_, events_.now);
  c.offer.text = within(number, method, c.cseq, c.to_tag, c.callee);
  send(c, c.offer.text);
  arm(number, offer_again, t1_ms * msec);
}

void callers::repeat_offer(std::uint32_t number) {
  call& c = calls_[number];
  if (c.at != stage::up || events_.now >= c.offer.deadline) return c.offer.close();
  send(c, c.offer.text);
  arm(number, offer_again, c.offer.next_wait());
}

bool callers::on_offer_answered(std::uint32_t number, const message& m) {
  call& c = calls_[number];
  if (!c.offer.is_answered_by(m) || c.at != stage::up) return false;
  const std::string_view tag = parameter(m.to, "tag");
  if (m.status < 200) return true;
  if (c.offer.invites && m.status >= 300) send(c, within(number, "ACK", m.cseq, tag, c.callee));
  c.offer.close();
  if (m.status >= 300) {
    // RFC 3261 14.1, of who has made the Call-ID.
    if (m.status == 491)
      arm(number, reoffer, random_.between(2100 * msec, 4 * sec));
    else if (ends_dialog(m.status))
      close(c);
    return true;
  }
  if (!m.contact.empty()) c.callee.target = uri_of(m.contact);
  if (c.offer.run == run_) c.known.confirm(net_.sent, events_.now);
  if (!c.offer.invites) return true;
  std::string ack = within(number, "ACK", m.cseq, tag, c.callee, 'a');
  if (random_.below(4) == 0) {
    ++counts.late_acks;
    c.late_ack = std::move(ack);
    arm(number, late_ack, random_.between(1 * msec, 300 * msec));
    hang_up_now(number);
  } else {
    send(c, std::move(ack));
  }
  return true;
}

int callers::answer_to_offer(call& c, const message& m) {
  const int status = c.heard.answer_to(m, [&] {
    if (c.offer.crosses(m)) {
      ++counts.crossings;
      return 491;
    }
    if (behave_ || random_.below(12) != 0) return 200;
    ++counts.timeouts;
    return random_.below(2) == 0 ? 0 : 408;
  });
  if (status != 200) return status;
  if (!m.contact.empty()) c.callee.target = uri_of(m.contact);
  c.known.note_said(m, events_.now);
  return status;
}

// To its Contact, or to the one that it had when the request was made; and by way of its proxies,
// which do not move. Answers follow their requests.
void callers::judge_place(const call& c, const message& m, const packet& p) {
  const auto is_left = [&](std::string_view uri) {
    return std::ranges::any_of(c.left, [&](const endpoint& e) { return uri == uri_at(e); });
  };
  const bool here_now = p.to == c.from;
  bool right = here_now || std::ranges::find(c.left, p.to) != c.left.end();
  // Other dialogs of the call know nothing of it.
  const bool mine = parameter(m.from, "tag") == c.to_tag;
  if (m.status == 0 && mine && !c.left.empty() && c.known.is_known(p.order)) {
    const bool by_new = m.uri == here(c);
    counts.moved_requests += right && by_new ? 1u : 0u;
    right = right && (by_new ? here_now : !is_of_balancer(m) && is_left(m.uri));
  }
  if (!right)
    broken_ = "for the caller at " + std::string(std::string_view(to_text(c.from))) + " came to " +
              std::string(std::string_view(to_text(p.to))) + "\n" + std::string(m.bytes);
}

} // namespace linehunt::sim
