// SPDX-License-Identifier: Apache-2.0
// What destinations do.
#include "boxes.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace linehunt::sim {

constexpr std::uint16_t port_of_moved = 5070;

boxes::boxes(event_queue& events, chance& random, network& net, const front& balancer,
             std::vector<endpoint> addresses, bool behave, bool intact, bool refuse)
    : events_(events), random_(random), net_(net), balancer_(balancer),
      addresses_(std::move(addresses)), dead_(addresses_.size()), behave_(behave), refuse_(refuse),
      intact_(intact), places_(addresses_) {
  for (endpoint e : addresses_) {
    e.port = port_of_moved;
    places_.push_back(e);
  }
  for (endpoint e : addresses_) {
    e.ip.bytes[e.ip.is_v6 ? 15 : 3] += 150; // beyond all boxes and their silent addresses
    places_.push_back(e);
  }
}

std::size_t boxes::find(const endpoint& address) const {
  const auto found = std::ranges::find(places_, address);
  if (found == places_.end()) return addresses_.size();
  return static_cast<std::size_t>(found - places_.begin()) % addresses_.size();
}

void boxes::send(const call& c, const std::string& bytes) {
  net_.send(bytes, where(c), balancer_.facing(where(c)));
}

std::string boxes::here(const call& c) const {
  return "sip:box@" + std::string(std::string_view(to_text(where(c))));
}

std::string boxes::router(std::uint32_t box) const {
  return "sip:strict@" + std::string(std::string_view(to_text(addresses_[box])));
}

void boxes::arm(std::uint32_t number, time_us after) {
  events_.add(events_.now + after, happening::box_timer, number, ++calls_[number].generation);
}

void boxes::die(std::uint32_t box) {
  dead_[box] = true;
  ++counts.deaths;
  for (std::uint32_t n = 0; n < calls_.size(); ++n)
    if (calls_[n].at != stage::unused && calls_[n].box == box) forget(n);
}

void boxes::forget(std::uint32_t number) {
  call& c = calls_[number];
  by_branch_.erase(c.branch);
  by_tag_.erase(c.tag);
  const std::uint32_t generation = c.generation + 1;
  c = {};
  c.generation = generation;
  unused_.push_back(number);
}

void boxes::arrive(const packet& p) {
  const auto box = static_cast<std::uint32_t>(find(p.to));
  message m;
  if (dead_[box] || !read(p.bytes, m)) return;
  if (m.call_id.starts_with('s') && pass_back(box, m)) return;
  if (m.status != 0) {
    const auto known = by_tag_.find(std::string(parameter(m.from, "tag")));
    if (known != by_tag_.end() && calls_[known->second].box == box) on_answer(known->second, m);
    if (behave_ && m.cseq_method == "NOTIFY" && m.status != 200 && broken_.empty())
      broken_ = "nobody misbehaved, and word of a transfer is answered\n" + std::string(m.bytes);
    return;
  }
  if (m.method == "INVITE" && parameter(m.to, "tag").empty())
    on_invite(box, m, p.from);
  else
    on_other(box, m, p);
}

void boxes::on_answer(std::uint32_t number, const message& m) {
  call& c = calls_[number];
  if (m.cseq_method == "BYE" && m.status >= 200 && c.at == stage::leaving) return forget(number);
  if (!c.offer.is_answered_by(m) || c.at != stage::up || m.status < 200) return;
  const bool agreed = m.status < 300;
  if (agreed && !m.contact.empty()) c.target = uri_of(m.contact);
  if (agreed && c.offer.run == run_) c.known.confirm(net_.sent, events_.now);
  if (c.offer.invites) send(c, within(number, "ACK", m.cseq, agreed ? 'a' : '-'));
  c.offer.close();
  if (m.status != 491) return;
  c.reoffer_at = events_.now + random_.between(10 * msec, 2 * sec); // RFC 3261 14.1
  go_on(number);
}

void boxes::arrive_beside(std::string_view bytes, const endpoint& at, const endpoint& from) {
  message m;
  if (random_.below(2) == 0 || !read(bytes, m) || m.status != 0 || m.method == "ACK") return;
  net_.send(respond(m, 481, {}, {}), at, from);
}

bool boxes::talks(std::string_view tag) const {
  const auto known = by_tag_.find(std::string(tag));
  if (known == by_tag_.end()) return false;
  const call& c = calls_[known->second];
  return (c.at == stage::up || c.at == stage::leaving) && !dead_[c.box];
}

