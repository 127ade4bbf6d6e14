// SPDX-License-Identifier: Apache-2.0
// The callers: small user agents, one state machine a call, that follow RFC 3261 as far as they
// like. Some move, some give up, some never acknowledge, some die without a word, and some send a
// BYE where the call is not, and talk on.
#pragma once

#include "network.h"
#include "offers.h"
#include "sip_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::sim {

struct caller_counts {
  std::uint64_t begun = 0, answered = 0, failed = 0, full = 0, unanswered = 0, gave_up = 0,
                died = 0, never_acked = 0, crossed = 0, reinvites = 0, second_answers = 0,
                kept_second = 0, refreshes = 0, forgetful = 0, pings = 0, strict = 0,
                strict_requests = 0, without_route = 0, refers = 0, replaces = 0, notified = 0,
                notified_late = 0, timeouts = 0, astray = 0, refused_byes = 0, proxied = 0,
                proxied_requests = 0, moves = 0, moved_requests = 0, late_acks = 0,
                late_cancels = 0, crossings = 0, overtaken = 0;
};

class callers {
 public:
  // `intact`: nothing is corrupted on the way, so a request that comes otherwise than it must is a
  // mistake of the balancer.
  callers(event_queue& events, chance& random, network& net, const front& balancer, bool behave,
          bool intact);

  // One more call: to `user`, from `from`. `kind` is the first letter of its Call-ID.
  // `replacing`: one of those that talk, if any can be found (RFC 3891).
  void begin(std::uint32_t number, std::string_view user, const endpoint& from, char kind,
             bool replacing);
  void arrive(const packet& p);
  void timer(std::uint32_t number, std::uint32_t which);

  // For strangers who know a little about somebody else's call.
  [[nodiscard]] std::string stolen_call_id() const;
  [[nodiscard]] std::string stolen_from() const {
    return "<sip:a@x.example>;tag=f" + std::to_string(last_);
  }

  // The balancer has begun anew; after a crash with what it knew some time before.
  void note_restart(bool crashed);

  // With whom that tag is of. A call that a box makes: not known, its requests come to the box.
  [[nodiscard]] bool talks(std::string_view call_id, std::string_view to_tag) const;

  [[nodiscard]] const std::string& broken() const { return broken_; }

  caller_counts counts;

 private:
  enum class stage : std::uint8_t { idle, calling, proceeding, up, leaving, over };
  // How its requests go: by these Routes, nearest first, to the Contact of the other side.
  struct way {
    std::vector<std::string> hops;
    std::string target;
  };
  struct call {
    stage at = stage::idle;
    bool dead = false, acks = true, cancelled = false;
    bool strict = false;    // a strict router stands between this caller and the balancer
    bool no_routes = false; // it does not heed our Record-Route
    char kind = 'c';
    std::uint16_t session_s = 0; // session timer wanted (RFC 4028); 0: none
    bool refreshes = true;       // as agreed; else it forgets to
    std::uint16_t generation = 0;
    std::uint32_t cseq = 1;
    std::uint32_t interval_ms = 0;
    time_us deadline = 0;
    time_us give_up_at = 0; // 0: never
    time_us over_at = 0;
    endpoint from;            // itself, or the last of its proxies
    endpoint contact;         // where it is itself
    std::uint8_t proxies = 0; // in front of it, all of which stay in the route
    std::string user, to_tag, bye, replaces;
    std::vector<std::string> left_tags; // of the answers that it has hung up
    way callee;
    own_offer offer;
    std::string late_ack; // that a BYE has overtaken
    requests_heard heard;
    whereabouts known;
    std::vector<endpoint> left; // Contacts that it had before
  };
  enum timer_kind : std::uint32_t {
    resend = 0,
    hang_up = 1,
    give_up = 2,
    die = 3,
    reinvite = 4,
    refresh = 5,
    refer = 6,
    bye_astray = 7,
    move = 8,
    offer_again = 9,
    reoffer = 10,
    late_ack = 11,
    late_cancel = 12
  };

  // Of that Call-ID; none where there is no such call.
  [[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view call_id) const;
  [[nodiscard]] std::string call_id(std::uint32_t number) const;
  [[nodiscard]] std::string branch(std::uint32_t number, std::uint32_t cseq, char mark) const;
  [[nodiscard]] std::string invite(std::uint32_t number) const;
  [[nodiscard]] std::string replaces_one(std::uint32_t number);
  [[nodiscard]] std::string hop(std::uint32_t number, std::string_view method,
                                std::string_view to) const;
  [[nodiscard]] std::string within(std::uint32_t number, std::string_view method,
                                   std::uint32_t cseq, std::string_view to_tag, const way& by,
                                   char mark = 'd');
  [[nodiscard]] static std::string uri_at(const endpoint& contact);
  [[nodiscard]] std::string here(const call& c) const;   // its Contact URI
  [[nodiscard]] std::string router(const call& c) const; // URI of its strict router
  [[nodiscard]] std::string
  edges(const call& c) const; // routes of its proxies, nearest to us first
  [[nodiscard]] std::string via_behind(const call& c) const; // of itself, below its nearest proxy
  void judge_response(const call& c, const message& m);
  void judge_way(const call& c, const message& m);
  void judge_place(const call& c, const message& m, const packet& p);
  [[nodiscard]] way way_by(const call& c, const message& answer) const;
  void send(const call& c, std::string bytes) {
    net_.send(std::move(bytes), c.from, balancer_.facing(c.from));
  }
  void plan_refresh(std::uint32_t number, const message& answer);
  void arm(std::uint32_t number, timer_kind which, time_us after);
  void hang_up_now(std::uint32_t number);
  void hang_up_elsewhere(std::uint32_t number);
  void move_now(std::uint32_t number);
  void make_offer(std::uint32_t number, std::string_view method);
  void repeat_offer(std::uint32_t number);
  // False: it is the answer to no offer that is open.
  [[nodiscard]] bool on_offer_answered(std::uint32_t number, const message& m);
  [[nodiscard]] int answer_to_offer(call& c, const message& m);
  void close(call& c);
  void on_response(std::uint32_t number, const message& m);
  void on_request(std::uint32_t number, const message& m, const endpoint& at, const endpoint& from);

  event_queue& events_;
  chance& random_;
  network& net_;
  front balancer_;
  bool behave_, intact_;
  std::string broken_;
  std::uint32_t last_ = 0;
  std::uint32_t run_ = 0; // of the balancer
  std::vector<call> calls_;
};

} // namespace linehunt::sim
