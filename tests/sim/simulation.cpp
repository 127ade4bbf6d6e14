// SPDX-License-Identifier: Apache-2.0
// Making a world and letting it go on.
#include "simulation.h"

#include "reloads.h"
#include "tests/models/models.h"

#include <algorithm>

namespace linehunt::sim {

namespace {

using models::at;

// Callers are in 198.51.100.0/24 and 2001:db8:1::/48.
bool is_caller(const endpoint& e) {
  return e.ip.is_v6 ? e.ip.bytes[5] == 1 : e.ip.bytes[0] == 198;
}

} // namespace

void totals::add(const totals& o) {
  const auto sum = [](auto& a, const auto& b) {
    // Plain structures of counters.
    using counter = std::uint64_t;
    static_assert(sizeof(a) % sizeof(counter) == 0);
    auto* to = reinterpret_cast<counter*>(&a);
    const auto* from = reinterpret_cast<const counter*>(&b);
    for (std::size_t i = 0; i < sizeof(a) / sizeof(counter); ++i)
      to[i] += from[i];
  };
  sum(caller, o.caller);
  sum(box, o.box);
  sum(faults, o.faults);
  sum(verdicts, o.verdicts);
  sum(ended, o.ended);
  steps += o.steps;
  packets += o.packets;
  mails += o.mails;
  rings_full += o.rings_full;
  parked += o.parked;
  refused_full += o.refused_full;
  failovers += o.failovers;
  most_attempts = std::max(most_attempts, o.most_attempts);
  address_turns += o.address_turns;
  shed += o.shed;
  passed_over += o.passed_over;
  deadlines += o.deadlines;
  started += o.started;
  answered += o.answered;
  full_checks += o.full_checks;
  switched += o.switched;
  resized += o.resized;
  reloads += o.reloads;
  ended_by_admin += o.ended_by_admin;
  probes += o.probes;
  strangers += o.strangers;
  table_full += o.table_full;
  restarts += o.restarts;
  restored += o.restored;
  crashes += o.crashes;
  uncertain += o.uncertain;
  released += o.released;
  absences += o.absences;
  unread += o.unread;
  heartbeats += o.heartbeats;
  shrunk += o.shrunk;
  moved_listeners += o.moved_listeners;
  replacing += o.replacing;
  replacing_afar += o.replacing_afar;
  passed_on += o.passed_on;
  replacing_elsewhere += o.replacing_elsewhere;
  between_boxes += o.between_boxes;
  pauses += o.pauses;
  ipv6_callers += o.ipv6_callers;
  longest_wait = std::max(longest_wait, o.longest_wait);
  virtual_hours += o.virtual_hours;
}

simulation::simulation(const simulation_setup& setup)
    : setup_(setup), random_(setup.seed), front_{at("192.0.2.1"), at("[2001:db8::1]")} {
  fault_shares shares;
  behave_ = setup.seed % 10 == 0;
  if (!behave_) {
    shares.lost = random_.below(60);
    shares.doubled = random_.below(40);
    shares.late = random_.below(30);
    shares.corrupted = setup.seed % 2 == 0 ? random_.below(15) : 0;
  }
  refuse_ = setup.seed % 10 == 7;
  changes_ = setup.seed % 10 == 4 || setup.seed % 10 == 9;
  make_model();
  network_ = std::make_unique<network>(events_, random_, shares);
  balancer_setup b;
  b.workers = setup.workers;
  b.seed = setup.seed;
  b.ring_depth = setup.seed % 5 == 0 ? 2 : 2 + random_.below(60);
  b.limits.max_calls = !behave_ && setup.seed % 7 == 3 ? 64 : 2048 / setup.workers;
  b.limits.max_transactions = !behave_ && setup.seed % 7 == 3 ? 32 : 1024;
  b.limits.max_slots = refuse_ ? 48 : changes_ ? most_slots : 16;
  b.limits.max_destinations = refuse_ ? 40 : changes_ ? most_destinations : 8;
  // Some worlds have slow workers, little patience, or few places for those who wait.
  b.slow = !behave_ && setup.seed % 9 == 4;
  b.limits.parked_deadline_ms = b.slow ? 1 + random_.below(8) : b.limits.parked_deadline_ms;
  b.limits.max_parked = !behave_ && setup.seed % 6 == 1 ? 1 + random_.below(4) : 256;
  b.bounded =
      std::ranges::none_of(model_.rules, [](const rule_model& r) { return r.flags.negative; });
  const bool intact = shares.corrupted == 0;
  b.intact = intact;
  b.break_every = setup.break_every;
  b.break_kind = setup.break_kind;
  b.break_doubles = setup.break_doubles;
  certain_ = intact && setup.seed % 6 != 1;
  balancer_ = std::make_unique<balancer>(b, model_, events_, random_, *network_);
  callers_ = std::make_unique<callers>(events_, random_, *network_, front_, behave_, intact);
  boxes_ = std::make_unique<boxes>(events_, random_, *network_, front_, addresses_, behave_, intact,
                                   refuse_);
  events_.add(0, happening::call_begins);
  for (worker_id w = 0; w < setup.workers; ++w)
    events_.add(0, happening::worker_run, w);
  if (setup.seed % 4 == 2 || behave_)
    events_.add(random_.between(1 * sec, 20 * sec), happening::absence);
  if (behave_) return;
  if (setup.seed % 5 == 3) events_.add(random_.between(0, 2 * sec), happening::heartbeat);
  events_.add(random_.between(0, 10 * sec), happening::admin);
  events_.add(random_.between(0, 10 * sec), happening::stranger);
  if (setup.seed % 3 == 1) events_.add(random_.between(5 * sec, 60 * sec), happening::restart);
  if (setup.seed % 6 == 1) events_.add(random_.between(1 * sec, 10 * sec), happening::copy);
  for (std::uint32_t box = 0; box < addresses_.size(); ++box)
    events_.add(random_.between(5 * sec, 200 * sec), happening::box_dies, box);
}

void simulation::make_model() {
  model_.workers = setup_.workers;
  const std::uint32_t boxes = refuse_ ? 16 + random_.below(24) : 2 + random_.below(4);
  const std::uint32_t most = behave_ ? 400 : 3 + random_.below(40);
  for (std::uint32_t i = 0; i < boxes; ++i) {
    std::string resources = "pstn=" + std::to_string(behave_ ? most : 1 + random_.below(most));
    // Many boxes have few resources each: all are judged at each step.
    if (i == 0 || (random_.below(2) == 0 && !refuse_))
      resources += ";transc=" + std::to_string(behave_ ? most : 1 + random_.below(most));
    if (i == 1 || (random_.below(3) == 0 && !refuse_))
      resources += ";vm=" + std::to_string(behave_ ? most : 1 + random_.below(most));
    // The first is where calls of boxes go, which are all made in IPv4.
    const bool ipv6 = i != 0 && random_.below(3) == 0;
    model_.destinations.push_back(models::machine(i + 1, resources, ipv6));
    addresses_.push_back(model_.destinations.back().addresses.front());
  }
  if (!behave_) add_silent_addresses();
  machines_ = model_.destinations;
  model_.overload.enabled = random_.below(2) == 0;
  model_.listeners = {models::listening_at("192.0.2.1"), models::listening_at("[2001:db8::1]")};
  model_.routes = {route{}, route{parse_prefix("::/0").value(), 1}};
  model_.timers.max_call_s = 150; // longer than a session without a refresh
  model_.timers.fr_inv_timeout_ms = 20'000;
  model_.timers.timer_c_ms = 60'000;

  model_.timers.ping_interval_s = 4 + random_.below(12);

  // What callers of T and N have in common is balanced by one rule; those of N need no line.
  rule_model adding = models::balancing("^T", {"pstn", "transc"});
  adding.action = rule_action::add;
  // What machines transfer to each other is balanced, whatever else they call.
  model_.rules = {models::balancing("^X", {"pstn"}), models::from_machines("192.0.2.11:5060"),
                  models::balancing("^VM_", {"vm"}), std::move(adding),
                  models::balancing("^[TN]", {}),    models::balancing("^[0-9]+$", {"pstn"})};
  for (rule_model& r : model_.rules) {
    r.flags.relative = random_.below(4) == 0;
    r.flags.random_tie = random_.below(4) == 0;
    r.flags.negative = !behave_ && random_.below(16) == 0;
    r.failover.no_answer = random_.below(2) == 0;
    r.failover.disable = random_.below(3) == 0 && !refuse_;
    r.ping.caller = r.action == rule_action::balance && random_.below(3) == 0;
    r.ping.callee = r.action == rule_action::balance && random_.below(3) == 0;
  }
  // Offered: from a third of what there is to nearly twice as much, with calls of some six seconds.
  const std::uint64_t lines = std::uint64_t{boxes} * most / 2 + 1;
  pause_us_ = behave_ ? 40 * msec : (6 * sec / lines) * (60 + random_.below(240)) / 100;
  pause_us_ = std::max<time_us>(pause_us_, 10 * msec);
}

// Some destinations have another address where nobody listens, before or behind the good one.
void simulation::add_silent_addresses() {
  for (destination_model& d : model_.destinations) {
    if (random_.below(3) != 0) continue;
    endpoint silent = d.addresses.front();
    silent.ip.bytes[silent.ip.is_v6 ? 15 : 3] = static_cast<std::uint8_t>(100 + d.id);
    d.addresses.insert(d.addresses.begin() + random_.below(2), silent);
  }
}

std::string simulation::fault() const {
  if (!balancer_->broken().empty()) return balancer_->broken();
  if (!boxes_->broken().empty()) return boxes_->broken();
  if (!callers_->broken().empty()) return callers_->broken();
  return broken_;
}

std::string simulation::run() {
  while (!events_.empty()) {
    dispatch(events_.take());
    if (std::string text = fault(); !text.empty())
      return text + " (at " + std::to_string(static_cast<double>(events_.now) / 1e6) + " s)";
  }
  balancer_->judge_the_end();
  const caller_counts& c = callers_->counts;
  counts.caller = c;
  counts.box = boxes_->counts;
  counts.faults = network_->faults;
  counts.packets = network_->sent;
  counts.steps = balancer_->steps;
  counts.mails = balancer_->mails;
  counts.rings_full = balancer_->rings_full;
  counts.parked = balancer_->parked;
  counts.refused_full = balancer_->refused_full;
  counts.failovers = balancer_->failovers;
  counts.most_attempts = balancer_->most_attempts;
  counts.address_turns = balancer_->address_turns;
  counts.shed = balancer_->shed;
  counts.passed_over = balancer_->passed_over;
  counts.deadlines = balancer_->deadlines;
  counts.restored = balancer_->restored;
  counts.unread = balancer_->unread;
  counts.replacing = balancer_->replacing;
  counts.replacing_afar = balancer_->replacing_afar;
  counts.passed_on = balancer_->passed_on;
  counts.replacing_elsewhere = balancer_->replacing_elsewhere;
  counts.verdicts = balancer_->verdicts;
  counts.started = balancer_->started;
  counts.answered = balancer_->answered;
  counts.full_checks = balancer_->full_checks;
  counts.longest_wait = balancer_->longest_wait;
  counts.virtual_hours = static_cast<double>(events_.now) / 3.6e9;
  if (fault().empty() && behave_ && c.answered != c.begun)
    return "nobody misbehaved, and " + std::to_string(c.begun - c.answered) + " of " +
           std::to_string(c.begun) + " calls were not answered";
  if (fault().empty() && behave_ && counts.failovers != 0)
    return "nobody misbehaved, and " + std::to_string(counts.failovers) +
           " calls were sent to another destination";
  const std::uint64_t byes = counts.ended[static_cast<std::size_t>(end_cause::bye)];
  // Those that have passed the balancer twice are two calls to it.
  if (fault().empty() && behave_ && byes != counts.started)
    return "nobody misbehaved, and " + std::to_string(counts.started - byes) + " of " +
           std::to_string(counts.started) + " calls did not end by a BYE of a party";
  return fault();
}

void simulation::dispatch(const event_at& e) {
  switch (e.what) {
  case happening::packet:
    deliver(network_->take(e.a));
    break;
  case happening::worker_run:
    balancer_->run(e.a);
    follow_events();
    break;
  case happening::call_begins:
    begin_call();
    break;
  case happening::call_timer:
    callers_->timer(e.a, e.b);
    break;
  case happening::box_timer:
    boxes_->timer(e.a, e.b);
    break;
  case happening::box_dies:
    if (begun_ == setup_.calls) break;
    boxes_->die(e.a);
    events_.add(e.at + random_.between(1 * sec, 60 * sec), happening::box_returns, e.a);
    break;
  case happening::box_returns:
    boxes_->come_back(e.a);
    events_.add(e.at + random_.between(30 * sec, 600 * sec), happening::box_dies, e.a);
    break;
  case happening::admin:
    if (begun_ == setup_.calls) break;
    administer();
    events_.add(e.at + random_.between(100 * msec, 15 * sec), happening::admin);
    break;
  case happening::restart:
    if (begun_ == setup_.calls) break;
    if (random_.below(3) == 0) listen_elsewhere();
    begin_anew(setup_.seed % 6 == 1 && random_.below(2) == 0);
    events_.add(e.at + random_.between(10 * sec, 200 * sec), happening::restart);
    break;
  case happening::copy:
    if (begun_ == setup_.calls) break;
    balancer_->copy_calls();
    events_.add(e.at + 10 * sec, happening::copy);
    break;
  case happening::probed: {
    mail m;
    m.from = max_workers;
    m.kind = mail_kind::set_enabled;
    m.subject = e.a;
    m.value = 1;
    balancer_->to_all(m);
    break;
  }
  case happening::stranger:
    if (begun_ == setup_.calls) break;
    strange();
    events_.add(e.at + random_.between(10 * msec, 3 * sec), happening::stranger);
    break;
  case happening::notify:
    boxes_->notify(e.a);
    break;
  case happening::absence:
    if (begun_ == setup_.calls) break;
    be_absent();
    events_.add(e.at + random_.between(50 * sec, 150 * sec), happening::absence);
    break;
  case happening::heartbeat:
    if (begun_ == setup_.calls) break;
    beat();
    events_.add(e.at + random_.between(200 * msec, 3 * sec), happening::heartbeat);
    break;
  }
}

void simulation::begin_anew(bool crash) {
  if (crash) {
    ++counts.crashes;
    counts.uncertain += balancer_->crash();
  } else {
    ++counts.restarts;
    balancer_->restart();
  }
  callers_->note_restart(crash);
  boxes_->note_restart(crash);
}

// A machine that stands still, for a moment or until transactions have timed out.
void simulation::be_absent() {
  ++counts.absences;
  const std::uint32_t what = behave_ ? random_.below(2) : random_.below(3);
  balancer_->stand_still(events_.now + (what == 0   ? random_.between(5 * msec, 1 * sec)
                                        : what == 1 ? random_.between(1 * sec, 8 * sec)
                                                    : random_.between(8 * sec, 40 * sec)));
}

// A capacity that follows the load, as FreeSWITCH has it: what sessions of others and a busy
// processor leave, often less than is in use.
void simulation::beat() {
  const auto& resources = any_destination().resources;
  if (resources.empty()) return;
  ++counts.heartbeats;
  mail m;
  m.from = max_workers;
  m.kind = mail_kind::resize;
  m.slot = resources[random_.below(resources.size())].slot;
  const std::int64_t load = balancer_->load(m.slot);
  const std::int64_t most = 1 + random_.below(40), others = random_.below(10);
  m.value = random_.below(101) * (others < most ? most - others : most) / 100;
  counts.shrunk += m.value < load ? 1u : 0u;
  balancer_->to_all(m);
}

// In another order, or with one more, from which new calls may go out; that stays, since calls have
// it in their routes.
void simulation::listen_elsewhere() {
  ++counts.moved_listeners;
  auto& all = model_.listeners;
  if (all.size() == 2 && random_.below(2) == 0) all.push_back(models::listening_at("192.0.2.2"));
  for (std::uint32_t i = static_cast<std::uint32_t>(all.size()); i > 1; --i)
    std::swap(all[i - 1], all[random_.below(i)]);
  model_.routes.clear();
  for (std::size_t i = 0; i < all.size(); ++i)
    model_.routes.push_back({parse_prefix(all[i].local.ip.is_v6 ? "::/0" : "0.0.0.0/0").value(),
                             static_cast<listener_index>(i)});
  balancer_->listen_at(all, model_.routes);
}

// What both parties talk in is a call here, too, whoever has said what of its end.
void simulation::judge_refusal(const packet& p) {
  message m;
  if (!certain_ || !p.bytes.starts_with("SIP/2.0 481 ") || is_of_party(p.bytes) ||
      !read(p.bytes, m) || m.cseq_method == "NOTIFY")
    return;
  const std::string_view from = parameter(m.from, "tag"), to = parameter(m.to, "tag");
  const std::string_view tag = from.starts_with('b') ? from : to;
  if (callers_->talks(m.call_id, tag) && boxes_->talks(tag))
    broken_ = "a call in which both sides talk is over here:\n" + p.bytes;
}

void simulation::deliver(packet p) {
  judge_refusal(p);
  const auto listens = [&p](const listener& l) { return l.local == p.to; };
  if (std::ranges::any_of(model_.listeners, listens))
    balancer_->arrive(std::move(p));
  else if (p.to.port == port_of_others)
    boxes_->arrive_beside(p.bytes, p.to, p.from);
  else if (boxes_->owns(p.to) &&
           !(p.bytes.find("@x.example") != std::string::npos &&
             p.bytes.find("Call-ID: k") != std::string::npos && p.bytes.starts_with("SIP/2.0")))
    boxes_->arrive(p);
  else if (is_caller(p.to) || boxes_->owns(p.to))
    callers_->arrive(p);
  else if (certain_ && is_behind_proxies(p.to.ip))
    broken_ = "past the proxies of a caller came\n" + p.bytes;
}

void simulation::begin_call() {
  if (begun_ == setup_.calls) return;
  const std::uint32_t number = begun_++;
  const bool ipv6 = random_.below(4) == 0;
  endpoint from = at(ipv6 ? "[2001:db8:1::1]:5060" : "198.51.100.1:5060");
  from.ip.bytes[ipv6 ? 15 : 3] = static_cast<std::uint8_t>(1 + random_.below(200));
  const std::uint32_t what = random_.below(100);
  const bool replacing = !behave_ && random_.below(16) == 0;
  // An attended transfer between machines: the one that is told of it calls the other.
  const bool transfer = replacing && random_.below(2) == 0;
  counts.between_boxes += transfer ? 1u : 0u;
  // A call from a box: it is counted there, and goes to the first.
  const bool from_box = transfer || (!behave_ && what >= 95);
  if (from_box) from = addresses_[random_.below(addresses_.size())];
  counts.ipv6_callers += from.ip.is_v6 ? 1u : 0u;
  const std::string_view user = transfer               ? "X49"
                                : what < 20            ? "VM_17"
                                : what < 40            ? "T49"
                                : what < 44            ? "N49"
                                : what < 99 || behave_ ? "4930"
                                                       : "?";
  const char kind = from_box ? 'k' : random_.below(16) == 0 ? 's' : 'c';
  callers_->begin(number, user, from, kind, replacing);
  events_.add(events_.now + random_.between(0, 2 * pause_us_), happening::call_begins);
}

const destination& simulation::any_destination() {
  const auto& all = balancer_->world().destinations;
  return all[random_.below(all.size())];
}

void simulation::reload() {
  if (changes_) {
    // One after the other, and the numbers of what has gone are for others, as control does it.
    if (!balancer_->all_adopted()) return;
    counts.released += balancer_->keep_house();
    ++model_.generation;
    change(model_.destinations, machines_, random_);
    ++counts.reloads;
    return balancer_->reload(model_);
  }
  ++counts.reloads;
  snapshot_model next = model_;
  if (random_.below(3) == 0) {
    destination_model& d = next.destinations[random_.below(next.destinations.size())];
    d.resources.front().capacity = static_cast<std::int32_t>(random_.below(40));
  }
  if (random_.below(3) == 0 && next.destinations.size() > 2)
    next.destinations.erase(next.destinations.begin() + 1 +
                            random_.below(next.destinations.size() - 1));
  balancer_->reload(next);
}

void simulation::administer() {
  const std::uint32_t what = random_.below(100);
  mail m;
  m.from = max_workers;
  if (what < 40) {
    ++counts.switched;
    m.kind = mail_kind::set_enabled;
    m.subject = any_destination().index;
    m.value = random_.below(6) == 0 ? 0 : 1;
    balancer_->to_all(m);
  } else if (what < 60) {
    ++counts.resized;
    const auto& resources = any_destination().resources;
    if (resources.empty()) return;
    m.kind = mail_kind::resize;
    m.slot = resources[random_.below(resources.size())].slot;
    m.value = random_.below(40);
    balancer_->to_all(m);
  } else if (what < 70) {
    reload();
  } else if (what < 85) {
    const auto w = static_cast<worker_id>(random_.below(setup_.workers));
    const auto handles = balancer_->live_handles(w);
    if (handles.empty()) return;
    ++counts.ended_by_admin;
    m.kind = mail_kind::end_call;
    m.subject = handles[random_.below(handles.size())];
    balancer_->to_one(w, m);
  } else {
    ++counts.probes;
    m.kind = mail_kind::send_probe;
    m.subject = any_destination().index;
    m.value = 1 + random_.below(1'000'000);
    balancer_->to_one(static_cast<worker_id>(random_.below(setup_.workers)), m);
  }
}

// What the control thread does with the engines' events: a status is for everybody, and comes back
// after a while as if a probe had been answered.
void simulation::follow_events() {
  for (const event& e : balancer_->take_events()) {
    if (e.kind == event_kind::call_ended) ++counts.ended[e.cause];
    // Another destination may have its number by now.
    if (changes_ && e.generation != balancer_->world().generation) continue;
    mail m;
    m.from = max_workers;
    if (e.kind == event_kind::destination_paused) {
      ++counts.pauses;
      m.kind = mail_kind::pause;
      m.subject = e.destination;
      m.value = static_cast<std::int64_t>(e.subject);
      balancer_->to_all(m);
    }
    if (e.kind != event_kind::destination_disabled) continue;
    m.kind = mail_kind::set_enabled;
    m.subject = e.destination;
    m.value = 0;
    balancer_->to_all(m);
    events_.add(events_.now + random_.between(2 * sec, 30 * sec), happening::probed, e.destination);
  }
}

// Datagrams of people who have no business here.
void simulation::strange() {
  ++counts.strangers;
  const endpoint from = at("203.0.113." + std::to_string(1 + random_.below(250)));
  const std::string id = random_.below(2) == 0 ? callers_->stolen_call_id() : "none@x.example";
  const std::string tag = callers_->stolen_from();
  std::string text;
  const auto make = [&](std::string_view method, std::string_view to) {
    return request({.method = method,
                    .uri = "sip:4930@192.0.2.1",
                    .sent_by = "203.0.113.9:5060",
                    .branch = random_.below(2) == 0 ? "z9hG4bK" : "z9hG4bKstrange",
                    .from = tag,
                    .to = to,
                    .call_id = id,
                    .contact = {},
                    .cseq = 1 + random_.below(3),
                    .body = {}});
  };
  switch (random_.below(6)) {
  case 0:
    text = make("BYE", "<sip:4930@192.0.2.1>;tag=b0x" + std::to_string(random_.below(100)));
    break;
  case 1:
    text = make("CANCEL", "<sip:4930@192.0.2.1>");
    break;
  case 2: {
    message m;
    const std::string invite = make("INVITE", "<sip:4930@192.0.2.1>");
    if (read(invite, m)) text = respond(m, 200, "forged", "<sip:evil@203.0.113.9>");
    break;
  }
  case 3:
    text = std::string(random_.below(3000), random_.below(2) == 0 ? '\n' : 'x');
    break;
  case 4:
    text = make("OPTIONS", "<sip:192.0.2.1>");
    break;
  default:
    text = make("ACK", "<sip:4930@192.0.2.1>;tag=unknown");
    break;
  }
  network_->send(std::move(text), from, front_.v4);
}

} // namespace linehunt::sim
