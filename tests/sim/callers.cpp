// SPDX-License-Identifier: Apache-2.0
// What callers do.
#include "callers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace linehunt::sim {

namespace {

constexpr time_us timeout = 64 * t1_ms * msec;
constexpr std::string_view sdp = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\n"
                                 "c=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

} // namespace

callers::callers(event_queue& events, chance& random, network& net, const front& balancer,
                 bool behave, bool intact)
    : events_(events), random_(random), net_(net), balancer_(balancer), behave_(behave),
      intact_(intact) {}

std::string callers::uri_at(const endpoint& contact) {
  return "sip:a@" + std::string(std::string_view(to_text(contact)));
}

std::string callers::here(const call& c) const {
  return uri_at(c.contact);
}

std::string callers::router(const call& c) const {
  return "sip:strict@" + std::string(std::string_view(to_text(c.from)));
}

// Nothing goes to those behind the first of them but by that.
std::string callers::edges(const call& c) const {
  std::string all;
  endpoint at = c.from;
  for (std::uint8_t i = 0; i < c.proxies; ++i, ++at.port) {
    all += all.empty() ? "<sip:edge@" : ",<sip:edge@";
    all += std::string_view(to_text(at));
    all += ";lr>";
  }
  return all;
}

std::string callers::via_behind(const call& c) const {
  if (c.proxies == 0) return {};
  return "Via: SIP/2.0/UDP " + std::string(std::string_view(to_text(c.contact))) +
         ";branch=z9hG4bKbehind\r\n";
}

// The Record-Routes of the 2xx in reverse (RFC 3261 12.1.2), without those of our own strict router
// or proxies.
callers::way callers::way_by(const call& c, const message& answer) const {
  way by;
  by.target = uri_of(answer.contact);
  const auto ours = [](std::string_view hop) { return hop.find(";lh=") != hop.npos; };
  if (c.no_routes &&
      std::all_of(answer.record_routes.at.begin(),
                  answer.record_routes.at.begin() + answer.record_routes.count, ours))
    return by;
  for (std::size_t i = answer.record_routes.count; i-- > 0;) {
    const std::string_view hop = answer.record_routes.at[i];
    const bool own = (c.strict && uri_of(hop) == router(c)) || hop.starts_with("<sip:edge@");
    if (!own) by.hops.emplace_back(hop);
  }
  return by;
}

std::optional<std::uint32_t> callers::number_of(std::string_view id) const {
  if (id.size() < 2) return std::nullopt;
  std::uint32_t number = 0;
  const auto end = std::from_chars(id.data() + 1, id.data() + id.size(), number);
  if (end.ec != std::errc{} || number >= calls_.size() || call_id(number) != id)
    return std::nullopt;
  return number;
}

bool callers::talks(std::string_view id, std::string_view to_tag) const {
  const auto number = number_of(id);
  if (!number || to_tag.empty()) return false;
  const call& c = calls_[*number];
  return c.at == stage::up && c.kind != 'k' && !c.dead && c.to_tag == to_tag;
}

std::string callers::call_id(std::uint32_t number) const {
  return calls_[number].kind + std::to_string(number) + "@x.example";
}

std::string callers::stolen_call_id() const {
  return calls_.empty() ? "none" : call_id(last_);
}

std::string callers::branch(std::uint32_t number, std::uint32_t cseq, char mark) const {
  return "z9hG4bK" + std::to_string(number) + mark + std::to_string(cseq);
}

std::string callers::invite(std::uint32_t number) const {
  const call& c = calls_[number];
  const std::string uri = "sip:" + c.user + "@192.0.2.1";
  std::string extra = via_behind(c);
  if (c.strict) extra += "Record-Route: <" + router(c) + ">\r\n";
  if (c.proxies > 0) {
    std::string routes = edges(c);
    for (std::size_t at = 0; number % 2 == 0 && (at = routes.find(',')) != routes.npos;)
      routes.replace(at, 1, "\r\nRecord-Route: ");
    extra += "Record-Route: " + routes + "\r\n";
  }
  extra += c.replaces;
  if (c.session_s != 0)
    extra += "Supported: timer\r\nSession-Expires: " + std::to_string(c.session_s) +
             (number % 2 == 0 ? ";refresher=uac\r\n" : ";refresher=uas\r\n");
  return request({.method = "INVITE",
                  .uri = uri,
                  .sent_by = std::string_view(to_text(c.from)),
                  .branch = branch(number, 1, 'i'),
                  .from = "<sip:a@x.example>;tag=f" + std::to_string(number),
                  .to = "<" + uri + ">",
                  .call_id = call_id(number),
                  .contact = in_angles(here(c)),
                  .cseq = 1,
                  .extra = extra,
                  .body = sdp});
}

