// SPDX-License-Identifier: Apache-2.0
// Keeping, using and giving back leased lines.
#include "dataplane/ledger/lease_holder.h"

#include "dataplane/ledger/lease_mail.h"

#include <algorithm>

namespace linehunt::ledger {

lease_holder::lease_holder(const ledger_limits& limits)
    : self_(limits.self), slots_(limits.max_slots),
      returns_(limits.workers, index_queue(limits.max_slots)) {}

bool lease_holder::take(std::span<const slot_index> slots) noexcept {
  for (const slot_index s : slots)
    if (slots_[s].free <= 0) return false;
  for (const slot_index s : slots)
    --slots_[s].free;
  return true;
}

void lease_holder::give_back(slot_index s) noexcept {
  ++slots_[s].free;
  settle(s);
}

void lease_holder::settle(slot_index s) noexcept {
  slot& it = slots_[s];
  const std::int64_t back = it.tight ? it.free : std::min(it.free, it.debt);
  if (back == 0) return;
  it.free -= back;
  it.unsent += back;
  it.debt -= std::min(it.debt, back);
  returns_[it.home].push(s);
}

// Above the lease there is a debt: the line is taken from the home's pool, which may fall below
// zero, and the next line that is free here goes back, whichever call it was.
void lease_holder::force(slot_index s) noexcept {
  slot& it = slots_[s];
  if (it.free > 0) {
    --it.free;
    return;
  }
  ++it.debt;
  --it.unsent;
  returns_[it.home].push(s);
}

void lease_holder::surrender(slot_index s, std::int64_t lines) noexcept {
  slot& it = slots_[s];
  const std::int64_t back = std::min(it.free, lines);
  if (back <= 0) return;
  it.free -= back;
  it.unsent += back;
  returns_[it.home].push(s);
}

void lease_holder::on_grant(slot_index s, std::int64_t lines, bool with_spare) noexcept {
  slots_[s].free += lines;
  if (with_spare) slots_[s].tight = false;
}

void lease_holder::on_recall(slot_index s) noexcept {
  slot& it = slots_[s];
  it.tight = true;
  it.answer_owed = true;
  settle(s);
  returns_[it.home].push(s);
}

bool lease_holder::peek(worker_id to, mail& m) const noexcept {
  if (returns_[to].empty()) return false;
  const slot_index s = returns_[to].front();
  m = {.kind = mail_kind::lease_return,
       .flags = slots_[s].answer_owed ? answers_recall : std::uint8_t{0},
       .from = self_,
       .slot = s,
       .value = slots_[s].unsent};
  return true;
}

void lease_holder::sent(worker_id to) noexcept {
  slot& it = slots_[returns_[to].front()];
  it.unsent = 0;
  it.answer_owed = false;
  returns_[to].pop();
}

} // namespace linehunt::ledger
