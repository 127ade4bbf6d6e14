// SPDX-License-Identifier: Apache-2.0
// Driving several ledgers and checking what they do.
#include "ledger_cluster.h"

#include "dataplane/ledger/lease_mail.h"

#include <algorithm>
#include <utility>

namespace linehunt::test {

using stage = cluster_call::stage;

// The rings of one worker, and the ear of its waiting calls.
class ledger_cluster::wires final : public action_sink, public selection_listener {
 public:
  wires(ledger_cluster& all, worker_id self) : all_(all), self_(self) {}
  void forward(const sip::edit_list&, const outbound&) override {}
  void send(std::string_view, const outbound&) override {}
  bool raise(const event&) override { return true; }
  bool mail(worker_id to, const linehunt::mail& what) override {
    const std::size_t ring = all_.ring_at(self_, to);
    if (all_.rings_[ring].size() >= all_.ring_depth_) return false;
    if (what.kind == mail_kind::lease_request) {
      auto& set = all_.asked_[{self_, ledger::destination_of(what)}];
      if (!all_.request_open_[ring]) set.clear();
      set.push_back(what.slot);
      all_.request_open_[ring] = (what.flags & ledger::last_of_request) == 0;
    }
    const int times = all_.copies ? all_.copies(what) : 1;
    for (int i = 0; i < times; ++i)
      all_.rings_[ring].push_back(what);
    moved = true;
    return true;
  }
  void decided(waiter who, selection_outcome outcome, const holding& held) override {
    all_.decide(static_cast<std::uint32_t>(who), outcome, held);
    moved = true;
  }
  bool moved = false;

