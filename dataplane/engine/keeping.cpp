// SPDX-License-Identifier: Apache-2.0
// Answered calls out of one run of the program and into the next.
#include "dataplane/engine/addressing.h"
#include "dataplane/engine/state.h"

#include <algorithm>

namespace linehunt {

std::uint32_t engine::state::visit_kept(std::uint32_t first, std::uint32_t places,
                                        const std::function<bool(const kept_call&)>& take) const {
  const std::uint32_t all = calls.capacity();
  const std::uint32_t end = first + std::min(places, all - std::min(first, all));
  for (std::uint32_t call = first; call < end; ++call)
    if (is_kept(call) && !take(kept(call))) return call;
  return end;
}

bool engine::state::is_kept(std::uint32_t call) const noexcept {
  const call_state at = calls[call].state;
  return at == call_state::answered || at == call_state::leaving || at == call_state::closing;
}

engine::state::call_resources engine::state::resources_of(std::uint32_t call) const {
  const call_record& record = calls[call];
  call_resources held;
  const linehunt::destination* const d = find_destination(record.destination);
  if (d == nullptr) return held;
  for (const resource& r : d->resources)
    if (std::find(record.slots.begin(), record.slots.begin() + record.slot_count, r.slot) !=
        record.slots.begin() + record.slot_count)
      held.names[held.count++] = r.name;
  return held;
}

kept_call engine::state::kept(std::uint32_t call) const {
  const call_record& record = calls[call];
  const call_texts texts = calls.texts(call);
  const auto text = [&](call_text which) { return texts[static_cast<std::size_t>(which)]; };
  kept_call kept;
  kept.handle = calls.first_handle_of(call);
  kept.call_id = text(call_text::call_id);
  kept.from_tag = text(call_text::from_tag);
  kept.to_tag = text(call_text::to_tag);
  kept.caller_target = text(call_text::caller_target);
  kept.callee_target = text(call_text::callee_target);
  kept.caller_routes = text(call_text::caller_routes);
  kept.callee_routes = text(call_text::callee_routes);
  kept.from_uri = text(call_text::from_uri);
  kept.to_uri = text(call_text::to_uri);
  kept.caller = unpack_endpoint(text(call_text::caller_address));
  kept.callee = unpack_endpoint(text(call_text::callee_address));
  kept.caller_listener = record.caller_listener;
  kept.callee_listener = record.callee_listener;
  if (const linehunt::destination* const d = find_destination(record.destination)) {
    kept.destination = d->index;
    const call_resources held = resources_of(call);
    kept.resources = held.names;
    kept.resource_count = held.count;
  }
  kept.age_us = now - std::min(now, record.started_at);
  // The next run does not know which way a BYE went, so what an astray one leaves to do is done at
  // once.
  const bool astray = record.state == call_state::leaving && record.has_bye_astray();
  kept.answered_after_ms =
      astray ? static_cast<std::uint32_t>(end_cause::bye) : record.answered_after_ms;
  kept.expires_after_s = record.expires_after_s;
  kept.caller_cseq = record.caller_cseq;
  kept.callee_cseq = record.callee_cseq;
  kept.balanced = (record.flags & call_record::counted) != 0;
  kept.acked = (record.flags & call_record::acked) != 0;
  kept.leaving = record.state == call_state::leaving && !astray;
  kept.closing = record.state == call_state::closing || astray;
  kept.caller_bye_done = (record.flags & call_record::caller_bye_done) != 0;
  kept.callee_bye_done = (record.flags & call_record::callee_bye_done) != 0;
  kept.ping_caller = (record.flags & call_record::ping_caller) != 0;
  kept.ping_callee = (record.flags & call_record::ping_callee) != 0;
  kept.uncertain = (record.origin & call_record::uncertain) != 0;
  constexpr auto caller_owes = call_record::caller_doubted | call_record::caller_owes;
  constexpr auto callee_owes = call_record::callee_doubted | call_record::callee_owes;
  kept.caller_doubted = (record.origin & caller_owes) != 0;
  kept.callee_doubted = (record.origin & callee_owes) != 0;
  kept.spirals = (record.origin & call_record::spirals) != 0;
  kept.asked = record.state == call_state::answered && record.asks();
  return kept;
}

namespace {

// Of a session that may have been refreshed after the copy was made, until just now: its interval
// is not known, but is no longer than from the answer to the end that the copy knows.
std::uint32_t latest_expiry(const kept_call& kept) noexcept {
  const std::uint64_t answered_s = kept.answered_after_ms / 1000;
  if (kept.expires_after_s == 0 || kept.closing || kept.expires_after_s < answered_s)
    return kept.expires_after_s;
  const std::uint64_t interval_s = kept.expires_after_s - answered_s;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kept.age_us / 1'000'000 + interval_s + 1, UINT32_MAX));
}

} // namespace