bool boxes::pass_back(std::uint32_t box, const message& m) {
  constexpr std::string_view mark = "z9hG4bKback";
  const std::size_t first_line_end = m.bytes.find("\r\n") + 2;
  const std::string_view branch = parameter(m.vias.at[0], "branch");
  std::string text(m.bytes);
  if (m.status != 0) {
    if (!branch.starts_with(mark)) return false;
    const std::size_t via = text.find("Via: ");
    text.erase(via, text.find("\r\n", via) + 2 - via);
  } else {
    // On its first way the INVITE has two Vias; CANCEL, and ACK of a failure, are the balancer's
    // own. Later only what goes on by a Route.
    const bool hop = m.method == "CANCEL" || m.method == "ACK";
    const bool first_way = m.routes.count == 0 && ((m.method == "INVITE" && m.vias.count == 2) ||
                                                   (hop && m.vias.count == 1));
    if (box == 0 || !(first_way || m.routes.count > 0)) return false;
    ++counts.passed_back;
    std::string via = "Via: SIP/2.0/UDP ";
    via += std::string_view(to_text(addresses_[box]));
    via += ";branch=";
    via += mark;
    via += branch;
    text.insert(first_line_end, via + "\r\n");
  }
  net_.send(std::move(text), addresses_[box], balancer_.facing(addresses_[box]));
  return true;
}

void boxes::on_invite(std::uint32_t box, const message& m, const endpoint& from) {
  std::string branch(parameter(m.vias.at[0], "branch"));
  if (const auto known = by_branch_.find(branch); known != by_branch_.end()) {
    ++counts.repeated;
    if (!calls_[known->second].last.empty())
      send(calls_[known->second], calls_[known->second].last);
    return;
  }
  ++counts.invites;
  std::uint32_t number;
  if (unused_.empty()) {
    number = static_cast<std::uint32_t>(calls_.size());
    calls_.emplace_back();
  } else {
    number = unused_.back();
    unused_.pop_back();
  }
  call& c = calls_[number];
  c.at = stage::ringing;
  c.box = box;
  c.invite = m.bytes;
  c.target = uri_of(m.contact);
  c.from = from;
  c.branch = branch;
  c.tag = 'b';
  c.tag += std::to_string(box);
  c.tag += 'x';
  c.tag += std::to_string(++tags_);
  by_branch_.emplace(std::move(branch), number);
  by_tag_.emplace(c.tag, number);
  c.interval_ms = 0;
  c.deadline = events_.now + 400 * sec;
  // What will become of it.
  static constexpr int failures[] = {486, 503, 500, 603, 302, 404, 480, 408};
  const std::uint32_t mood = behave_ ? 0 : random_.below(100);
  c.status = mood < 78 ? 200 : mood < 92 ? failures[random_.below(8)] : 0;
  if (refuse_ && mood >= 10 && mood < 92) c.status = 500;
  const std::size_t replaces = m.bytes.find("\r\nReplaces: ");
  if (replaces != m.bytes.npos && c.status == 200 &&
      !replace_call(box, m.bytes.substr(replaces, m.bytes.find("\r\n", replaces + 2) - replaces)))
    c.status = 481;
  if (c.status == 0) ++counts.silent;
  c.strict = random_.below(8) == 0;
  c.forks = !behave_ && random_.below(16) == 0;
  counts.strict += c.strict ? 1u : 0u;
  if (mood < 96 && random_.below(5) != 0) {
    c.last = asking(respond(m, mood < 50 ? 180 : 183, c.tag, {}));
    send(c, c.last);
  }
  arm(number, random_.between(1 * msec, behave_                 ? 2 * sec
                                        : random_.below(4) == 0 ? 9 * sec
                                                                : 800 * msec));
}

std::string boxes::asking(std::string response) {
  constexpr std::string_view offer = ";oc;oc-algo=\"loss\"";
  const std::size_t at = response.find(offer);
  if (behave_ || at == std::string::npos || random_.below(8) != 0) return response;
  ++counts.asked_for_less;
  std::string said = ";oc=" + std::to_string(random_.below(3) == 0 ? 0 : random_.below(101));
  said += ";oc-algo=\"loss\";oc-validity=" + std::to_string(random_.below(5000));
  said += ";oc-seq=" + std::to_string(++asked_) + ".0";
  return response.replace(at, offer.size(), said);
}

