// SPDX-License-Identifier: Apache-2.0
// The dialogs of one call, where several have answered its INVITE (RFC 3261 13.2.2.4). The first
// has the lines. When it ends, one that lives on has them, so that they are the call's until its
// last dialog has ended. A call that has one dialog has no flag, and does not come here.
#include "dataplane/engine/state.h"

#include <array>

namespace linehunt {

// The record is new, and knows its Call-ID, tags and caller. Returns where the call is.
destination_index engine::state::note_dialogs(std::uint32_t call) {
  destination_index at = no_index;
  (void)calls.find_beside(call, [&](std::uint32_t beside) {
    calls[call].origin |= call_record::forked;
    calls[beside].origin |= call_record::forked;
    if ((calls[beside].flags & call_record::counted) != 0) at = calls[beside].destination;
    return false;
  });
  return at;
}

// Before that dialog ends: lines, signs of life and its place among the counted calls go to
// another.
void engine::state::pass_on(std::uint32_t call) {
  call_record& from = calls[call];
  if ((from.origin & call_record::forked) == 0 || (from.flags & call_record::counted) == 0) return;
  const auto has_none = [&](std::uint32_t beside) {
    return (calls[beside].flags & call_record::counted) == 0;
  };
  std::uint32_t heir = calls.find_beside(call, [&](std::uint32_t beside) {
    return has_none(beside) && calls[beside].state == call_state::answered;
  });
  if (heir == no_call) heir = calls.find_beside(call, has_none);
  if (heir == no_call) return;

  call_record& to = calls[heir];
  holding held = held_by(call);
  destination_index at = from.destination;
  // It may be at a destination that the INVITE had been sent to before, whose lines it uses: they
  // are counted above capacity if need be, where that still offers all of them.
  if (to.destination != at && find_destination(to.destination) != nullptr) {
    const call_resources resources = resources_of(call);
    holding there;
    ledger.count(to.destination, {resources.names.data(), resources.count}, there);
    const bool all_there = there.slot_count == held.slot_count;
    ledger.release(all_there ? held : there);
    if (all_there) {
      held = there;
      at = to.destination;
    }
  }
  from.slot_count = 0;
  hold(heir, held);
  move_call(heir, at);
  constexpr std::uint8_t moved =
      call_record::counted | call_record::ping_caller | call_record::ping_callee;
  to.flags |= static_cast<std::uint8_t>(from.flags & moved);
  from.flags &= static_cast<std::uint8_t>(~call_record::counted);
  arm_call_timer(heir);
}

// With the dialog that an admin ends, the others of its call, which would hold its lines. Of two
// that are counted each has lines of its own: they are of two INVITEs, as of a proxy that forks.
// Whose one is that is not counted, nobody knows any more after a restart.
void engine::state::close_others(std::uint32_t call, end_cause cause) {
  if ((calls[call].origin & call_record::forked) == 0) return;
  std::array<std::uint32_t, max_dialogs_per_invite> others;
  std::size_t count_others = 0;
  (void)calls.find_beside(call, [&](std::uint32_t beside) {
    const bool of_another = (calls[call].flags & calls[beside].flags & call_record::counted) != 0;
    if (calls[beside].state != call_state::closing && !of_another) others[count_others++] = beside;
    return count_others == others.size();
  });
  // Where nobody can be reached, the end of one may have been that of another, too.
  for (std::size_t i = 0; i < count_others; ++i)
    if (calls[others[i]].state != call_state::ended) close_call(others[i], cause);
}

} // namespace linehunt
