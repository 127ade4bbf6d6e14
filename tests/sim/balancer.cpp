// SPDX-License-Identifier: Apache-2.0
// Running the workers, and the loop of each.
#include "balancer.h"

#include "balancer_worker.h"
#include "dataplane/ledger/lease_mail.h"
#include "sipparse/message_view.h"
#include "sipparse/scan.h"

#include <algorithm>
#include <stdexcept>

namespace linehunt::sim {

// What leaves an engine.
class balancer::exit final : public action_sink {
 public:
  exit(balancer& all, worker_id self) : all_(all), self_(self) {}

  void forward(const sip::edit_list& edits, const outbound& where) override {
    std::string changed(at_hand.size() + 4096, '\0');
    const std::size_t len = edits.apply_to(at_hand, changed);
    if (len == 0) return all_.say("edits that do not apply");
    changed.resize(len);
    send(changed, where);
  }
  void send(std::string_view bytes, const outbound& where) override {
    all_.note_decided(*all_.workers_[self_], bytes);
    all_.note_attempt(bytes);
    all_.judge_replacing(self_, bytes, where.to);
    all_.net_.send(std::string(bytes), all_.world().listeners[where.listener].local, where.to);
  }
  bool mail(worker_id to, const linehunt::mail& what) override {
    auto& ring = all_.workers_[to]->rings[self_];
    if (ring.size() >= all_.setup_.ring_depth) {
      ++all_.rings_full;
      blocked = true;
      return false;
    }
    int copies = 1;
    if (all_.setup_.break_every != 0 && what.kind == all_.setup_.break_kind &&
        (what.kind != mail_kind::lease_return || what.value > 0) &&
        ++all_.breakable_ % all_.setup_.break_every == 0)
      copies = all_.setup_.break_doubles ? 2 : 0;
    for (int i = 0; i < copies; ++i) {
      ring.push_back(what);
      all_.note_mail(what, to, 1);
    }
    ++all_.mails;
    all_.schedule(to, all_.events_.now + all_.random_.between(1, all_.setup_.slow ? 3000 : 60));
    return true;
  }
  bool raise(const event& what) override {
    all_.raised_.push_back(what);
    return true;
  }

  std::string_view at_hand;
  bool blocked = false;

 private:
  balancer& all_;
  worker_id self_;
};

// Between workers that do not run: mail is in the hands of the other at once.
class balancer::at_rest final : public action_sink {
 public:
  explicit at_rest(balancer& all) : all_(all) {}
  void forward(const sip::edit_list&, const outbound&) override { all_.say("a packet at rest"); }
  void send(std::string_view, const outbound&) override { all_.say("a packet at rest"); }
  bool raise(const event&) override {
    all_.say("an event at rest");
    return true;
  }
  bool mail(worker_id to, const linehunt::mail& what) override {
    all_.workers_[to]->engine->on_mail(what, all_.events_.now, *this);
    mailed = true;
    return true;
  }
  bool mailed = false;

