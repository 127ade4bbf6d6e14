// SPDX-License-Identifier: Apache-2.0
// See engine_node.h.
#include "tests/fuzz/engine_node.h"

#include "dataplane/timer_wheel.h"
#include "sipparse/routing_view.h"
#include "sipparse/scan.h"
#include "tests/models/models.h"

#include <cstring>

namespace linehunt::fuzz {

namespace {

constexpr std::size_t ring_depth = 4;
constexpr std::size_t kept_messages = 32;
// INVITE: 100 and the INVITE. A 481 to a ping: two BYEs. A failure: ACK and the next INVITE.
constexpr std::size_t most_messages_for_one = 4;

engine_limits small_limits() {
  engine_limits limits;
  limits.max_calls = 6;
  limits.max_transactions = 4;
  limits.max_parked = 3;
  limits.max_slots = 16;
  limits.max_destinations = 8;
  limits.call_text_bytes = 64;
  return limits;
}

using models::at;
using models::machine;
using models::secret;

rule_model balance(std::string user, std::vector<std::string> resources) {
  rule_model rule = models::balancing(std::move(user), std::move(resources));
  rule.failover.disable = true;
  rule.ping.caller = rule.ping.callee = true;
  return rule;
}

snapshot_model whole_model() {
  snapshot_model model;
  model.workers = worker_count;
  model.listeners = {models::listening_at("192.0.2.1"), models::listening_at("[2001:db8::1]")};
  model.destinations = {machine(1, "pstn=2;transc=1"), machine(2, "pstn=1"),
                        machine(3, "pstn=1;transc=1", true)};
  model.rules = {models::from_machines("198.51.100.7"), balance("^1", {"pstn"}),
                 balance("^2", {"transc", "pstn"}), balance("^3", {"nobody"})};
  model.rules[1].flags.random_tie = true;
  model.rules[2].flags.relative = true;
  model.rules[2].ping = {}; // so that a session can run out before a ping is lost
  model.overload.enabled = true;
  // Everything ends within seconds.
  model.timers.fr_timeout_ms = 2000;
  model.timers.fr_inv_timeout_ms = 8000;
  model.timers.timer_c_ms = 10000;
  model.timers.max_call_s = 300;
  model.timers.ping_interval_s = 5;
  return model;
}

// Rules are compiled once, not for each script.
const snapshot& configuration(std::size_t number) {
  static const auto all = [] {
    std::array<snapshot_model, configuration_count> worlds{whole_model(), whole_model(),
                                                           whole_model()};
    worlds[1].destinations.erase(worlds[1].destinations.begin() + 1);
    worlds[2].destinations[0].resources[0].capacity = 0;
    worlds[2].destinations[1].resources[0].capacity = 5;
    index_book book(small_limits().max_destinations, small_limits().max_slots);
    std::array<std::unique_ptr<const snapshot>, configuration_count> made;
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = models::build(worlds[i], book);
    return made;
  }();
  return *all[number % configuration_count];
}

} // namespace

class engine_node::sink final : public action_sink {
 public:
  sink(engine_node& node, worker_id self) : node_(node), self_(self) {}

  // The datagram lies in memory of exactly its size, so that a read past it is seen.
  datagram hold(std::string_view bytes, const endpoint& from, listener_index listener) {
    size_ = bytes.size();
    at_hand_ = std::make_unique<char[]>(size_);
    if (size_ > 0) std::memcpy(at_hand_.get(), bytes.data(), size_);
    messages = 0;
    forwarded_ = false;
    return {{at_hand_.get(), size_}, from, listener};
  }
  void let_go() {
    at_hand_.reset();
    forwarded_ = true;
  }

  void forward(const sip::edit_list& edits, const outbound& where) override {
    ++messages;
    if (forwarded_) return node_.violate("forwarded a second time, or none at hand");
    forwarded_ = true;
    std::string out(sip::max_message_bytes, '\0');
    out.resize(edits.apply_to({at_hand_.get(), size_}, out));
    if (!edits.valid() || out.empty()) return node_.violate("forwarded with broken edits");
    // Nothing may look at its bytes from here on.
    std::memset(at_hand_.get(), 'x', size_);
    node_.note_sent(std::move(out), where.to, true);
  }
  void send(std::string_view bytes, const outbound& where) override {
    ++messages;
    node_.note_sent(std::string(bytes), where.to, false);
  }
  bool mail(worker_id to, const linehunt::mail& what) override {
    if (to >= worker_count || to == self_) {
      node_.violate("mail to nobody");
      return true;
    }
    auto& ring = node_.mail_[self_][to];
    if (ring.size() == ring_depth) return false;
    ring.push_back(what);
    return true;
  }
  bool raise(const event&) override { return true; }

  std::size_t messages = 0; // for the datagram at hand

