// SPDX-License-Identifier: Apache-2.0
// The destinations: user agent servers that answer, refuse, stay silent or die, and that know which
// calls are theirs: a request within a call of another box is a violation.
#pragma once

#include "network.h"
#include "offers.h"
#include "sip_text.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace linehunt::sim {

struct box_counts {
  std::uint64_t invites = 0, repeated = 0, answered = 0, refused = 0, silent = 0, cancelled = 0,
                byes_in = 0, byes_out = 0, unknown = 0, deaths = 0, probes = 0, refreshes = 0,
                forgetful = 0, pings = 0, strict = 0, strict_requests = 0, forked = 0,
                asked_for_a_pause = 0, asked_for_less = 0, passed_back = 0, refers = 0,
                replaced = 0, timeouts = 0, rings_on = 0, challenges = 0, refused_byes = 0,
                moves = 0, moved_requests = 0, overtaken = 0, crossings = 0;
};

class boxes {
 public:
  boxes(event_queue& events, chance& random, network& net, const front& balancer,
        std::vector<endpoint> addresses, bool behave, bool intact, bool refuse);

  [[nodiscard]] bool owns(const endpoint& address) const {
    return find(address) < addresses_.size();
  }
  void arrive(const packet& p);
  // Something else that listens at a box's address, and knows no calls.
  void arrive_beside(std::string_view bytes, const endpoint& at, const endpoint& from);
  // In the call with that tag: it has heard no BYE.
  [[nodiscard]] bool talks(std::string_view tag) const;
  void timer(std::uint32_t number, std::uint32_t generation);
  void notify(std::uint32_t number);
  // The balancer has begun anew; after a crash with what it knew some time before.
  void note_restart(bool crashed);
  void die(std::uint32_t box);
  void come_back(std::uint32_t box) { dead_[box] = false; }
  [[nodiscard]] const std::string& broken() const { return broken_; }

  box_counts counts;

 private:
  enum class stage : std::uint8_t { unused, ringing, refused, answered, up, leaving, over };
  struct call {
    stage at = stage::unused;
    std::uint32_t box = 0;
    bool strict = false; // a strict router stands between this box and the balancer
    bool forks = false;  // two devices behind it answer, each with a tag of its own
    std::uint32_t generation = 0, interval_ms = 0, cseq = 6;
    int status = 200;
    time_us deadline = 0;
    time_us refresh_us = 0; // how often it refreshes the session; 0: it does not
    time_us refresh_at = 0; // the next time; 0: never
    time_us hang_up_at = 0;
    time_us move_at = 0;                   // 0: never
    time_us reoffer_at = 0;                // an INVITE; 0: never
    time_us offer_at = 0;                  // of its repetition
    std::string invite, last, tag, branch; // INVITE as it came, last response or our BYE
    endpoint from;
    std::uint32_t place = 0; // of those of its box, where it has moved
    std::string target;      // the caller's Contact
    own_offer offer;
    requests_heard heard;
    whereabouts known;
  };

  // Its number, whichever of its places that is.
  [[nodiscard]] std::size_t find(const endpoint& address) const;
  [[nodiscard]] const endpoint& where(const call& c) const {
    return places_[c.box + c.place * addresses_.size()];
  }
  // Calls of kind 's' (of their Call-ID): every box but the first is a proxy without state that
  // sends them back to the balancer, where they count as calls of a destination. False: it is none
  // of those.
  [[nodiscard]] bool pass_back(std::uint32_t box, const message& m);
  void answer(std::uint32_t number, int status);
  // At times it asks for fewer calls (RFC 7339), in the Via that offers to hear it.
  [[nodiscard]] std::string asking(std::string response);
  void send(const call& c, const std::string& bytes);
  void arm(std::uint32_t number, time_us after);
  void hang_up(std::uint32_t number);
  void refresh(std::uint32_t number);
  void go_on(std::uint32_t number); // until what comes next
  void talk(std::uint32_t number);  // what it has planned, if it is time
  void move(std::uint32_t number);
  void make_offer(std::uint32_t number, std::string_view method);
  void repeat_offer(std::uint32_t number);
  void on_answer(std::uint32_t number, const message& m);
  [[nodiscard]] int answer_to_offer(call& c, const message& m);
  void judge_place(const call& c, const message& m, const packet& p);
  [[nodiscard]] std::string within(std::uint32_t number, std::string_view method,
                                   std::uint32_t cseq, char mark = '-');
  [[nodiscard]] std::string here(const call& c) const;       // its Contact URI
  [[nodiscard]] std::string router(std::uint32_t box) const; // URI of its strict router
  void on_invite(std::uint32_t box, const message& m, const endpoint& from);
  // How a transfer goes: once at once, and once when it is over.
  void on_refer(std::uint32_t number, const message& m, const packet& p);
  // Ends the call that a new one at this box replaces. False: it is not here (RFC 3891 3).
  [[nodiscard]] bool replace_call(std::uint32_t box, std::string_view replaces);
  void on_other(std::uint32_t box, const message& m, const packet& p);
  void forget(std::uint32_t number);

  event_queue& events_;
  chance& random_;
  network& net_;
  front balancer_;
  std::vector<endpoint> addresses_;
  std::uint64_t asked_ = 0; // the last oc-seq
  std::vector<bool> dead_;
  bool behave_;
  bool refuse_; // most calls
  bool intact_; // nothing is corrupted on the way: a request at the wrong box is a mistake
  std::vector<endpoint> places_; // addresses_, then another port of each, then another host of each
  std::vector<call> calls_;
  std::vector<std::uint32_t> unused_;
  std::unordered_map<std::string, std::uint32_t> by_branch_, by_tag_;
  std::uint64_t tags_ = 0;
  std::uint32_t run_ = 0;                                  // of the balancer
  std::vector<std::pair<endpoint, std::string>> notifies_; // what boxes will send, and from where
  std::string broken_;
};

} // namespace linehunt::sim