void boxes::answer(std::uint32_t number, int status) {
  call& c = calls_[number];
  message m;
  if (!read(c.invite, m)) return;
  std::string contact, extra;
  if (status < 300) {
    contact = in_angles(here(c));
    if (c.strict) extra = "Record-Route: <" + router(c.box) + ">\r\n";
    extra += session_line(m);
    if (parameter(m.session_expires, "refresher") == "uas") {
      if (behave_ || random_.below(4) != 0)
        c.refresh_us = refresh_after(seconds_of(m.session_expires));
      else
        ++counts.forgetful;
    }
  }
  if (status == 503 && random_.below(2) == 0) {
    ++counts.asked_for_a_pause;
    extra = "Retry-After: " + std::to_string(1 + random_.below(10)) + "\r\n";
  }
  if (c.forks && status < 300) {
    ++counts.forked;
    send(c, respond(m, status, c.tag + "f", contact, extra));
  }
  c.last = asking(respond(m, status, c.tag, contact, extra));
  c.at = status < 300 ? stage::answered : stage::refused;
  ++(status < 300 ? counts.answered : counts.refused);
  c.interval_ms = t1_ms;
  c.deadline = events_.now + 64 * t1_ms * msec;
  send(c, c.last);
  arm(number, t1_ms * msec);
}

void boxes::timer(std::uint32_t number, std::uint32_t generation) {
  call& c = calls_[number];
  if (c.generation != generation || c.at == stage::unused) return;
  if (events_.now >= c.deadline && c.at != stage::up) return forget(number);
  switch (c.at) {
  case stage::ringing:
    if (c.status != 0)
      answer(number, c.status);
    else
      arm(number, 60 * sec); // says nothing, and goes some day
    break;
  case stage::refused:
  case stage::answered:
  case stage::leaving:
    send(c, c.last);
    c.interval_ms = std::min(c.interval_ms * 2, t2_ms);
    arm(number, c.interval_ms * msec);
    break;
  case stage::up:
    talk(number);
    break;
  default:
    break;
  }
}

void boxes::talk(std::uint32_t number) {
  call& c = calls_[number];
  const auto is_due = [this](time_us at) { return at != 0 && events_.now >= at; };
  if (is_due(c.hang_up_at)) return hang_up(number);
  if (is_due(c.refresh_at)) refresh(number);
  if (is_due(c.move_at)) move(number);
  if (c.offer.is_open() && is_due(c.offer_at)) repeat_offer(number);
  if (is_due(c.reoffer_at)) {
    c.reoffer_at = 0;
    if (!c.offer.is_open()) make_offer(number, "INVITE");
  }
  go_on(number);
}

void boxes::go_on(std::uint32_t number) {
  const call& c = calls_[number];
  time_us next = c.hang_up_at;
  for (const time_us at :
       {c.refresh_at, c.move_at, c.reoffer_at, c.offer.is_open() ? c.offer_at : 0})
    if (at != 0) next = std::min(next, at);
  arm(number, next - std::min(events_.now, next));
}

std::string boxes::within(std::uint32_t number, std::string_view method, std::uint32_t cseq,
                          char mark) {
  call& c = calls_[number];
  message m;
  if (!read(c.invite, m)) return {};
  const dialog_path path =
      path_of({m.record_routes.at.data(), m.record_routes.count}, c.target, c.strict);
  const std::string from = std::string(m.to) + ";tag=" + c.tag;
  const bool offers = method == "UPDATE" || method == "INVITE";
  const std::string contact = offers ? in_angles(here(c)) : std::string{};
  std::string session;
  if (offers && !m.session_expires.empty())
    session =
        "Session-Expires: " + std::to_string(seconds_of(m.session_expires)) + ";refresher=uac\r\n";
  return request({.method = method,
                  .uri = path.uri,
                  .sent_by = std::string_view(to_text(where(c))),
                  .branch = "z9hG4bK" + c.tag + mark + std::to_string(cseq),
                  .from = from,
                  .to = m.from,
                  .call_id = m.call_id,
                  .contact = contact,
                  .cseq = cseq,
                  .routes = &path.routes,
                  .extra = session,
                  .body = {}});
}

