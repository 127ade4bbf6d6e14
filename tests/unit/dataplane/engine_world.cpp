// SPDX-License-Identifier: Apache-2.0
// The engine's test world and its messages.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <strings.h>

namespace linehunt::test {

void recorder::forward(const sip::edit_list& edits, const outbound& where) {
  std::string changed(sip::max_message_bytes, '\0');
  changed.resize(edits.apply_to(at_hand, changed));
  std::ranges::fill(at_hand, '!'); // as edits in place do: nobody may look at it after this
  sent.push_back({std::move(changed), where.to, where.listener, true});
}

void recorder::send(std::string_view bytes, const outbound& where) {
  sent.push_back({std::string{bytes}, where.to, where.listener, false});
}

bool recorder::mail(worker_id to, const linehunt::mail& what) {
  if (!rings_full) mails.emplace_back(to, what);
  return !rings_full;
}

snapshot_model study_case() {
  snapshot_model model;
  using models::machine;
  model.destinations = {machine(1, "transc=30; pstn=32"), machine(2, "vm=100; transc=10"),
                        machine(3, "vm=50; conf=300"),
                        machine(4, "vm=10;conf=10;transc=10;pstn=32")};
  model.listeners = {models::listening_at("192.0.2.1")};
  model.routes = {route{}};
  model.rules = {models::from_machines("198.51.100.7:5060"), models::balancing("^VM_", {"vm"}),
                 models::balancing("^[0-9]+$", {"pstn"})};
  model.rules[1].failover.disable = model.rules[2].failover.disable = true;
  return model;
}

engine_limits engine_world::small() {
  engine_limits limits;
  limits.max_calls = 512;
  limits.max_transactions = 128;
  limits.max_slots = 256;
  limits.max_destinations = 64;
  return limits;
}

engine_world::engine_world(const snapshot_model& model, engine_limits limits)
    : limits_(limits), book_(limits.max_destinations, limits.max_slots),
      world_(models::build(model, book_)), engine_(models::make_engine(*world_, limits)) {}

verdict engine_world::give(std::string_view bytes, const endpoint& from, listener_index listener) {
  sink.at_hand = bytes;
  ++given;
  return engine_->on_datagram({sink.at_hand, from, listener}, now, sink);
}

void engine_world::wait_ms(std::uint64_t ms) {
  const time_us until = now + ms * 1000;
  while (now < until) {
    now = std::min(now + 10'000, until);
    engine_->advance(now, sink);
  }
}

void engine_world::mail(const linehunt::mail& what) {
  engine_->on_mail(what, now, sink);
}

void engine_world::reload(const snapshot_model& model) {
  auto next = models::build(model, book_);
  engine_->adopt(*next);
  world_ = std::move(next);
}

void engine_world::give_numbers_back() {
  (void)book_.release_unheld([this](slot_index s) { return !engine_->ledger().settled(s); },
                             [this](auto d) { return engine_->destination_calls()[d] != 0; });
}

void engine_world::replace_first(snapshot_model model) {
  model.destinations.erase(model.destinations.begin());
  reload(model);
  give_numbers_back();
  model.destinations.push_back(models::machine(5, "conf=1"));
  reload(model);
}

models::kept_calls engine_world::copy() const {
  models::kept_calls kept;
  engine_->for_each_kept(now, [&](const kept_call& call) { kept.add(call); });
  return kept;
}

std::size_t engine_world::restart(const snapshot_model& model) {
  return restart_with(copy(), model);
}

std::size_t engine_world::crash(models::kept_calls copied, std::uint64_t age_ms,
                                const snapshot_model& model) {
  for (std::size_t i = 0; i < copied.size(); ++i) {
    copied[i].uncertain = true;
    copied[i].age_us += age_ms * 1000;
  }
  return restart_with(std::move(copied), model);
}

std::size_t engine_world::restart_with(models::kept_calls kept, const snapshot_model& model) {
  auto next = models::build(model, book_);
  engine_ = models::make_engine(*next, limits_, 0, 1, {{5, 6}, {7, 8}});
  world_ = std::move(next);
  std::size_t restored = 0;
  for (std::size_t i = 0; i < kept.size(); ++i)
    restored += engine_->restore(kept[i], now) ? 1u : 0u;
  return restored;
}

std::vector<sent_message> engine_world::take() {
  return std::exchange(sink.sent, {});
}

sent_message engine_world::take_one() {
  auto all = take();
  EXPECT_EQ(all.size(), 1u);
  if (all.empty()) return {};
  return std::move(all.front());
}

std::int64_t engine_world::load(std::uint32_t id, std::string_view resource) const {
  for (const destination& d : world_->destinations) {
    if (d.id != id) continue;
    for (const linehunt::resource& r : d.resources) {
      if (world_->resource_names[r.name] == resource) return engine_->ledger().view(r.slot).used;
    }
  }
  throw std::logic_error("no such destination or resource");
}

std::int64_t engine_world::total_load() const {
  std::int64_t sum = 0;
  for (const destination& d : world_->destinations) {
    for (const linehunt::resource& r : d.resources)
      sum += engine_->ledger().view(r.slot).used;
  }
  return sum;
}

std::uint64_t engine_world::count_of(verdict v) const {
  return engine_->counters().verdicts[static_cast<std::size_t>(v)];
}

std::vector<std::uint64_t> engine_world::handles() const {
  std::vector<std::uint64_t> all;
  engine_->for_each_call([&](const call_info& c) { all.push_back(c.handle); });
  return all;
}

std::vector<std::string> headers(std::string_view message, std::string_view name) {
  std::vector<std::string> found;
  std::size_t begin = message.find("\r\n") + 2;
  while (begin < message.size()) {
    const std::size_t end = message.find("\r\n", begin);
    if (end == begin || end == std::string_view::npos) break;
    const std::string_view line = message.substr(begin, end - begin);
    begin = end + 2;
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view value = line.substr(name.size() + 1);
      while (value.starts_with(' '))
        value.remove_prefix(1);
      found.emplace_back(value);
    }
  }
  return found;
}

std::string header(std::string_view message, std::string_view name) {
  const auto all = headers(message, name);
  return all.empty() ? std::string{} : all.front();
}

std::string first_line(std::string_view message) {
  return std::string{message.substr(0, message.find("\r\n"))};
}

int status_of(std::string_view message) {
  return message.starts_with("SIP/2.0 ") ? std::stoi(std::string{message.substr(8, 3)}) : 0;
}

std::string replace(std::string text, std::string_view from, std::string_view to) {
  const auto where = text.find(from);
  EXPECT_NE(where, std::string::npos) << "no " << from << " in\n" << text;
  if (where != std::string::npos) text.replace(where, from.size(), to);
  return text;
}

namespace {

std::string request_uri(const call_parts& p) {
  return "sip:" + p.user + "@192.0.2.1";
}

constexpr std::string_view sdp = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\n"
                                 "c=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

} // namespace

std::string invite(const call_parts& p) {
  return "INVITE " + request_uri(p) + " SIP/2.0\r\nVia: SIP/2.0/UDP " + p.sent_by +
         ";branch=" + p.branch + "\r\nMax-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@" +
         "caller.example>;tag=" + p.from_tag + "\r\nTo: <" + request_uri(p) +
         ">\r\nCall-ID: " + p.call_id + "\r\nCSeq: " + std::to_string(p.cseq) +
         " INVITE\r\nContact: <sip:alice@" + p.sent_by + ">\r\n" + p.extra +
         "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(sdp.size()) +
         "\r\n\r\n" + std::string{sdp};
}

std::string hop_request(std::string_view method, const call_parts& p, std::string_view to_tag) {
  std::string to = "<" + request_uri(p) + ">";
  if (!to_tag.empty()) to += ";tag=" + std::string{to_tag};
  return std::string{method} + " " + request_uri(p) + " SIP/2.0\r\nVia: SIP/2.0/UDP " + p.sent_by +
         ";branch=" + p.branch + "\r\nMax-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@" +
         "caller.example>;tag=" + p.from_tag + "\r\nTo: " + to + "\r\nCall-ID: " + p.call_id +
         "\r\nCSeq: " + std::to_string(p.cseq) + " " + std::string{method} +
         "\r\nContent-Length: 0\r\n\r\n";
}

std::string response(std::string_view request, int status, std::string_view to_tag,
                     std::string_view extra) {
  std::string out = "SIP/2.0 " + std::to_string(status) + " Whatever\r\n";
  for (const auto& via : headers(request, "Via"))
    out += "Via: " + via + "\r\n";
  for (const auto& rr : headers(request, "Record-Route"))
    out += "Record-Route: " + rr + "\r\n";
  out += "From: " + header(request, "From") + "\r\n";
  std::string to = header(request, "To");
  if (to.find(";tag=") == std::string::npos && !to_tag.empty() && status > 100)
    to += ";tag=" + std::string{to_tag};
  out += "To: " + to + "\r\n";
  out += "Call-ID: " + header(request, "Call-ID") + "\r\n";
  out += "CSeq: " + header(request, "CSeq") + "\r\n";
  if (status / 100 == 2 && request.starts_with("INVITE"))
    out += "Contact: <sip:machine@192.0.2.99:5070>\r\n";
  out += extra;
  return out + "Content-Length: 0\r\n\r\n";
}

std::string within(std::string_view ok, const dialog_request& what) {
  const std::string from = header(ok, what.from_caller ? "From" : "To");
  const std::string to = header(ok, what.from_caller ? "To" : "From");
  const std::string sent_by = what.from_caller ? "198.51.100.7:5060" : "192.0.2.99:5070";
  std::string uri =
      what.from_caller ? "sip:machine@192.0.2.99:5070" : "sip:alice@198.51.100.7:5060";
  std::string out = what.method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + sent_by +
                    ";branch=" + what.branch + "\r\nMax-Forwards: 70\r\n";
  auto routes = headers(ok, "Record-Route");
  if (what.from_caller) routes = {routes.rbegin(), routes.rend()};
  if (what.with_route) {
    for (const auto& route : routes)
      out += "Route: " + route + "\r\n";
  }
  out += "From: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + header(ok, "Call-ID") +
         "\r\nCSeq: " + std::to_string(what.cseq) + " " + what.method + "\r\n" + what.extra;
  return out + "Content-Length: 0\r\n\r\n";
}

running_call establish(engine_world& world, const call_parts& parts, std::string_view to_tag,
                       std::string_view behind_us) {
  running_call call;
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  auto sent = world.take();
  EXPECT_EQ(sent.size(), 2u);
  if (sent.size() != 2) return call;
  EXPECT_EQ(status_of(sent[0].bytes), 100);
  call.invite_at_callee = sent[1].bytes;
  call.callee = sent[1].to;
  EXPECT_EQ(world.give(response(call.invite_at_callee, 180, to_tag), call.callee),
            verdict::response_forwarded);
  EXPECT_EQ(status_of(world.take_one().bytes), 180);
  auto ok = response(call.invite_at_callee, 200, to_tag);
  if (!behind_us.empty())
    ok = replace(ok, "Record-Route: ", "Record-Route: " + std::string{behind_us} + ", ");
  EXPECT_EQ(world.give(ok, call.callee), verdict::response_forwarded);
  call.ok_at_caller = world.take_one().bytes;
  dialog_request ack;
  ack.method = "ACK";
  ack.branch = "z9hG4bKack";
  ack.cseq = parts.cseq;
  EXPECT_EQ(world.give(within(call.ok_at_caller, ack), caller_address), verdict::request_forwarded);
  const auto forwarded = world.take_one();
  EXPECT_TRUE(forwarded.bytes.starts_with("ACK "));
  return call;
}

} // namespace linehunt::test