 private:
  ledger_cluster& all_;
  worker_id self_;
};

ledger_cluster::ledger_cluster(worker_id workers, std::size_t ring_depth,
                               std::shared_ptr<const snapshot> world, std::uint32_t max_waiters)
    : ring_depth_(ring_depth), world_(std::move(world)), rings_(std::size_t{workers} * workers),
      request_open_(rings_.size()) {
  std::uint32_t destinations = 1, slots = 1;
  for (const destination& d : world_->destinations) {
    destinations = std::max(destinations, d.index + 1);
    for (const resource& r : d.resources)
      slots = std::max(slots, r.slot + 1);
  }
  for (worker_id w = 0; w < workers; ++w) {
    ledgers_.emplace_back(ledger_limits{.self = w,
                                        .workers = workers,
                                        .max_slots = slots,
                                        .max_destinations = destinations,
                                        .max_waiters = max_waiters},
                          w + 1u);
    ledgers_.back().adopt(*world_);
  }
  usable_.assign(destinations, true);
  for (const destination& d : world_->destinations) {
    usable_[d.index] = d.enabled;
    for (const resource& r : d.resources)
      truth_[r.slot] = {.destination = d.index,
                        .home = static_cast<worker_id>(d.home % workers),
                        .capacity = r.capacity,
                        .bound = r.capacity};
  }
}

std::uint32_t ledger_cluster::add_call(cluster_call call) {
  call.seen_full.assign(usable_.size(), false);
  calls_.push_back(std::move(call));
  return static_cast<std::uint32_t>(calls_.size() - 1);
}

void ledger_cluster::start(std::uint32_t call) {
  cluster_call& c = calls_[call];
  c.at = stage::pending;
  observe();
  holding lines;
  const selection_outcome outcome = ledgers_[c.worker].select({.group = c.group,
                                                               .resources = c.resources,
                                                               .flags = c.flags,
                                                               .excluded_ids = {},
                                                               .preferred = c.preferred},
                                                              call, lines);
  if (outcome != selection_outcome::pending)
    decide(call, outcome, lines);
  else if (c.resources.empty())
    error_ = "call " + std::to_string(call) + " needs no line and waits for one";
  observe();
}

void ledger_cluster::start_unchecked(std::uint32_t call) {
  calls_[call].judged = false;
  start(call);
}

void ledger_cluster::forget_ended() {
  std::erase_if(
      calls_, [](const cluster_call& c) { return c.at == stage::ended || c.at == stage::refused; });
}

void ledger_cluster::decide(std::uint32_t call, selection_outcome outcome, const holding& lines) {
  cluster_call& c = calls_[call];
  if (c.at != stage::pending) error_ = "a call was decided twice, or after it was withdrawn";
  c.outcome = outcome;
  if (outcome == selection_outcome::selected) {
    c.at = stage::held;
    c.lines = lines;
    c.forced = c.flags.negative;
    for (std::uint8_t i = 0; c.forced && i < lines.slot_count; ++i)
      ++truth_[lines.slots[i]].forced;
    return;
  }
  observe();
  c.at = stage::refused;
  for (const destination& d : world_->destinations)
    if (c.judged && d.group == c.group && outcome == selection_outcome::no_capacity &&
        !c.seen_full[d.index])
      error_ = "call " + std::to_string(call) + " was refused while destination " +
               std::to_string(d.id) + " had a free line all the time";
}

void ledger_cluster::count(std::uint32_t call, destination_index d) {
  cluster_call& c = calls_[call];
  ledgers_[c.worker].count(d, c.resources, c.lines);
  c.at = stage::held;
  c.forced = true;
  for (std::uint8_t i = 0; i < c.lines.slot_count; ++i)
    ++truth_[c.lines.slots[i]].forced;
  observe();
}

void ledger_cluster::end(std::uint32_t call) {
  cluster_call& c = calls_[call];
  for (std::uint8_t i = 0; c.forced && i < c.lines.slot_count; ++i)
    --truth_[c.lines.slots[i]].forced;
  ledgers_[c.worker].release(c.lines);
  c.at = stage::ended;
  observe();
}

void ledger_cluster::withdraw(std::uint32_t call) {
  ledgers_[calls_[call].worker].withdraw(call);
  calls_[call].at = stage::ended;
  observe();
}

bool ledger_cluster::can_deliver(worker_id from, worker_id to) const {
  return !rings_[ring_at(from, to)].empty();
}

void ledger_cluster::deliver(worker_id from, worker_id to) {
  std::deque<mail>& ring = rings_[ring_at(from, to)];
  const mail m = ring.front();
  ring.pop_front();
  wires w(*this, to);
  ledgers_[to].on_mail(m, w);
  observe();
}

void ledger_cluster::flush(worker_id w) {
  wires out(*this, w);
  ledgers_[w].flush(out, out);
  observe();
}

void ledger_cluster::set_enabled(destination_index d, bool enabled) {
  usable_[d] = enabled;
  for (ledger::book& b : ledgers_)
    b.set_enabled(d, enabled);
  observe();
}

void ledger_cluster::resize(destination_index d, std::size_t resource, std::int32_t capacity) {
  for (ledger::book& b : ledgers_)
    b.resize(find(d)->resources[resource].slot, capacity);
  observe();
}

void ledger_cluster::adopt(worker_id w, std::shared_ptr<const snapshot> world) {
  world_ = std::move(world);
  for (const destination& d : world_->destinations)
    for (const resource& r : d.resources)
      if (slot_truth& t = truth_[r.slot]; t.destination != d.index) {
        t.destination = d.index;
        t.home = static_cast<worker_id>(d.home % ledgers_.size());
      }
  ledgers_[w].adopt(*world_);
  observe();
}

bool ledger_cluster::settle(int rounds) {
  const auto workers = static_cast<worker_id>(ledgers_.size());
  for (int i = 0; i < rounds; ++i) {
    bool moved = false;
    for (worker_id w = 0; w < workers; ++w) {
      for (worker_id from = 0; from < workers; ++from)
        while (can_deliver(from, w)) {
          deliver(from, w);
          moved = true;
        }
      wires out(*this, w);
      ledgers_[w].flush(out, out);
      observe();
      moved = moved || out.moved;
    }
    if (!moved) return true;
  }
  return false;
}

std::int64_t ledger_cluster::used(slot_index s) const {
  std::int64_t lines = 0;
  for (const ledger::book& b : ledgers_)
    lines += b.slots()[s].used;
  return lines;
}

std::int64_t ledger_cluster::in_flight(slot_index s, bool promised_only) const {
  std::int64_t lines = 0;
  for (std::size_t ring = 0; ring < rings_.size(); ++ring)
    for (const mail& m : rings_[ring]) {
      if (m.kind == mail_kind::lease_return && m.slot == s && !promised_only) lines += m.value;
      if (m.kind != mail_kind::lease_grant) continue;
      const auto to = static_cast<worker_id>(ring % ledgers_.size());
      const auto set = asked_.find({to, ledger::destination_of(m)});
      if (set != asked_.end() && std::ranges::count(set->second, s) > 0)
        lines += m.value + (promised_only ? 0 : std::int64_t{ledger::second_of(m)});
    }
  return lines;
}

std::int64_t ledger_cluster::free_lines(slot_index s) const {
  const slot_truth& t = truth_.at(s);
  return ledgers_[t.home].slots()[s].capacity - used(s) - ledgers_[t.home].view(s).promised -
         in_flight(s, true);
}

const destination* ledger_cluster::find(destination_index d) const {
  const auto at = std::ranges::find(world_->destinations, d, &destination::index);
  return at == world_->destinations.end() ? nullptr : &*at;
}

// What is true between two steps: bounds that follow a resize, and who saw which destination full.
void ledger_cluster::observe() {
  for (auto& [s, t] : truth_) {
    const std::int64_t capacity = ledgers_[t.home].slots()[s].capacity;
    t.capacity = capacity;
    t.bound = std::max(t.bound, capacity);
    if (ledgers_[t.home].view(s).pool >= 0) // all that was leased beyond it is back
      t.bound = capacity;
  }
  std::vector<bool> full(ledgers_[0].slots().size());
  for (const auto& [s, t] : truth_)
    full[s] = free_lines(s) <= 0;
  for (cluster_call& c : calls_) {
    if (c.at != stage::pending) continue;
    for (const destination& d : world_->destinations) {
      std::size_t offered = 0;
      for (const resource& r : d.resources)
        if (std::ranges::count(c.resources, r.name) > 0) {
          ++offered;
          if (full[r.slot]) c.seen_full[d.index] = true;
        }
      if (!usable_[d.index] || offered < c.resources.size()) c.seen_full[d.index] = true;
    }
  }
}

std::string ledger_cluster::broken() const {
  if (!error_.empty()) return error_;
  for (const auto& [s, t] : truth_) {
    const std::string where = "slot " + std::to_string(s) + ": ";
    std::int64_t held = 0;
    for (const cluster_call& c : calls_)
      if (c.at == stage::held)
        held += std::count(c.lines.slots.begin(), c.lines.slots.begin() + c.lines.slot_count, s);
    if (used(s) != held)
      return where + "used " + std::to_string(used(s)) + ", held by calls " + std::to_string(held);
    if (held - t.forced > t.bound)
      return where + "admitted " + std::to_string(held - t.forced) + " above capacity " +
             std::to_string(t.bound);
    std::int64_t lines = in_flight(s, false);
    for (const ledger::book& b : ledgers_) {
      const load_ledger::slot_view v = b.view(s);
      if (v.used < 0 || v.lease < v.used || v.remote < 0)
        return where + "a counter below zero, or used above lease";
      lines += v.lease + v.pool + v.unsent;
    }
    if (lines != t.capacity)
      return where + "leases, pool and lines on the way are " + std::to_string(lines) +
             ", capacity " + std::to_string(t.capacity);
  }
  return {};
}

std::string ledger_cluster::broken_at_rest() const {
  if (std::string text = broken(); !text.empty()) return text;
  for (std::size_t i = 0; i < calls_.size(); ++i)
    if (calls_[i].at == stage::pending) return "call " + std::to_string(i) + " waits for ever";
  for (const auto& [s, t] : truth_) {
    std::int64_t leased = 0;
    for (std::size_t w = 0; w < ledgers_.size(); ++w) {
      const load_ledger::slot_view v = ledgers_[w].view(s);
      if (v.remote != used(s) - v.used)
        return "slot " + std::to_string(s) + ": worker " + std::to_string(w) +
               " does not know the others' loads";
      leased += w == t.home ? 0 : v.lease;
    }
    if (ledgers_[t.home].view(s).leased != leased)
      return "slot " + std::to_string(s) + ": the home has lost count of its leases";
  }
  return {};
}

void ledger_cluster::append_state(std::vector<std::uint64_t>& out) const {
  for (const ledger::book& b : ledgers_)
    b.append_state(out);
  for (const std::deque<mail>& ring : rings_) {
    out.push_back(ring.size());
    for (const mail& m : ring) {
      out.push_back(static_cast<std::uint64_t>(m.kind) << 40 | std::uint64_t{m.flags} << 32 |
                    m.slot);
      out.push_back(static_cast<std::uint64_t>(m.value));
      out.push_back(m.subject);
    }
  }
  for (const cluster_call& c : calls_) {
    out.push_back(static_cast<std::uint64_t>(c.at) << 32 | c.lines.destination);
    for (std::size_t d = 0; c.at == stage::pending && d < c.seen_full.size(); ++d)
      out.push_back(c.seen_full[d] ? 1 : 0);
  }
}

} // namespace linehunt::test