 private:
  balancer& all_;
};

// What a network device and its queues hold while nobody takes it.
constexpr std::size_t input_depth = 64;

balancer::worker::worker(const engine_setup& setup, const snapshot& first)
    : engine(std::make_unique<linehunt::engine>(setup, first)), rings(setup.workers), world(&first),
      used(setup.limits.max_slots), forced(setup.limits.max_slots), counted(setup.limits.max_slots),
      known(setup.limits.max_calls), asked(setup.limits.max_destinations),
      request_open(setup.workers) {}

balancer::balancer(const balancer_setup& setup, const snapshot_model& model, event_queue& events,
                   chance& random, network& net)
    : setup_(setup), events_(events), random_(random), net_(net),
      book_(setup.limits.max_destinations, setup.limits.max_slots), model_(model),
      on_the_way_(setup.limits.max_slots), bound_(setup.limits.max_slots),
      sums_(setup.limits.max_slots), home_(setup.limits.max_slots),
      owners_(setup.limits.max_destinations) {
  std::vector<build_error> errors;
  worlds_.push_back(build_snapshot(model, book_, errors));
  if (!worlds_.back()) throw std::logic_error(errors.front().message);
  make_workers();
  note_owners();
  for (const destination& d : world().destinations)
    for (const resource& r : d.resources)
      home_[r.slot] = d.home;
  slots_ = setup.limits.max_slots;
  for (worker_id w = 0; w < setup_.workers; ++w)
    count_slots(w);
}

balancer::~balancer() = default;

void balancer::make_workers() {
  secret_ = {{setup_.seed, 2}, {3 + run_++, setup_.seed}};
  workers_.clear();
  std::ranges::fill(sums_, slot_count{});
  for (worker_id w = 0; w < setup_.workers; ++w) {
    engine_setup one;
    one.self = w;
    one.workers = setup_.workers;
    one.limits = setup_.limits;
    one.secret = secret_;
    one.random_seed = setup_.seed + w;
    one.start = events_.now;
    workers_.push_back(std::make_unique<worker>(one, world()));
  }
}

models::kept_calls balancer::kept_now() const {
  models::kept_calls kept;
  for (const auto& w : workers_)
    w->engine->for_each_kept(events_.now, [&](const kept_call& call) { kept.add(call); });
  return kept;
}

void balancer::copy_calls() {
  copied_ = kept_now();
  copied_listeners_ = listening();
  copied_at_ = events_.now;
}

// The answered calls as an operator would list them, which is not what the engine says is kept: of
// each its names and the lines that it holds of what is configured, in order.
std::vector<std::string> balancer::answered_now(bool with_lines) const {
  std::vector<bool> configured(slots_);
  for (const destination& d : world().destinations)
    for (const resource& r : d.resources)
      configured[r.slot] = with_lines;
  std::vector<std::string> all;
  for (const auto& w : workers_)
    w->engine->for_each_call([&](const call_info& c) {
      if (!c.answered) return; // those that ring are not kept
      std::string& text = all.emplace_back(c.call_id);
      ((text += ' ') += c.from_tag) += ' ';
      text += c.to_tag;
      holding held = c.held;
      std::sort(held.slots.begin(), held.slots.begin() + held.slot_count);
      for (std::uint8_t i = 0; i < held.slot_count; ++i)
        if (configured[held.slots[i]]) text += ", slot " + std::to_string(held.slots[i]);
    });
  std::ranges::sort(all);
  return all;
}

void balancer::restart() {
  // A worker that has not adopted the newest configuration may not know the call's destination.
  const bool one_world = all_adopted();
  const std::vector<std::string> before = answered_now(one_world);
  restored += start_again(kept_now(), listening());
  const std::vector<std::string> after = answered_now(one_world);
  const auto [had, has] = std::ranges::mismatch(before, after);
  if (had != before.end() || has != after.end())
    say("a restart: " + std::to_string(before.size()) + " answered calls before and " +
        std::to_string(after.size()) + " after; before: " + (had == before.end() ? "none" : *had) +
        "; after: " + (has == after.end() ? "none" : *has));
}

// The copy stays, for a crash that comes before the next one.
std::uint64_t balancer::crash() {
  ending_.clear(); // the copy may be older
  models::kept_calls kept;
  for (std::size_t i = 0; i < copied_.size(); ++i) {
    kept.add(copied_[i]);
    kept[i].uncertain = true;
    kept[i].age_us += events_.now - copied_at_;
  }
  return start_again(std::move(kept), copied_listeners_);
}

std::vector<endpoint> balancer::listening() const {
  std::vector<endpoint> all;
  for (const listener& l : worlds_[running_]->listeners)
    all.push_back(l.local);
  return all;
}

void balancer::listen_at(const std::vector<listener>& listeners, const std::vector<route>& routes) {
  model_.listeners = listeners;
  model_.routes = routes;
  std::vector<build_error> errors;
  auto next = build_snapshot(model_, book_, errors);
  if (!next) return say("other listeners: " + errors.front().message);
  worlds_.push_back(std::move(next));
}

void balancer::stand_still(time_us until) {
  away_at_ = events_.now;
  back_at_ = until;
  postpone_ends(until);
  for (const auto& w : workers_)
    for (auto& [call_id, since] : w->waiting)
      since = until;
}

// Returns how many calls that are counted live in it.
// Listeners are kept by their addresses (control/state).
std::uint64_t balancer::start_again(models::kept_calls kept,
                                    const std::vector<endpoint>& listened) {
  const time_us now = events_.now;
  running_ = worlds_.size() - 1;
  const std::vector<endpoint> listens = listening();
  for (std::size_t i = 0; i < kept.size(); ++i)
    for (listener_index* const l : {&kept[i].caller_listener, &kept[i].callee_listener}) {
      const auto found = std::ranges::find(listens, listened.at(*l));
      *l = static_cast<listener_index>(found == listens.end() ? -1 : found - listens.begin());
    }
  for (const auto& w : workers_)
    add_counters(*w);
  make_workers();
  postpone_ends(now);
  std::ranges::fill(on_the_way_, 0);
  std::uint64_t live = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    live += kept[i].balanced ? 1u : 0u;
    const auto owner = owner_of(call_hash(kept[i].call_id, secret_), setup_.workers);
    if (!workers_[owner]->engine->restore(kept[i], now)) say("a restart has no room for a call");
  }
  std::uint64_t there = 0;
  for (worker_id w = 0; w < setup_.workers; ++w)
    there += workers_[w]->engine->counters().calls_live;
  if (there != live) say("a restart lost a call");
  // Lines may be taken already that no lease covers: of a capacity that an operator had changed, or
  // of calls that were counted above it.
  for (slot_index s = 0; s < slots_; ++s) {
    std::int64_t used = 0;
    for (const auto& w : workers_)
      used += w->engine->ledger().view(s).used;
    bound_[s] = std::max(bound_[s], used);
  }
  // As the runtime does it: before any of them runs.
  at_rest between(*this);
  do {
    between.mailed = false;
    for (auto& w : workers_)
      w->engine->tell_loads(between);
  } while (between.mailed);
  for (worker_id w = 0; w < setup_.workers; ++w)
    count_slots(w);
  for (worker_id w = 0; w < setup_.workers; ++w) {
    judge(w);
    judge_calls(w);
    count_slots(w);
    schedule(w, now + 1);
  }
  return live;
}