// Its lines are held whatever there is, as those of a counted call: it was admitted before.
bool engine::state::restore(const kept_call& kept) {
  if (kept.closing && kept.answered_after_ms >= end_cause_count) return false;
  if (kept.call_id.empty() || !is_sendable(kept.caller) || !is_sendable(kept.callee)) return false;
  const std::uint64_t hash_of_it = call_hash(kept.call_id, setup.secret);
  const packed_endpoint caller = pack_endpoint(kept.caller);
  const packed_endpoint callee = pack_endpoint(kept.callee);
  call_texts texts{};
  const auto set = [&](call_text which, std::string_view text) {
    texts[static_cast<std::size_t>(which)] = text;
  };
  set(call_text::call_id, kept.call_id);
  set(call_text::from_tag, kept.from_tag);
  set(call_text::to_tag, kept.to_tag);
  set(call_text::caller_address, caller);
  set(call_text::callee_address, callee);
  set(call_text::caller_target, kept.caller_target);
  set(call_text::callee_target, kept.callee_target);
  set(call_text::caller_routes, kept.caller_routes);
  set(call_text::callee_routes, kept.callee_routes);
  set(call_text::from_uri, kept.from_uri);
  set(call_text::to_uri, kept.to_uri);
  const std::uint32_t call = calls.take(hash_of_it, texts);
  if (call == no_call) return false;

  call_record& record = calls[call];
  const auto flag = [&record](bool is, std::uint8_t which) {
    if (is) record.flags |= which;
  };
  record.state = call_state::answered;
  record.origin = call_record::restored;
  if (kept.spirals) record.origin |= call_record::spirals;
  if (kept.uncertain) {
    record.origin |= call_record::uncertain | call_record::unverified;
    ++uncertain_calls;
  }
  record.server_key = kept.handle;
  record.started_at = now - std::min(now, kept.age_us);
  record.answered_after_ms = kept.answered_after_ms;
  record.expires_after_s = kept.uncertain ? latest_expiry(kept) : kept.expires_after_s;
  record.caller_cseq = kept.caller_cseq;
  record.callee_cseq = kept.callee_cseq;
  record.caller_listener = usable_listener(kept.caller_listener, kept.caller);
  record.callee_listener = usable_listener(kept.callee_listener, kept.callee);
  flag(kept.balanced, call_record::counted);
  flag(kept.acked || kept.uncertain, call_record::acked); // it may have come since
  flag(kept.ping_caller, call_record::ping_caller);
  flag(kept.ping_callee, call_record::ping_callee);
  flag(kept.caller_bye_done, call_record::caller_bye_done);
  flag(kept.callee_bye_done, call_record::callee_bye_done);
  if (find_destination(kept.destination) != nullptr) {
    holding held;
    ledger.count(kept.destination, {kept.resources.data(), kept.resource_count}, held);
    hold(call, held);
    move_call(call, kept.destination);
  }
  (void)note_dialogs(call);
  if (kept.balanced) {
    count(counters.calls_restored);
    count(counters.calls_live);
  }
  if (kept.closing) { // the BYEs anew
    record.state = call_state::closing;
    timers.arm(call, now);
  } else if (kept.leaving) {
    leave(call);
  } else {
    // What a crash has left may have been answered since, as nearly every offer is at once, and is
    // asked anyway.
    if (!kept.uncertain) {
      doubt_anew(call, kept.caller_doubted, kept.callee_doubted);
      if (kept.asked) ask_of_drop(call);
    }
    arm_call_timer(call);
  }
  return true;
}

// The one that it had, where the configuration still has it.
listener_index engine::state::usable_listener(listener_index had, const endpoint& peer) const {
  const auto& all = world->listeners;
  if (had < all.size() && all[had].local.ip.is_v6 == peer.ip.is_v6) return had;
  listener_index any = 0;
  (void)world->listener_for(peer.ip, any);
  return any;
}

} // namespace linehunt
