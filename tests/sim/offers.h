// SPDX-License-Identifier: Apache-2.0
// What a party of a call keeps of offers, its own and those of the other side,
// and of its moves: an INVITE or UPDATE with another Contact, to which all that
// comes later goes (RFC 3261 12.2).
#pragma once

#include "event_queue.h"
#include "sip_text.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace linehunt::sim {

// After the ACK each side may make an offer at the same time, so that they cross.
inline constexpr time_us meeting = 1 * sec;

// Repeated until its final answer.
struct own_offer {
  std::string text; // empty: there is none
  bool invites = false;
  std::uint32_t cseq = 0, interval_ms = 0;
  std::uint32_t run = 0; // of the balancer, when it was made
  time_us deadline = 0;

  [[nodiscard]] bool is_open() const { return !text.empty(); }
  void open(std::string_view method, std::uint32_t number, std::uint32_t balancer_run,
            time_us now) {
    invites = method == "INVITE";
    cseq = number;
    run = balancer_run;
    interval_ms = t1_ms;
    deadline = now + 64 * t1_ms * msec;
  }
  void close() { text = {}; }
  [[nodiscard]] bool is_answered_by(const message& m) const {
    return is_open() && m.cseq == cseq && m.cseq_method == (invites ? "INVITE" : "UPDATE");
  }
  // RFC 3261 14.2.
  [[nodiscard]] bool crosses(const message& other) const {
    return is_open() && invites && other.method == "INVITE";
  }
  [[nodiscard]] time_us next_wait() {
    interval_ms = invites ? interval_ms * 2 : std::min(interval_ms * 2, t2_ms);
    return interval_ms * msec;
  }
};

// Requests of the other side, in the order of their numbers (RFC 3261 12.2.2).
struct requests_heard {
  std::uint32_t highest = 0, offer = 0; // CSeq
  int answer = 0;                       // to that offer; 0: none

  // False: one that another one has overtaken. Word of a transfer is made long
  // before it is sent.
  [[nodiscard]] bool note(const message& m) {
    if (m.method == "ACK" || m.method == "NOTIFY") return true;
    if (m.cseq < highest) return false;
    highest = m.cseq;
    return true;
  }
  // A repeated offer gets what it got before.
  template <class Fresh>
  int answer_to(const message& m, Fresh fresh) {
    if (m.cseq == offer) return answer;
    offer = m.cseq;
    answer = fresh();
    return answer;
  }
};

// From when on the balancer knows where a party is that has moved.
class whereabouts {
 public:
  // It has given its Contact in a 2xx; until that has surely arrived, it may
  // undo a move.
  void note_said(const message& offer, time_us now) {
    said_at_ = now;
    said_ = offer.cseq;
    said_once_ = true;
  }
  void note_ack(const message& ack) {
    if (ack.cseq == said_) said_once_ = false;
  }
  void move() { known_from_ = never; }
  // The other side has agreed. `order`: of the last packet that was sent
  // before.
  void confirm(std::uint64_t order, time_us now) {
    constexpr time_us longest_way = 90 * sec; // late, to a balancer that stands still
    if (!said_once_ || now > said_at_ + longest_way) known_from_ = order;
  }
  void forget() { known_from_ = never; }
  [[nodiscard]] bool is_known(std::uint64_t order) const { return order > known_from_; }

 private:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t known_from_ = never;
  time_us said_at_ = 0;
  std::uint32_t said_ = 0;
  bool said_once_ = false;
};

} // namespace linehunt::sim