// CANCEL, or the ACK of a failure: as the INVITE, hop by hop.
std::string callers::hop(std::uint32_t number, std::string_view method, std::string_view to) const {
  const call& c = calls_[number];
  const std::string uri = "sip:" + c.user + "@192.0.2.1";
  return request({.method = method,
                  .uri = uri,
                  .sent_by = std::string_view(to_text(c.from)),
                  .branch = branch(number, 1, 'i'),
                  .from = "<sip:a@x.example>;tag=f" + std::to_string(number),
                  .to = to.empty() ? "<" + uri + ">" : std::string(to),
                  .call_id = call_id(number),
                  .contact = {},
                  .cseq = 1,
                  .body = {}});
}

std::string callers::within(std::uint32_t number, std::string_view method, std::uint32_t cseq,
                            std::string_view to_tag, const way& by, char mark) {
  const call& c = calls_[number];
  const std::vector<std::string_view> hops(by.hops.begin(), by.hops.end());
  const dialog_path path = path_of(hops, by.target, c.strict);
  const bool refreshing = method == "INVITE" || method == "UPDATE";
  const std::string contact = refreshing ? in_angles(here(c)) : std::string{};
  std::string extra = via_behind(c);
  if (refreshing && c.session_s != 0)
    extra += "Session-Expires: " + std::to_string(c.session_s) + ";refresher=uac\r\n";
  std::string to = "<sip:" + c.user + "@192.0.2.1>;tag=";
  to += to_tag;
  return request({.method = method,
                  .uri = path.uri,
                  .sent_by = std::string_view(to_text(c.from)),
                  .branch = branch(number, cseq, mark),
                  .from = "<sip:a@x.example>;tag=f" + std::to_string(number),
                  .to = to,
                  .call_id = call_id(number),
                  .contact = contact,
                  .cseq = cseq,
                  .routes = &path.routes,
                  .extra = extra,
                  .body = method == "INVITE" ? sdp : std::string_view{}});
}

void callers::arm(std::uint32_t number, timer_kind which, time_us after) {
  call& c = calls_[number];
  if (which == resend) ++c.generation;
  events_.add(events_.now + after, happening::call_timer, number,
              which | (which == resend        ? std::uint32_t{c.generation} << 8
                       : which == offer_again ? c.offer.cseq << 8
                                              : 0));
}

// A line that names one of the latest calls, at times as its callee would name it to the caller.
std::string callers::replaces_one(std::uint32_t number) {
  for (std::uint32_t tries = 0; tries < 8 && number > 0; ++tries) {
    const std::uint32_t one = number - 1 - random_.below(std::min(number, 64u));
    const call& c = calls_[one];
    if (c.at != stage::up || c.to_tag.empty()) continue;
    ++counts.replaces;
    const bool of_callee = random_.below(8) != 0;
    return "Require: replaces\r\nReplaces: " + call_id(one) +
           (of_callee ? ";to-tag=" : ";from-tag=") + c.to_tag +
           (of_callee ? ";from-tag=f" : ";to-tag=f") + std::to_string(one) + "\r\n";
  }
  return {};
}

void callers::begin(std::uint32_t number, std::string_view user, const endpoint& from, char kind,
                    bool replacing) {
  if (calls_.size() <= number) calls_.resize(number + 1);
  call& c = calls_[number];
  c.at = stage::calling;
  c.kind = kind;
  c.user = user;
  c.from = from;
  c.contact = from;
  c.interval_ms = t1_ms;
  c.deadline = events_.now + timeout;
  last_ = number;
  c.strict = kind == 'c' && random_.below(8) == 0;
  if (random_.below(4) == 0) c.session_s = static_cast<std::uint16_t>(90 + random_.below(20));
  c.refreshes = behave_ || random_.below(4) != 0;
  if (kind == 'c' && !c.strict && random_.below(8) == 0) {
    c.proxies = static_cast<std::uint8_t>(1 + random_.below(3));
    c.contact.ip = behind_proxies(from.ip);
    ++counts.proxied;
  }
  // Of a call that passes us twice the two records could not be told apart without routes.
  c.no_routes = !c.strict && c.proxies == 0 && kind != 's' && random_.below(12) == 0;
  counts.without_route += c.no_routes ? 1u : 0u;
  counts.strict += c.strict ? 1u : 0u;
  ++counts.begun;
  if (replacing) c.replaces = replaces_one(number);
  send(c, invite(number));
  arm(number, resend, t1_ms * msec);
  if (behave_) return;
  const std::uint32_t mood = random_.below(100);
  if (mood < 8)
    arm(number, give_up, random_.between(0, 12 * sec));
  else if (mood < 13)
    arm(number, die, random_.between(0, 20 * sec));
  else if (mood < 15)
    c.acks = false;
}