 private:
  engine_node& node_;
  worker_id self_;
  std::unique_ptr<char[]> at_hand_;
  std::size_t size_ = 0;
  bool forwarded_ = true;
};

engine_node::engine_node() : world_(&configuration(0)) {
  for (worker_id w = 0; w < worker_count; ++w) {
    workers_[w].out = std::make_unique<sink>(*this, w);
    workers_[w].engine = models::make_engine(*world_, small_limits(), w, worker_count);
  }
}

engine_node::~engine_node() = default;

void engine_node::violate(std::string what) {
  if (violated_.empty()) violated_ = std::move(what);
}

void engine_node::note_sent(std::string bytes, const endpoint& to, bool forwarded) {
  if (to.port == 0 || to.ip.is_unspecified()) violate("sent to nowhere");
  sip::message_view view;
  sip::routing_view routing;
  if (!sip::scan(bytes, view)) return violate("sent what is no SIP message: " + bytes);
  // A reply to a broken request lacks what that lacked.
  if ((forwarded || view.is_request) && !sip::make_routing_view(view, routing))
    return violate("sent on a broken message: " + bytes);
  sent_.push_back({std::move(bytes), to});
  if (sent_.size() > kept_messages) sent_.pop_front();
}

void engine_node::give(std::string_view bytes, const endpoint& from, listener_index listener) {
  bytes = bytes.substr(0, sip::max_message_bytes);
  const auto hash = call_hash(sip::find_call_id(bytes), secret);
  worker& w = workers_[owner_of(hash, worker_count)];
  ++w.given;
  const datagram in = w.out->hold(bytes, from, listener);
  (void)w.engine->on_datagram(in, now_, *w.out);
  w.out->let_go();
  if (w.out->messages > most_messages_for_one) violate("too many messages for one datagram");
  check();
}

void engine_node::control(const mail& what) {
  for (worker& w : workers_)
    w.engine->on_mail(what, now_, *w.out);
  check();
}

void engine_node::reload(std::size_t number) {
  world_ = &configuration(number);
  for (worker& w : workers_)
    w.engine->adopt(*world_);
  check();
}

void engine_node::drain(bool on) {
  for (worker& w : workers_)
    w.engine->drain(on);
}

std::vector<std::uint64_t> engine_node::call_handles() const {
  std::vector<std::uint64_t> handles;
  for (const worker& w : workers_)
    w.engine->for_each_call([&](const call_info& call) { handles.push_back(call.handle); });
  return handles;
}

void engine_node::deliver_mail() {
  for (worker_id from = 0; from < worker_count; ++from) {
    for (worker_id to = 0; to < worker_count; ++to) {
      auto& ring = mail_[from][to];
      // What is sent meanwhile waits for the next time.
      for (std::size_t left = ring.size(); left > 0; --left) {
        const mail what = ring.front();
        ring.pop_front();
        workers_[to].engine->on_mail(what, now_, *workers_[to].out);
      }
    }
  }
}

// Loops of the workers until nothing is left to be said; mail takes no time.
void engine_node::run_rings() {
  for (int loops = 0; loops < 64; ++loops) {
    for (worker& w : workers_)
      w.engine->advance(now_, *w.out);
    bool waits = false;
    for (const auto& from : mail_)
      for (const auto& ring : from)
        waits = waits || !ring.empty();
    if (!waits) return;
    deliver_mail();
  }
}

void engine_node::wait_ms(std::uint64_t ms) {
  const time_us until = now_ + ms * 1000;
  // Every timer on the way at its own time, and the rings in between.
  for (int steps = 0; steps < 2000; ++steps) {
    run_rings();
    if (now_ == until) break;
    time_us next = until;
    for (const worker& w : workers_)
      next = std::min(next, w.engine->next_timer());
    now_ = std::max(now_, std::min(next, until));
  }
  now_ = until;
  check();
}

void engine_node::check() {
  for (const worker& w : workers_) {
    const engine_counters& counted = w.engine->counters();
    std::uint64_t verdicts = 0;
    for (const auto& v : counted.verdicts)
      verdicts += v;
    if (verdicts != w.given) violate("a datagram without exactly one verdict");
    if (counted.calls_started - counted.calls_ended != counted.calls_live)
      violate("calls live are not calls started less calls ended");
    for (slot_index s = 0; s < small_limits().max_slots; ++s)
      if (w.engine->ledger().view(s).used < 0) violate("fewer than no lines are used");
  }
}

bool engine_node::quiet() const {
  for (const worker& w : workers_)
    if (w.engine->next_timer() != timer_wheel::never) return false;
  for (const auto& from : mail_)
    for (const auto& ring : from)
      if (!ring.empty()) return false;
  return true;
}

void engine_node::settle() {
  // Longest: a call to its end after 300 s, its BYEs for 32 s, what lingers for another 32 s. At
  // first the ledgers may still have to say and answer what no timer reminds them of.
  for (int i = 0; i < 100 && (i < 8 || !quiet()); ++i)
    wait_ms(5'000);
  if (!quiet()) violate("a timer or mail without end");
  for (const worker& w : workers_) {
    if (w.engine->counters().calls_live != 0) violate("a call does not end");
    if (w.engine->counters().transactions_live != 0) violate("a transaction does not end");
    for (slot_index s = 0; s < small_limits().max_slots; ++s)
      if (w.engine->ledger().view(s).used != 0) violate("a line was not given back");
  }
  for (const destination& d : world_->destinations) {
    for (const resource& r : d.resources) {
      std::int64_t lines = 0;
      std::string parts;
      for (const worker& w : workers_) {
        const auto view = w.engine->ledger().view(r.slot);
        lines += view.lease + view.pool;
        parts += " lease " + std::to_string(view.lease) + " pool " + std::to_string(view.pool);
      }
      const std::int64_t capacity = workers_[d.home].engine->ledger().capacity(r.slot);
      if (lines != capacity)
        violate("leases and pool are not the capacity: slot " + std::to_string(r.slot) + parts +
                ", capacity " + std::to_string(capacity));
    }
  }
  check();
}

} // namespace linehunt::fuzz