void boxes::refresh(std::uint32_t number) {
  ++counts.refreshes;
  call& c = calls_[number];
  c.refresh_at = events_.now + c.refresh_us;
  send(c, within(number, "UPDATE", ++c.cseq));
}

// To another port, then to another host.
void boxes::move(std::uint32_t number) {
  call& c = calls_[number];
  c.move_at = 0;
  if (c.offer.is_open() || c.place == 2) return;
  ++counts.moves;
  c.place += c.place == 0 ? 1 + random_.below(2) : 1;
  if (c.place == 1) c.move_at = events_.now + random_.between(1 * sec, 8 * sec);
  c.known.move();
  make_offer(number, random_.below(2) == 0 ? "UPDATE" : "INVITE");
}

void boxes::make_offer(std::uint32_t number, std::string_view method) {
  call& c = calls_[number];
  c.offer.open(method, ++c.cseq, run_, events_.now);
  c.offer.text = within(number, method, c.cseq);
  c.offer_at = events_.now + t1_ms * msec;
  send(c, c.offer.text);
}

void boxes::repeat_offer(std::uint32_t number) {
  call& c = calls_[number];
  if (events_.now >= c.offer.deadline) return c.offer.close();
  send(c, c.offer.text);
  c.offer_at = events_.now + c.offer.next_wait();
}

void boxes::hang_up(std::uint32_t number) {
  call& c = calls_[number];
  ++counts.byes_out;
  c.at = stage::leaving;
  c.last = within(number, "BYE", ++c.cseq);
  c.interval_ms = t1_ms;
  c.deadline = events_.now + 64 * t1_ms * msec;
  send(c, c.last);
  arm(number, t1_ms * msec);
}

bool boxes::replace_call(std::uint32_t box, std::string_view replaces) {
  const auto known = by_tag_.find(std::string(parameter(replaces, "to-tag")));
  if (known == by_tag_.end() || calls_[known->second].box != box ||
      calls_[known->second].at != stage::up)
    return false;
  ++counts.replaced;
  hang_up(known->second);
  return true;
}

void boxes::on_refer(std::uint32_t number, const message& m, const packet& p) {
  ++counts.refers;
  call& c = calls_[number];
  net_.send(respond(m, 202, {}, in_angles(here(c))), p.to, p.from);
  const time_us first = random_.between(1 * msec, 300 * msec);
  for (const time_us after : {first, first + random_.between(100 * msec, 80 * sec)}) {
    std::string text = within(number, "NOTIFY", ++c.cseq);
    text.insert(text.find("Content-Length: "),
                "Event: refer;id=" + std::to_string(m.cseq) + "\r\nSubscription-State: active\r\n");
    events_.add(events_.now + after, happening::notify,
                static_cast<std::uint32_t>(notifies_.size()));
    notifies_.emplace_back(where(c), std::move(text));
  }
}

void boxes::notify(std::uint32_t number) {
  auto& [from, text] = notifies_[number];
  if (!dead_[find(from)]) net_.send(std::move(text), from, balancer_.facing(from));
  text = {};
}

void boxes::note_restart(bool crashed) {
  ++run_;
  if (!crashed) return;
  for (call& c : calls_)
    c.known.forget();
}

// To its Contact, or to the one that it had when the request was made.
void boxes::judge_place(const call& c, const message& m, const packet& p) {
  if (c.place == 0 || !c.known.is_known(p.order)) return;
  const bool by_new = m.uri == here(c);
  counts.moved_requests += by_new ? 1u : 0u;
  if ((by_new || is_of_balancer(m)) && (!by_new || p.to != where(c)))
    broken_ = "for the box that is " + here(c) + " now came to " +
              std::string(std::string_view(to_text(p.to))) + "\n" + std::string(m.bytes);
}