void callers::timer(std::uint32_t number, std::uint32_t which) {
  call& c = calls_[number];
  if ((which & 0xff) == late_ack && !c.dead) return send(c, std::exchange(c.late_ack, {}));
  if (c.dead || c.at == stage::over) return;
  switch (which & 0xff) {
  case die:
    c.dead = true;
    ++counts.died;
    break;
  case give_up:
    if (c.at != stage::calling && c.at != stage::proceeding) break;
    ++counts.gave_up;
    c.cancelled = true;
    send(c, hop(number, "CANCEL", {}));
    break;
  case hang_up:
    if (c.at != stage::up) break;
    // Who says where it is before it hangs up is known to be of the call.
    if (c.offer.is_open() && (behave_ || random_.below(2) == 0))
      arm(number, hang_up, 500 * msec);
    else
      hang_up_now(number);
    break;
  case reinvite:
    if (c.at != stage::up) break;
    ++counts.reinvites;
    send(c, within(number, "INVITE", ++c.cseq, c.to_tag, c.callee));
    break;
  case move:
    if (c.at == stage::up) move_now(number);
    break;
  case reoffer:
    if (c.at == stage::up && !c.offer.is_open()) make_offer(number, "INVITE");
    break;
  case late_cancel:
    if (c.at != stage::up) break;
    ++counts.late_cancels;
    send(c, hop(number, "CANCEL", {}));
    break;
  case offer_again:
    if (c.offer.is_open() && which >> 8 == c.offer.cseq) repeat_offer(number);
    break;
  case bye_astray:
    if (c.at == stage::up) hang_up_elsewhere(number);
    break;
  case refer: {
    if (c.at != stage::up) break;
    ++counts.refers;
    std::string text = within(number, "REFER", ++c.cseq, c.to_tag, c.callee);
    text.insert(text.find("Content-Length: "), "Refer-To: <sip:4931@192.0.2.1>\r\n");
    send(c, std::move(text));
    // Who has transferred has no more to say.
    if (random_.below(2) == 0) arm(number, hang_up, random_.between(100 * msec, 5 * sec));
    break;
  }
  case refresh:
    if (c.at != stage::up) break;
    ++counts.refreshes;
    ++c.cseq;
    send(c,
         within(number, random_.below(2) == 0 ? "UPDATE" : "INVITE", c.cseq, c.to_tag, c.callee));
    arm(number, refresh, refresh_after(c.session_s));
    break;
  default:
    if (which >> 8 != c.generation) break;
    if (events_.now >= c.deadline) {
      if (c.at == stage::calling || c.at == stage::proceeding) ++counts.unanswered;
      close(c);
      break;
    }
    if (c.at == stage::calling)
      send(c, invite(number));
    else if (c.at == stage::leaving)
      send(c, c.bye);
    else if (c.at != stage::proceeding)
      break;
    if (c.cancelled && c.at == stage::proceeding) send(c, hop(number, "CANCEL", {}));
    c.interval_ms = std::min(c.interval_ms * 2, c.at == stage::leaving ? t2_ms : 32'000);
    arm(number, resend, c.interval_ms * msec);
    break;
  }
}

void callers::hang_up_now(std::uint32_t number) {
  call& c = calls_[number];
  c.at = stage::leaving;
  c.bye = within(number, "BYE", ++c.cseq, c.to_tag, c.callee);
  c.interval_ms = t1_ms;
  c.deadline = events_.now + timeout;
  send(c, c.bye);
  arm(number, resend, t1_ms * msec);
}

void callers::note_restart(bool crashed) {
  ++run_;
  if (!crashed) return;
  for (call& c : calls_)
    c.known.forget();
}

// To be rid of the line, and not of the call.
void callers::hang_up_elsewhere(std::uint32_t number) {
  call& c = calls_[number];
  const auto strict = [](std::string_view hop) { return hop.find("strict@") != hop.npos; };
  if (c.strict || std::ranges::any_of(c.callee.hops, strict)) return;
  ++counts.astray;
  way astray = c.callee;
  astray.target.replace(astray.target.rfind(':') + 1, astray.target.npos,
                        std::to_string(port_of_others));
  send(c, within(number, "BYE", ++c.cseq, c.to_tag, astray));
}

// Frees what a long simulation must not keep.
void callers::close(call& c) {
  c.at = stage::over;
  c.over_at = events_.now;
  ++c.generation;
  c.bye = {};
  c.replaces = {};
  c.callee = {};
  c.offer.close();
}

// Who refreshes is what the answer says.
void callers::plan_refresh(std::uint32_t number, const message& answer) {
  call& c = calls_[number];
  if (answer.session_expires.empty() || parameter(answer.session_expires, "refresher") != "uac")
    return;
  if (c.refreshes)
    arm(number, refresh, refresh_after(c.session_s));
  else
    ++counts.forgetful;
}

void callers::arrive(const packet& p) {
  message m;
  if (!read(p.bytes, m)) return;
  const auto known = number_of(m.call_id);
  if (!known) return;
  const std::uint32_t number = *known;
  const call& c = calls_[number];
  // A call of a box has its callee's replies come here too: those to what carries the callee's tag.
  const bool to_caller = m.status == 0 || parameter(m.from, "tag") == "f" + std::to_string(number);
  if (intact_ && to_caller && broken_.empty()) judge_place(c, m, p);
  if (c.dead) return;
  if (m.status == 0) {
    on_request(number, m, p.to, p.from);
  } else {
    if (intact_ && broken_.empty()) judge_response(c, m);
    on_response(number, m);
  }
}

// Behind a proxy, with that on top of its Vias and itself below; but for CANCEL, hop by hop.
void callers::judge_response(const call& c, const message& m) {
  if (c.proxies > 0 && m.cseq_method != "CANCEL" && m.vias.count != 2)
    broken_ = "to a proxy in front of a caller came\n" + std::string(m.bytes);
}

// RFC 3261 12.2.1.1, 16.12: by its strict router or its proxies, to its Contact.
void callers::judge_way(const call& c, const message& m) {
  if (c.strict) {
    ++counts.strict_requests;
    if (!fits_strict_router(m, router(c), here(c)))
      broken_ = "to a caller behind a strict router came\n" + std::string(m.bytes);
  } else if (c.proxies > 0) {
    ++counts.proxied_requests;
    const auto was_here = [&](const endpoint& e) { return m.uri == uri_at(e); };
    if (!has_routes(m, edges(c)) || (m.uri != here(c) && std::ranges::none_of(c.left, was_here)))
      broken_ = "to a caller behind proxies came\n" + std::string(m.bytes);
  }
}

void callers::on_response(std::uint32_t number, const message& m) {
  call& c = calls_[number];
  const std::string_view tag = parameter(m.to, "tag");
  if (m.cseq_method == "BYE") {
    if (m.status < 200 || c.at != stage::leaving) return;
    if (m.status == 407 && m.cseq != c.cseq) return; // of the BYE before
    // With credentials, or there are none.
    if (m.status == 407 && random_.below(2) == 0) return hang_up_now(number);
    close(c);
    return;
  }
  if (on_offer_answered(number, m)) return;
  // To a refresh: nobody knows of the call any more, or not as this caller has understood it.
  if (m.cseq != 1 && ends_dialog(m.status) && c.at == stage::up) return close(c);
  if (m.cseq_method != "INVITE") return;
  if (m.cseq != 1) { // of a re-INVITE
    if (m.status >= 200 && m.status < 300)
      send(c, within(number, "ACK", m.cseq, tag, c.callee, 'a'));
    return;
  }
  if (m.status < 200) {
    if (c.at == stage::calling) {
      c.at = stage::proceeding;
      c.deadline = events_.now + 200 * sec;
      if (c.cancelled) send(c, hop(number, "CANCEL", {}));
      arm(number, resend, t1_ms * msec);
    }
    return;
  }
  if (m.status >= 300) {
    send(c, hop(number, "ACK", m.to));
    if (c.at != stage::calling && c.at != stage::proceeding) return;
    ++counts.failed;
    if (m.status == 500 && tag.empty() == false) ++counts.full;
    close(c);
    return;
  }
  if (!c.acks) {
    if (c.at != stage::up) ++counts.never_acked;
    c.at = stage::up;
    return;
  }
  way path = way_by(c, m);
  if (c.at == stage::calling || c.at == stage::proceeding) {
    c.at = stage::up;
    ++c.generation;
    ++counts.answered;
    c.to_tag = tag;
    c.callee = path;
    plan_refresh(number, m);
    if (c.cancelled) {
      ++counts.crossed;
      arm(number, hang_up, 10 * msec);
    } else if (random_.below(2) == 0 || behave_) {
      arm(number, hang_up, random_.between(100 * msec, 12 * sec));
    }
    if (!behave_ && random_.below(20) == 0)
      arm(number, bye_astray, random_.between(100 * msec, 10 * sec));
    if (random_.below(20) == 0) arm(number, late_cancel, random_.between(1 * msec, 3 * sec));
    if (c.kind == 'c' && random_.below(8) == 0) arm(number, reoffer, meeting);
    if (c.kind == 'c' && !c.strict && random_.below(12) == 0)
      arm(number, move, random_.between(100 * msec, 8 * sec));
    if (random_.below(20) == 0) arm(number, reinvite, random_.between(500 * msec, 5 * sec));
    if (c.kind != 'k' && random_.below(20) == 0)
      arm(number, refer, random_.between(100 * msec, 5 * sec));
  } else if (c.to_tag != tag) {
    // Another destination has answered too, or one after all: one of the two is ended at once.
    ++counts.second_answers;
    send(c, within(number, "ACK", 1, tag, path, 'a'));
    const bool left = std::ranges::find(c.left_tags, tag) != c.left_tags.end();
    if (c.at != stage::up || left || random_.below(2) == 0) {
      if (!left) c.left_tags.emplace_back(tag);
      send(c, within(number, "BYE", 2, tag, path));
      return;
    }
    ++counts.kept_second;
    send(c, within(number, "BYE", ++c.cseq, c.to_tag, c.callee));
    c.left_tags.push_back(std::exchange(c.to_tag, std::string(tag)));
    c.callee = path;
    c.offer.close();
    c.heard = {};
    c.known.forget();
    return;
  }
  send(c, within(number, "ACK", 1, tag, path, 'a'));
}

void callers::on_request(std::uint32_t number, const message& m, const endpoint& at,
                         const endpoint& from) {
  call& c = calls_[number];
  const bool mine = parameter(m.from, "tag") == c.to_tag && !c.to_tag.empty();
  if (mine && intact_ && broken_.empty()) judge_way(c, m);
  if (m.method == "ACK") return c.known.note_ack(m);
  if (m.method == "OPTIONS") ++counts.pings;
  int status = mine && c.at != stage::over ? 200 : 481;
  if (mine && !c.heard.note(m)) {
    ++counts.overtaken;
    net_.send(respond(m, 500, {}, {}), at, from);
    return;
  }
  if (m.method == "BYE" && mine) {
    status = 200;
    if (!behave_ && random_.below(16) == 0) {
      ++counts.refused_byes;
      static constexpr int refusals[] = {500, 503, 403, 487};
      status = refusals[random_.below(4)];
    }
    // Or it talks on; but not where nobody else has hung up.
    if (status == 200 || is_of_balancer(m) || random_.below(2) == 0) close(c);
  }
  if (m.method == "NOTIFY" && mine) { // of a usage of its own, which the BYE has not ended
    status = 200;
    ++counts.notified;
    counts.notified_late += events_.now > c.over_at + timeout && c.at == stage::over ? 1u : 0u;
  }
  const bool offers = m.method == "INVITE" || m.method == "UPDATE";
  if (status == 200 && offers) status = answer_to_offer(c, m);
  if (status == 0) return;
  const std::string contact = in_angles(here(c));
  const bool refreshed = status == 200 && offers;
  net_.send(
      respond(m, status, {}, refreshed ? contact : "", refreshed ? session_line(m) : std::string{}),
      at, from);
}

} // namespace linehunt::sim
