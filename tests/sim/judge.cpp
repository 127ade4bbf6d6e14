// SPDX-License-Identifier: Apache-2.0
// What must hold after every event: lines, leases (dataplane/LEASES.md), calls, and what is sent.
#include "balancer.h"
#include "balancer_worker.h"
#include "dataplane/engine/branch.h"
#include "dataplane/ledger/lease_mail.h"
#include "sip_text.h"
#include "sipparse/scan.h"

#include <algorithm>

namespace linehunt::sim {

void balancer::say(std::string what) {
  if (broken_.empty()) broken_ = std::move(what);
}

// An INVITE that waits goes on or is refused by its home long before its deadline, which is there
// for workers that stand still: here they all run, so one that ran into it was forgotten.
void balancer::note_decided(worker& it, std::string_view bytes) {
  if (it.waiting.empty() || bytes.size() < 10) return;
  const bool final_reply = bytes.starts_with("SIP/2.0 ") && bytes[8] >= '3';
  if (!final_reply && !bytes.starts_with("INVITE ")) return;
  const auto found = it.waiting.find(std::string(sip::find_call_id(bytes)));
  if (found == it.waiting.end()) return;
  const time_us waited = events_.now - found->second;
  if (!setup_.slow) longest_wait = std::max(longest_wait, waited);
  const bool at_deadline = waited >= setup_.limits.parked_deadline_ms * 1000ull;
  deadlines += at_deadline ? 1u : 0u;
  if (at_deadline && !setup_.slow) say("an INVITE was left waiting for a lease until its deadline");
  it.waiting.erase(found);
}

// By the number in our branch, which is the first.
void balancer::note_attempt(std::string_view bytes) {
  constexpr std::string_view ours = ";branch=z9hG4bKi";
  const std::size_t at = bytes.starts_with("INVITE ") ? bytes.find(ours) : bytes.npos;
  if (at == bytes.npos) return;
  if (const auto number = calls::read_hex(bytes.substr(at + ours.size(), 16)))
    most_attempts =
        std::max<std::uint64_t>(most_attempts, calls::invite_branch::from(*number).attempt + 1u);
}

// Whether a destination could be chosen for a call to that user: it is in the group of all rules,
// enabled, resolved, and has a line left as that worker sees it, besides those that others wait
// for.
bool balancer::takes(const worker& it, const destination& d, std::string_view user) const {
  const load_ledger& ledger = it.engine->ledger();
  if (d.group != 1 || d.addresses.empty() || !ledger.enabled(d.index)) return false;
  std::vector<std::string_view> needed;
  if (user.starts_with("VM_")) needed = {"vm"};
  if (user.starts_with('T')) needed = {"pstn", "transc"};
  if (user.starts_with('X') || user.starts_with('4')) needed = {"pstn"};
  return std::ranges::all_of(needed, [&](std::string_view name) {
    return std::ranges::any_of(d.resources, [&](const resource& r) {
      const load_ledger::slot_view v = ledger.view(r.slot);
      const auto left = ledger.capacity(r.slot) - v.used - v.remote;
      return it.world->resource_names[r.name] == name &&
             left > static_cast<std::int64_t>(it.waiting.size());
    });
  });
}

// RFC 3891: an INVITE that goes out at once, or with the word of another worker, goes to the
// destination of the answered call that it replaces, if that one takes it. With few places to wait
// for a line there may be none, and it goes to another.
void balancer::judge_replacing(worker_id w, std::string_view bytes, const endpoint& to) {
  const worker& it = *workers_[w];
  message m;
  if (!it.selects || !setup_.intact || !bytes.starts_with("INVITE ") || !read(bytes, m)) return;
  const std::size_t line = bytes.find("\r\nReplaces: ");
  // Calls of machines are forwarded, but for their transfers, and those that come back are two.
  const std::string_view user = m.uri.substr(std::min(m.uri.size(), m.uri.find(':') + 1));
  if (line == bytes.npos || m.call_id.starts_with('s') ||
      (m.call_id.starts_with('k') && !user.starts_with('X')))
    return;
  const auto number = calls::read_hex(parameter(m.vias.at[0], "branch").substr(8, 16));
  if (!number || calls::invite_branch::from(*number).attempt != 0) return;
  const std::string_view value = bytes.substr(line + 12, bytes.find("\r\n", line + 2) - line - 12);
  const std::string_view call_id = value.substr(0, value.find(';'));
  const std::string_view to_tag = parameter(value, "to-tag");
  const std::string_view from_tag = parameter(value, "from-tag");
  const destination* there = nullptr; // as its own worker knows it
  worker_id owner = 0;
  std::size_t found = 0;
  for (worker_id o = 0; o < setup_.workers; ++o)
    workers_[o]->engine->for_each_call([&](const call_info& c) {
      const bool straight = c.from_tag == from_tag && c.to_tag == to_tag;
      const bool crossed = c.from_tag == to_tag && c.to_tag == from_tag;
      if (c.call_id != call_id || !c.answered || !(straight || crossed)) return;
      ++found;
      if (crossed && call_id.starts_with('k')) ++found; // the caller is a machine, too
      const auto& all = workers_[o]->world->destinations;
      const auto d = std::ranges::find(all, c.destination, &destination::index);
      there = d != all.end() ? &*d : nullptr;
      owner = o;
    });
  if (found != 1 || there == nullptr) return;
  const auto& all = it.world->destinations;
  const auto d = std::ranges::find(all, there->index, &destination::index);
  if (d == all.end() || d->id != there->id) return;
  if (std::ranges::find(d->addresses, to) != d->addresses.end()) {
    ++replacing;
    replacing_afar += owner != w ? 1u : 0u;
    return;
  }
  ++replacing_elsewhere;
  const bool may_wait = setup_.limits.max_parked > it.waiting.size() + 4;
  if (may_wait && it.passed_over == it.engine->counters().passed_over && takes(it, *d, user))
    say("a call that replaces one at destination " + std::to_string(d->id) +
        ", which takes it, went elsewhere:\n" + std::string(bytes));
}

// Keeps count of the lines in rings. A grant names no slots: those are what was asked for.
void balancer::note_mail(const mail& m, worker_id to, int sign) {
  switch (m.kind) {
  case mail_kind::lease_return:
    on_the_way_[m.slot] += sign * m.value;
    break;
  case mail_kind::lease_grant:
    for (const slot_index s : workers_[to]->asked[ledger::destination_of(m)])
      on_the_way_[s] += sign * (m.value + std::int64_t{ledger::second_of(m)});
    break;
  case mail_kind::lease_request:
    if (sign > 0) {
      worker& from = *workers_[m.from];
      std::vector<slot_index>& set = from.asked[ledger::destination_of(m)];
      if (!from.request_open[to]) set.clear();
      set.push_back(m.slot);
      from.request_open[to] = (m.flags & ledger::last_of_request) == 0;
    }
    break;
  default:
    break;
  }
}

// RFC 3261 15.1.1: who has sent a BYE has hung up, whatever the answer is, but for a challenge.
// What the balancer has to say to both sides then takes 64*T1 for what is lost, and as long for one
// that it has asked before.
constexpr time_us longest_end = 2 * 64 * t1_ms * msec + 1 * sec;

void balancer::note_end(std::string_view bytes) {
  message m;
  if (!setup_.intact || bytes.find(" BYE\r\n") == bytes.npos || !read(bytes, m) ||
      m.cseq_method != "BYE" || m.status < 200 || m.status == 401 || m.status == 407)
    return;
  ending_.push_back({std::string(m.call_id), std::string(parameter(m.from, "tag")),
                     std::string(parameter(m.to, "tag")), events_.now, events_.now + longest_end});
}

// Whoever stands still, or begins anew, needs that time from then on.
void balancer::postpone_ends(time_us from) {
  for (ending_call& e : ending_)
    e.until = std::max(e.until, from + longest_end);
}

void balancer::judge_ends() {
  std::erase_if(ending_, [this](const ending_call& e) {
    if (events_.now < e.until) return false;
    const auto owner = owner_of(call_hash(e.call_id, secret_), setup_.workers);
    workers_[owner]->engine->for_each_call([&](const call_info& c) {
      const bool straight = c.from_tag == e.from_tag && c.to_tag == e.to_tag;
      const bool crossed = c.from_tag == e.to_tag && c.to_tag == e.from_tag;
      // What came late may have begun it anew, where its record had to make room.
      const bool is_it = c.call_id == e.call_id && c.answered_at <= e.answered_at;
      if (is_it && (straight || crossed))
        say("a call lives on whose BYE was answered: " + e.call_id);
    });
    return true;
  });
}

void balancer::judge(worker_id w) {
  ++steps;
  worker& it = *workers_[w];
  const engine_counters& counted = it.engine->counters();
  std::uint64_t judged = 0;
  for (const auto& v : counted.verdicts)
    judged += v.load(std::memory_order_relaxed);
  if (judged != it.received) say("a datagram without a verdict, or with two");
  if (counted.calls_started + counted.calls_restored - counted.calls_ended != counted.calls_live)
    say("calls started, restored, ended and live do not add up");
  std::uint64_t by_cause = 0;
  for (const auto& n : counted.ended_by)
    by_cause += n.load(std::memory_order_relaxed);
  if (by_cause != counted.calls_ended) say("a call ended without a cause, or with two");

  const auto* used = it.engine->ledger().published_used();
  bool changed = false;
  for (slot_index s = 0; s < slots_; ++s) {
    const std::int64_t now = used[s].load(std::memory_order_relaxed);
    changed = changed || now != it.used[s];
    it.used[s] = now;
  }
  const bool all = steps % 1024 == 0;
  if (changed || all) judge_calls(w);
  count_slots(w);
  for (worker_id other = 0; all && other < setup_.workers; ++other)
    judge_count(other);
  judge_slots();
  if (all) judge_ends();
}

namespace {

// What dialogs of one call have in common.
std::string call_of(const call_info& c) {
  std::string name(c.call_id);
  ((name += ' ') += c.from_tag) += ' ';
  return name += std::string_view(to_text(c.caller.ip));
}

} // namespace

// A dialog without lines, beside which another one of its call had some: they are there as long as
// it lives, or its own. Those of a call that rings are of another INVITE.
void balancer::judge_dialogs(worker_id w) {
  worker& it = *workers_[w];
  std::vector<worker::known_call*> left;
  for (const auto& [name, dialog] : it.without_lines)
    if (dialog->beside) left.push_back(dialog);
  it.engine->for_each_call([&](const call_info& c) {
    if (c.held.slot_count == 0 || !c.answered) return;
    const std::string name = call_of(c);
    for (const auto& [of, dialog] : it.without_lines) {
      if (of != name) continue;
      dialog->beside = true;
      dialog->beside_late = it.known[static_cast<std::uint32_t>(c.handle)].late;
      dialog->beside_at = c.held.destination;
      std::erase(left, dialog);
    }
  });
  if (!left.empty()) say("the lines of a call are given back, and a dialog of it lives");
}

// Every line in use is held by a call of this worker, and the other way round; and calls are
// counted where they are.
void balancer::judge_calls(worker_id w) {
  ++full_checks;
  worker& it = *workers_[w];
  std::vector<std::int64_t> held(slots_);
  std::vector<std::uint64_t> there(setup_.limits.max_destinations);
  std::fill(it.forced.begin(), it.forced.end(), 0);
  it.without_lines.clear();
  it.engine->for_each_call([&](const call_info& c) {
    worker::known_call& known = it.known[static_cast<std::uint32_t>(c.handle)];
    if (known.handle != c.handle) known = {.handle = c.handle};
    if (c.held.destination != known.destination) {
      if (known.answered && c.held.destination != no_index && !known.beside)
        say("an answered call went to another destination");
      known.late = c.answered && c.held.destination != no_index &&
                   (!known.beside || known.beside_late || c.held.destination != known.beside_at);
      late_answers += known.late ? 1u : 0u;
      passed_on += known.beside ? 1u : 0u;
      known.beside = false;
      known.destination = c.held.destination;
    }
    known.answered = c.answered;
    if (c.answered && c.held.slot_count == 0) it.without_lines.emplace_back(call_of(c), &known);
    if (c.held.slot_count > 0 && c.held.destination == no_index)
      say("a call holds lines of no destination");
    if (c.destination != no_index) ++there[c.destination];
    for (std::uint8_t i = 0; i < c.held.slot_count; ++i) {
      ++held[c.held.slots[i]];
      // A re-INVITE of a box whose To tag is lost on the way is a call that it makes.
      const bool of_box = c.from_tag.starts_with('b');
      if (known.late || of_box || c.call_id.starts_with('k') || c.call_id.starts_with('s'))
        ++it.forced[c.held.slots[i]];
    }
    if (owner_of(call_hash(c.call_id, secret_), setup_.workers) != w)
      say("a call on a worker that does not own it");
  });
  if (!it.without_lines.empty()) judge_dialogs(w);
  const auto says = [](std::uint64_t calls, const auto& counted) { return counted == calls; };
  if (!std::ranges::equal(there, it.engine->destination_calls(), says))
    say("worker " + std::to_string(w) + " miscounts the calls at a destination");
  for (slot_index s = 0; s < slots_; ++s)
    if (held[s] != it.used[s])
      say("worker " + std::to_string(w) + ", slot " + std::to_string(s) + ": used " +
          std::to_string(it.used[s]) + ", held by calls " + std::to_string(held[s]));
}

balancer::slot_count balancer::count_of(const worker& it, slot_index s) {
  const load_ledger::slot_view v = it.engine->ledger().view(s);
  if (v.used < 0 || v.lease < v.used || v.remote < 0)
    say("slot " + std::to_string(s) + ": a counter below zero, or used above lease");
  return {v.lease + v.pool + v.unsent, v.used, it.forced[s], v.pool};
}

// A step changes the slots of the worker that made it, and no others.
void balancer::count_slots(worker_id w) {
  worker& it = *workers_[w];
  for (slot_index s = 0; s < slots_; ++s) {
    const slot_count now = count_of(it, s);
    slot_count& before = it.counted[s];
    if (now == before) continue;
    slot_count& sum = sums_[s];
    sum.lines += now.lines - before.lines;
    sum.used += now.used - before.used;
    sum.forced += now.forced - before.forced;
    sum.pool += now.pool - before.pool;
    before = now;
  }
}

void balancer::judge_count(worker_id w) {
  const worker& it = *workers_[w];
  for (slot_index s = 0; s < slots_; ++s)
    if (count_of(it, s) != it.counted[s])
      say("slot " + std::to_string(s) + ": changed on worker " + std::to_string(w) +
          " in a step of another one");
}

void balancer::judge_slots() {
  for (slot_index s = 0; s < slots_; ++s) {
    const slot_count& sum = sums_[s];
    const std::int64_t capacity = workers_[home_[s]]->engine->ledger().capacity(s);
    const std::int64_t lines = on_the_way_[s] + sum.lines;
    if (lines != capacity)
      say("slot " + std::to_string(s) + ": leases, pool and lines on the way are " +
          std::to_string(lines) + ", capacity " + std::to_string(capacity));
    bound_[s] = sum.pool >= 0 ? capacity : std::max(bound_[s], capacity);
    if (setup_.bounded && sum.used - sum.forced > bound_[s])
      say("slot " + std::to_string(s) + ": admitted " + std::to_string(sum.used - sum.forced) +
          " above capacity " + std::to_string(bound_[s]));
  }
}

void balancer::add_counters(const worker& it) {
  const engine_counters& counted = it.engine->counters();
  started += counted.calls_started;
  answered += counted.calls_answered;
  failovers += counted.failovers;
  address_turns += counted.address_turns;
  shed += counted.calls_shed;
  passed_over += counted.passed_over;
  for (std::size_t v = 0; v < verdict_count; ++v)
    verdicts[v] += counted.verdicts[v].load();
  refused_full += counted.verdicts[static_cast<std::size_t>(verdict::rejected_no_capacity)].load();
}

void balancer::judge_the_end() {
  (void)keep_house();
  if (book_.retired() != 0)
    say("at the end: " + std::to_string(book_.retired()) + " numbers are not given back");
  for (worker_id w = 0; w < setup_.workers; ++w) {
    const worker& it = *workers_[w];
    const std::string name = "at the end, worker " + std::to_string(w) + ": ";
    const engine_counters& counted = it.engine->counters();
    if (counted.calls_live != 0) say(name + std::to_string(counted.calls_live) + " calls are live");
    if (counted.transactions_live != 0)
      say(name + std::to_string(counted.transactions_live) + " transactions are live");
    for (slot_index s = 0; s < slots_; ++s) {
      const load_ledger::slot_view v = it.engine->ledger().view(s);
      if (v.used != 0) say(name + "slot " + std::to_string(s) + " has a load");
      if (v.remote != 0) say(name + "slot " + std::to_string(s) + " seems loaded by others");
      if (v.unsent != 0) say(name + "slot " + std::to_string(s) + " has unsent lines");
      if (home_[s] == w && v.pool < 0) say(name + "slot " + std::to_string(s) + " owes lines");
      if (on_the_way_[s] != 0) say(name + "slot " + std::to_string(s) + " has lines in rings");
    }
    it.engine->for_each_call([&](const call_info&) { say(name + "a call is listed"); });
    add_counters(it);
  }
}

} // namespace linehunt::sim