void balancer::arrive(packet p) {
  const std::string_view call_id = sip::find_call_id(p.bytes);
  const auto owner = call_id.empty() ? static_cast<worker_id>(random_.below(setup_.workers))
                                     : owner_of(call_hash(call_id, secret_), setup_.workers);
  if (events_.now < back_at_ && workers_[owner]->input.size() >= input_depth) {
    ++unread;
    return;
  }
  workers_[owner]->input.push_back(std::move(p));
  schedule(owner, events_.now + random_.between(1, 60));
}

void balancer::schedule(worker_id w, time_us at) {
  worker& it = *workers_[w];
  if (it.wake_at <= at) return;
  it.wake_at = at;
  events_.add(at, happening::worker_run, w);
}

void balancer::run(std::uint32_t number) {
  const auto w = static_cast<worker_id>(number);
  worker& it = *workers_[w];
  if (it.wake_at > events_.now) return; // it was woken earlier and has an appointment later
  it.wake_at = worker::never;
  if (events_.now < back_at_) return schedule(w, back_at_ + random_.between(0, 200));
  if (it.back_at != back_at_) {
    it.back_at = back_at_;
    it.engine->note_absence(away_at_, back_at_);
  }
  exit out(*this, w);
  const time_us now = events_.now;
  bool left = false;
  // Some of what is there, one thing of a source of chance's choice at a time.
  for (std::uint32_t budget = 1 + random_.below(24);; --budget) {
    std::uint32_t full[max_workers + 2];
    std::uint32_t sources = 0;
    for (worker_id from = 0; from < setup_.workers; ++from)
      if (!it.rings[from].empty()) full[sources++] = from;
    if (!it.control.empty()) full[sources++] = max_workers;
    if (!it.input.empty()) full[sources++] = max_workers + 1;
    left = sources != 0;
    if (!left || budget == 0) break;
    const std::uint32_t source = full[random_.below(sources)];
    it.passed_over = it.engine->counters().passed_over;
    if (source == max_workers + 1) {
      const packet p = std::move(it.input.front());
      it.input.pop_front();
      listener_index listener = 0;
      while (listener + 1u < world().listeners.size() && world().listeners[listener].local != p.to)
        ++listener;
      out.at_hand = p.bytes;
      ++it.received;
      it.selects = true;
      const verdict v = it.engine->on_datagram({p.bytes, p.from, listener}, now, out);
      if (v == verdict::response_forwarded) note_end(p.bytes);
      if (v == verdict::request_parked) {
        ++parked;
        it.waiting.emplace(sip::find_call_id(p.bytes), now);
      }
    } else if (source == max_workers) {
      const control_work work = std::move(it.control.front());
      it.control.pop_front();
      if (work.world != nullptr)
        it.engine->adopt(*(it.world = work.world));
      else
        it.engine->on_mail(work.what, now, out);
    } else {
      const mail m = it.rings[source].front();
      it.rings[source].pop_front();
      note_mail(m, w, -1);
      it.selects = m.kind == mail_kind::found_replaced;
      it.engine->on_mail(m, now, out);
    }
    it.selects = false;
    judge(w);
  }
  it.engine->advance(now, out);
  judge(w);
  if (left || out.blocked) schedule(w, now + random_.between(5, 60));
  const time_us timer = it.engine->next_timer();
  if (timer != worker::never) schedule(w, std::max(timer, now + 1));
}

