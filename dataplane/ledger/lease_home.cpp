// SPDX-License-Identifier: Apache-2.0
// Deciding requests for lines. All slots of a destination have one home, so a call that needs lines
// of several slots gets all of them in one decision, and nobody holds one while waiting for
// another.
#include "dataplane/ledger/lease_home.h"

#include "dataplane/ledger/lease_mail.h"

#include <algorithm>
#include <limits>

namespace linehunt::ledger {

namespace {
[[nodiscard]] constexpr std::uint64_t bit(worker_id w) noexcept {
  return std::uint64_t{1} << w;
}
} // namespace

lease_home::lease_home(const ledger_limits& limits)
    : self_(limits.self), workers_(limits.workers), slots_(limits.max_slots),
      leased_(std::size_t{limits.max_slots} * limits.workers),
      requests_(std::size_t{limits.max_destinations} * limits.workers),
      queues_(std::size_t{limits.max_destinations} * limits.workers),
      queue_lengths_(limits.max_destinations),
      answers_(limits.workers, index_queue(limits.max_destinations)),
      recalls_(limits.workers, index_queue(limits.max_slots)) {}

void lease_home::adopted(std::uint32_t adoption) noexcept {
  adoption_ = adoption;
  for (destination_index d = 0; d < queue_lengths_.size(); ++d)
    serve(d); // requests of workers that adopted this snapshot before us
}

void lease_home::resize(slot_index s, std::int64_t delta) noexcept {
  slots_[s].pool += delta;
  serve(slots_[s].destination);
  reclaim(s);
}

bool lease_home::take(destination_index d, std::span<const slot_index> slots) noexcept {
  if (queue_lengths_[d] != 0) return false;
  for (const slot_index s : slots)
    if (slots_[s].pool <= 0) return false;
  for (const slot_index s : slots)
    --slots_[s].pool;
  return true;
}

void lease_home::force(slot_index s) noexcept {
  --slots_[s].pool;
  reclaim(s);
}

void lease_home::on_request(const mail& m) noexcept {
  const destination_index d = destination_of(m);
  request& r = request_of(d, m.from);
  if (r.complete) { // a new request; its sender has one at a time
    r.complete = false;
    r.slot_count = 0;
  }
  if (r.slot_count < r.slots.size()) r.slots[r.slot_count++] = m.slot;
  if ((m.flags & last_of_request) == 0) return;
  r.complete = true;
  r.adoption = second_of(m);
  r.wanted = m.value;
  if (r.wanted <= 0) return;
  queues_[std::size_t{d} * workers_ + queue_lengths_[d]++] = m.from;
  serve(d);
}

void lease_home::on_return(const mail& m) noexcept {
  slot& s = slots_[m.slot];
  s.pool += m.value;
  leased_to(m.from, m.slot) -= m.value;
  if (m.value > 0) s.proves_full = false;
  if ((m.flags & answers_recall) != 0) {
    s.awaiting &= ~bit(m.from);
    s.tight |= bit(m.from);
  }
  serve(s.destination);
  if (s.in_round && s.awaiting == 0) {
    (void)end_round(m.slot);
    serve(s.destination);
  }
  reclaim(m.slot);
}

void lease_home::serve(destination_index d) noexcept {
  bool again = asked_for(d);
  while (again) {
    std::uint64_t satisfied = 0;
    grant_what_there_is(d, satisfied);
    remove_decided(d);
    if (queue_lengths_[d] == 0)
      for (worker_id w = 0; satisfied != 0 && w < workers_; ++w)
        if ((satisfied & bit(w)) != 0) grant_spare(d, w);
    again = start_missing_rounds(d); // refused some: what was reserved for them is free again
  }
}

// In order of arrival. What a request is still waiting to complete is reserved, so that it is not
// overtaken for ever by requests for fewer slots.
void lease_home::grant_what_there_is(destination_index d, std::uint64_t& satisfied) noexcept {
  for (const worker_id w : queue(d)) {
    request& r = request_of(d, w);
    if (early(r)) continue;
    std::int64_t lines = r.wanted;
    for (const slot_index s : r.set())
      lines = std::min(lines, slots_[s].pool - slots_[s].spoken);
    if (lines > 0) {
      for (const slot_index s : r.set()) {
        slots_[s].pool -= lines;
        if (w != self_) leased_to(w, s) += lines;
      }
      r.wanted -= lines;
      r.granted += lines;
      answers_[w].push(d);
    }
    if (r.wanted == 0) satisfied |= bit(w);
    for (const slot_index s : r.set())
      slots_[s].spoken += std::clamp<std::int64_t>(slots_[s].pool - slots_[s].spoken, 0, r.wanted);
  }
  for (const worker_id w : queue(d))
    for (const slot_index s : request_of(d, w).set())
      slots_[s].spoken = 0;
}

// Lines in advance, so that the next calls of that worker need not ask. With every worker taking
// its part again and again half of the pool stays at home for those that ask later.
void lease_home::grant_spare(destination_index d, worker_id w) noexcept {
  request& r = request_of(d, w);
  if (w == self_) return;
  std::int64_t lines = std::numeric_limits<std::int32_t>::max();
  for (const slot_index s : r.set()) {
    if (slots_[s].in_round) return;
    lines = std::min(lines, slots_[s].pool / (2 * std::int64_t{workers_}));
  }
  if (lines <= 0) return;
  for (const slot_index s : r.set()) {
    slots_[s].pool -= lines;
    slots_[s].tight &= ~bit(w);
    leased_to(w, s) += lines;
  }
  r.spare += lines;
}

bool lease_home::start_missing_rounds(destination_index d) noexcept {
  bool refused = false;
  // By place, and the length read anew: the end of a round takes requests out of the queue.
  for (worker_id place = 0; place < queue_lengths_[d]; ++place) {
    const request& r = request_of(d, queue(d)[place]);
    if (early(r)) continue;
    for (const slot_index s : r.set()) {
      if (slots_[s].pool > 0 || slots_[s].in_round) continue;
      start_round(s);
      if (slots_[s].awaiting == 0 && end_round(s)) {
        refused = true;
        break;
      }
    }
    if (refused) break;
  }
  return refused;
}

// A round asks holders for their free lines. Those that are not tight are made tight first; the
// round that proves that no line is free is one that began with all holders tight: what was free
// at its start was on its way here, ahead of the answers.
void lease_home::start_round(slot_index s) noexcept {
  slot& it = slots_[s];
  std::uint64_t holders = 0;
  for (worker_id w = 0; w < workers_; ++w)
    if (w != self_ && leased_to(w, s) > 0) holders |= bit(w);
  const std::uint64_t loose = holders & ~it.tight;
  it.in_round = true;
  it.proves_full = loose == 0;
  it.awaiting = loose != 0 ? loose : holders;
  it.covered = 0;
  for (const worker_id w : queue(it.destination)) {
    const request& r = request_of(it.destination, w);
    if (!early(r) && std::ranges::find(r.set(), s) != r.set().end()) it.covered |= bit(w);
  }
  for (worker_id w = 0; w < workers_; ++w)
    if ((it.awaiting & bit(w)) != 0) recalls_[w].push(s);
}

bool lease_home::end_round(slot_index s) noexcept {
  slot& it = slots_[s];
  it.in_round = false;
  if (!it.proves_full || it.pool > 0) return false;
  bool refused = false;
  for (const worker_id w : queue(it.destination)) {
    request& r = request_of(it.destination, w);
    if ((it.covered & bit(w)) == 0 || std::ranges::find(r.set(), s) == r.set().end()) continue;
    r.wanted = 0;
    r.refused = true;
    answers_[w].push(it.destination);
    refused = true;
  }
  remove_decided(it.destination);
  return refused;
}

// After forced lines or a smaller capacity: what lies unused elsewhere fills the pool again.
void lease_home::reclaim(slot_index s) noexcept {
  slot& it = slots_[s];
  if (it.pool >= 0 || it.in_round || it.destination == no_index) return;
  for (worker_id w = 0; w < workers_; ++w)
    if (w != self_ && leased_to(w, s) > 0 && (it.tight & bit(w)) == 0) {
      start_round(s);
      return;
    }
}

void lease_home::remove_decided(destination_index d) noexcept {
  worker_id kept = 0;
  worker_id* const first = queues_.data() + std::size_t{d} * workers_;
  for (const worker_id w : queue(d)) {
    if (request_of(d, w).wanted > 0) {
      first[kept++] = w;
      continue;
    }
    for (const slot_index s : request_of(d, w).set())
      slots_[s].covered &= ~bit(w); // its next request is a new one
  }
  queue_lengths_[d] = kept;
}

bool lease_home::peek(worker_id to, mail& m) const noexcept {
  if (!answers_[to].empty()) {
    const destination_index d = answers_[to].front();
    const request& r = request_of(d, to);
    const bool grant = r.granted > 0 || r.spare > 0;
    m = {.kind = grant ? mail_kind::lease_grant : mail_kind::lease_refuse,
         .from = self_,
         .slot = r.slots[0],
         .value = r.granted,
         .subject = make_subject(d, static_cast<std::uint32_t>(r.spare))};
    return true;
  }
  if (!recalls_[to].empty()) {
    m = {.kind = mail_kind::lease_recall, .from = self_, .slot = recalls_[to].front()};
    return true;
  }
  return false;
}

void lease_home::sent(worker_id to, const mail& m) noexcept {
  if (m.kind == mail_kind::lease_recall) {
    recalls_[to].pop();
    return;
  }
  request& r = request_of(answers_[to].front(), to);
  if (m.kind == mail_kind::lease_grant)
    r.granted = r.spare = 0;
  else
    r.refused = false;
  if (!r.refused) answers_[to].pop();
}

std::int64_t lease_home::leased(slot_index s) const noexcept {
  std::int64_t lines = 0;
  for (worker_id w = 0; w < workers_; ++w)
    lines += leased_[std::size_t{w} * slots_.size() + s];
  return lines;
}

bool lease_home::settled(slot_index s) const noexcept {
  const slot& it = slots_[s];
  if (it.pool != 0 || it.in_round || leased(s) != 0) return false;
  if (it.destination == no_index) return true;
  for (worker_id w = 0; w < workers_; ++w) {
    const request& r = request_of(it.destination, w);
    const bool open = r.wanted > 0 || r.refused || r.granted > 0 || r.spare > 0;
    if (open && std::ranges::find(r.set(), s) != r.set().end()) return false;
  }
  return true;
}

lease_home::outgoing lease_home::unsent(slot_index s) const noexcept {
  outgoing lines;
  if (slots_[s].destination == no_index) return lines;
  for (worker_id w = 0; w < workers_; ++w) {
    const request& r = request_of(slots_[s].destination, w);
    if (std::ranges::find(r.set(), s) == r.set().end()) continue;
    lines.granted += r.granted;
    lines.spare += r.spare;
  }
  return lines;
}

} // namespace linehunt::ledger