void boxes::on_other(std::uint32_t box, const message& m, const packet& p) {
  if (m.method == "OPTIONS" && parameter(m.to, "tag").empty()) {
    ++counts.probes;
    net_.send(respond(m, 200, "probe", {}), p.to, p.from);
    return;
  }
  const std::string_view tag = parameter(m.to, "tag");
  auto known = by_tag_.find(std::string(tag));
  if (m.method == "CANCEL" && tag.empty()) {
    const auto invited = by_branch_.find(std::string(parameter(m.vias.at[0], "branch")));
    const bool here = invited != by_branch_.end() && calls_[invited->second].box == box;
    net_.send(respond(m, here ? 200 : 481, "c", {}), p.to, p.from);
    if (here && calls_[invited->second].at == stage::ringing) {
      ++counts.cancelled;
      answer(invited->second, 487);
    }
    return;
  }
  // A tag names its box: "b<box>x<number>".
  std::uint32_t owner = box;
  if (tag.starts_with('b')) std::from_chars(tag.data() + 1, tag.data() + tag.size(), owner);
  if (intact_ && owner != box && owner < addresses_.size() && known != by_tag_.end() &&
      calls_[known->second].at != stage::unused && broken_.empty())
    broken_ = std::string(m.method) + " of a call on box " + std::to_string(owner) +
              " came to box " + std::to_string(box);
  if (known == by_tag_.end() || calls_[known->second].box != box) {
    ++counts.unknown;
    if (m.method != "ACK") net_.send(respond(m, 481, {}, {}), p.to, p.from);
    return;
  }
  const std::uint32_t number = known->second;
  call& c = calls_[number];
  if (c.strict && c.at != stage::ringing && c.at != stage::refused) {
    ++counts.strict_requests;
    if (intact_ && broken_.empty() && !fits_strict_router(m, router(box), here(c)))
      broken_ = "to a box behind a strict router came\n" + std::string(m.bytes);
  }
  if (intact_ && broken_.empty()) judge_place(c, m, p);
  if (!c.heard.note(m)) {
    ++counts.overtaken;
    net_.send(respond(m, 500, {}, {}), p.to, p.from);
    return;
  }
  if (m.method == "ACK") {
    c.known.note_ack(m);
    if (c.at == stage::refused) return forget(number);
    if (c.at != stage::answered) return;
    c.at = stage::up;
    // Half of the calls are ended from this side, if the caller does not before.
    c.deadline = events_.now;
    c.hang_up_at =
        events_.now +
        (behave_ ? 300 * sec
                 : random_.between(100 * msec, random_.below(2) == 0 ? 15 * sec : 90 * sec));
    c.refresh_at = c.refresh_us == 0 ? 0 : events_.now + c.refresh_us;
    // Answers to what a box asks in a call of a box are not its own.
    if (m.call_id.starts_with('c') && random_.below(8) == 0) c.reoffer_at = events_.now + meeting;
    if (!c.strict && m.call_id.starts_with('c') && random_.below(12) == 0)
      c.move_at = events_.now + random_.between(100 * msec, 8 * sec);
    go_on(number);
    return;
  }
  if (m.method == "BYE") {
    ++counts.byes_in;
    if (!behave_ && c.at == stage::up && random_.below(16) == 0) {
      ++counts.challenges;
      net_.send(respond(m, 407, {}, {}), p.to, p.from);
      return;
    }
    if (!behave_ && random_.below(16) == 0) {
      ++counts.refused_byes;
      static constexpr int refusals[] = {500, 503, 403, 487};
      net_.send(respond(m, refusals[random_.below(4)], {}, {}), p.to, p.from);
      // Or it talks on; but not where nobody else has hung up.
      if (is_of_balancer(m) || random_.below(2) == 0) forget(number);
      return;
    }
    net_.send(respond(m, 200, {}, {}), p.to, p.from);
    return forget(number);
  }
  if (m.method == "REFER") return on_refer(number, m, p);
  if (m.method == "OPTIONS") ++counts.pings;
  const bool refreshed = m.method == "INVITE" || m.method == "UPDATE";
  const int status = refreshed ? answer_to_offer(c, m) : 200;
  if (status == 0) return;
  const bool agreed = refreshed && status == 200;
  net_.send(respond(m, status, {}, agreed ? in_angles(here(c)) : std::string{},
                    agreed ? session_line(m) : std::string{}),
            p.to, p.from);
}

// 0: none.
int boxes::answer_to_offer(call& c, const message& m) {
  const int status = c.heard.answer_to(m, [&] {
    if (c.offer.crosses(m)) {
      ++counts.crossings;
      return 491;
    }
    if (behave_ || random_.below(12) != 0) return 200;
    ++counts.timeouts;
    if (random_.below(2) == 0) return 408;
    if (m.method != "INVITE") return 0;
    ++counts.rings_on;
    return 183;
  });
  if (status != 200) return status;
  if (!m.contact.empty()) c.target = uri_of(m.contact);
  c.known.note_said(m, events_.now);
  return status;
}

} // namespace linehunt::sim