void balancer::to_one(worker_id w, const mail& m) {
  workers_[w]->control.push_back({m, nullptr});
  schedule(w, events_.now + random_.between(1, 500));
}

void balancer::to_all(const mail& m) {
  for (worker_id w = 0; w < setup_.workers; ++w)
    to_one(w, m);
}

void balancer::reload(const snapshot_model& model) {
  model_ = model;
  std::vector<build_error> errors;
  auto next = build_snapshot(model, book_, errors);
  if (!next) return say("reload: " + errors.front().message);
  for (const destination& d : next->destinations)
    for (const resource& r : d.resources)
      home_[r.slot] = d.home;
  worlds_.push_back(std::move(next));
  note_owners();
  for (worker_id w = 0; w < setup_.workers; ++w) {
    workers_[w]->control.push_back({{}, worlds_.back().get()});
    schedule(w, events_.now + random_.between(1, 2000));
  }
}

// Of the newest configuration, before anybody has adopted it.
void balancer::note_owners() {
  for (const destination& d : world().destinations) {
    if (owners_[d.index] != d.id && has_calls(d.index))
      say("destination " + std::to_string(d.id) + " has the number of calls of another one");
    owners_[d.index] = d.id;
  }
}

bool balancer::all_adopted() const {
  return std::ranges::none_of(workers_, [](const auto& w) {
    return std::ranges::any_of(w->control,
                               [](const control_work& c) { return c.world != nullptr; });
  });
}

bool balancer::has_calls(destination_index d) const {
  return std::ranges::any_of(workers_,
                             [d](const auto& w) { return w->engine->destination_calls()[d] != 0; });
}

std::size_t balancer::keep_house() {
  if (!all_adopted()) return 0;
  return book_.release_unheld(
      [this](slot_index s) {
        return !std::ranges::all_of(workers_,
                                    [s](const auto& w) { return w->engine->ledger().settled(s); });
      },
      [this](destination_index d) { return has_calls(d); });
}

std::vector<std::uint64_t> balancer::live_handles(worker_id w) const {
  std::vector<std::uint64_t> handles;
  workers_[w]->engine->for_each_call([&](const call_info& c) { handles.push_back(c.handle); });
  return handles;
}

} // namespace linehunt::sim
