// SPDX-License-Identifier: Apache-2.0
// The engine's entries: each sets the time and the sink, and hands over to dataplane/engine/.
#include "dataplane/engine.h"

#include "dataplane/engine/state.h"

#include <algorithm>
#include <limits>

namespace linehunt {

namespace {

// A call record keeps slots in 16 bits, a branch its transaction in 24.
engine_setup within_bounds(engine_setup wanted) noexcept {
  wanted.limits.max_slots = std::min(wanted.limits.max_slots, 1u << 16);
  wanted.limits.max_transactions = std::min(wanted.limits.max_transactions, 1u << 24);
  return wanted;
}

bool is_same(const destination& a, const destination& b) noexcept {
  return a.id == b.id && a.group == b.group && a.uri == b.uri;
}

} // namespace

engine::state::state(const engine_setup& given, const snapshot& first)
    : setup(within_bounds(given)), world(&first),
      memory(given.memory ? *given.memory : heap_memory()),
      ledger({setup.self, setup.workers, setup.limits.max_slots, setup.limits.max_destinations,
              setup.limits.max_parked},
             setup.random_seed),
      calls(setup.limits, setup.secret, memory), transactions(setup.limits, memory),
      timers(setup.limits.max_calls + transaction_timers * setup.limits.max_transactions +
                 setup.limits.max_destinations,
             setup.start, memory),
      positions(setup.limits.max_destinations, memory),
      resting(setup.limits.max_destinations, memory),
      overloads(setup.limits.max_destinations, memory), scratch_a(scratch_bytes, memory),
      scratch_b(scratch_bytes, memory), probes(setup.limits.max_destinations, memory),
      delays(setup.limits.max_destinations, memory),
      destination_calls(setup.limits.max_destinations, memory) {
  adopt(first);
}

void engine::state::adopt(const snapshot& next) {
  // A destination that is new here may have the number of one that has gone, and one whose group or
  // URI is another starts anew (as in the ledger): a pause that ends enables nobody else, and what
  // the one before asked for or was asked does not count.
  for (const destination& d : next.destinations) {
    if (d.index >= positions.size()) continue;
    const linehunt::destination* const before = find_destination(d.index);
    if (before == nullptr) delays[d.index].clear();
    if (before != nullptr && before->addresses != d.addresses) probes[d.index] = {};
    if (before != nullptr && is_same(*before, d)) continue;
    timers.disarm(pause_timer(d.index));
    overloads.clear(d.index);
    probes[d.index] = {};
  }
  world = &next;
  for (std::size_t i = 0; i < positions.size(); ++i)
    positions[i] = no_index;
  for (std::size_t i = 0; i < next.destinations.size(); ++i) {
    const destination_index index = next.destinations[i].index;
    if (index < positions.size()) positions[index] = static_cast<std::uint32_t>(i);
  }
  ledger.adopt(next);
}

void engine::state::on_timer(std::uint32_t id) {
  if (id < calls.capacity()) {
    on_call_timer(id);
    return;
  }
  if (id >= pause_timer(0)) {
    ledger.set_enabled(id - pause_timer(0), true);
    return;
  }
  const std::uint32_t transaction = (id - calls.capacity()) / transaction_timers;
  switch ((id - calls.capacity()) % transaction_timers) {
  case 0:
    on_client_timer(transaction);
    break;
  case 1:
    on_server_timer(transaction);
    break;
  case 2:
    on_deadline(transaction);
    break;
  default:
    on_cancel_timer(transaction);
    break;
  }
}

engine::engine(const engine_setup& setup, const snapshot& world)
    : state_(std::make_unique<state>(setup, world)) {}
engine::~engine() = default;

verdict engine::on_datagram(const datagram& in, time_us now, action_sink& out) {
  state_->now = now;
  state_->out = &out;
  const verdict v = state_->receive(in);
  state::count(state_->counters.verdicts[static_cast<std::size_t>(v)]);
  state_->counters.transactions_live.store(state_->transactions.in_use(),
                                           std::memory_order_relaxed);
  return v;
}

void engine::expect(std::uint64_t call_hash) const noexcept {
  state_->calls.prefetch_index(call_hash);
}

void engine::fetch(std::uint64_t call_hash) const noexcept {
  const std::uint32_t call = state_->calls.prefetch_record(call_hash);
  if (call != no_call) state_->timers.prefetch(call);
}

void engine::on_mail(const mail& in, time_us now, action_sink& out) {
  state& s = *state_;
  s.now = now;
  s.out = &out;
  switch (in.kind) {
  case mail_kind::load_update:
  case mail_kind::lease_request:
  case mail_kind::lease_grant:
  case mail_kind::lease_refuse:
  case mail_kind::lease_recall:
  case mail_kind::lease_return:
    s.ledger.on_mail(in, s);
    break;
  case mail_kind::set_enabled:
    if (in.subject >= s.positions.size()) break;
    s.timers.disarm(s.pause_timer(static_cast<destination_index>(in.subject)));
    s.ledger.set_enabled(static_cast<destination_index>(in.subject), in.value != 0);
    break;
  case mail_kind::overload:
    s.hear_overload(in);
    break;
  case mail_kind::find_replaced:
    s.answer_where(in);
    break;
  case mail_kind::found_replaced:
    s.hear_where(in);
    break;
  case mail_kind::pause:
    s.pause(static_cast<destination_index>(in.subject), static_cast<std::uint64_t>(in.value));
    break;
  case mail_kind::resize:
    s.ledger.resize(in.slot, static_cast<std::int32_t>(in.value));
    break;
  case mail_kind::end_call:
    s.end_by_handle(in.subject);
    break;
  case mail_kind::send_probe:
    s.send_probe(static_cast<destination_index>(in.subject), static_cast<std::uint64_t>(in.value));
    break;
  }
}

void engine::advance(time_us now, action_sink& out) {
  state& s = *state_;
  s.now = now;
  s.out = &out;
  s.timers.advance(
      now, [&](std::uint32_t id) { s.on_timer(id); },
      [&](std::uint32_t id) {
        if (id < s.calls.capacity()) s.calls.prefetch_record_of(id);
      });
  s.ledger.flush(out, s);
  s.counters.transactions_live.store(s.transactions.in_use(), std::memory_order_relaxed);
}

void engine::note_absence(time_us since, time_us until) noexcept {
  state_->note_absence(since, until);
}

time_us engine::next_timer() const noexcept {
  return state_->timers.next();
}

void engine::adopt(const snapshot& world) {
  state_->adopt(world);
}

void engine::drain(bool on) noexcept {
  state_->draining = on;
}

void engine::for_each_kept(time_us now, const std::function<void(const kept_call&)>& visit) const {
  (void)visit_kept(0, call_places(), now, [&](const kept_call& call) {
    visit(call);
    return true;
  });
}

std::uint32_t engine::visit_kept(std::uint32_t first, std::uint32_t places, time_us now,
                                 const std::function<bool(const kept_call&)>& take) const {
  state_->now = std::max(state_->now, now);
  return state_->visit_kept(first, places, take);
}

std::uint32_t engine::call_places() const noexcept {
  return state_->calls.capacity();
}

bool engine::restore(const kept_call& call, time_us now) {
  state_->now = now;
  return state_->restore(call);
}

void engine::tell_loads(action_sink& out) {
  state_->ledger.flush(out, *state_);
}

const engine_counters& engine::counters() const noexcept {
  return state_->counters;
}

const load_ledger& engine::ledger() const noexcept {
  return state_->ledger;
}

std::span<const post_dial_delay> engine::post_dial_delays() const noexcept {
  return {&state_->delays[0], state_->delays.size()};
}

std::span<const std::atomic<std::uint64_t>> engine::destination_calls() const noexcept {
  return {&state_->destination_calls[0], state_->destination_calls.size()};
}

void engine::for_each_call(const std::function<void(const call_info&)>& visit) const {
  (void)visit_calls(0, std::numeric_limits<std::uint32_t>::max(), visit);
}

std::uint32_t engine::visit_calls(std::uint32_t first, std::uint32_t places,
                                  const std::function<void(const call_info&)>& visit) const {
  const state& s = *state_;
  const std::uint32_t all = s.calls.capacity();
  const std::uint32_t end = first + std::min(places, all - std::min(first, all));
  for (std::uint32_t call = first; call < end; ++call) {
    const call_record& record = s.calls[call];
    if (record.state == call_state::free || record.state == call_state::ended) continue;
    const call_texts texts = s.calls.texts(call);
    call_info info;
    info.handle = s.calls.handle_of(call);
    const auto text = [&](call_text which) { return texts[static_cast<std::size_t>(which)]; };
    info.call_id = text(call_text::call_id);
    info.from_tag = text(call_text::from_tag);
    info.to_tag = text(call_text::to_tag);
    info.from_uri = text(call_text::from_uri);
    info.to_uri = text(call_text::to_uri);
    info.caller = calls::unpack_endpoint(text(call_text::caller_address));
    info.callee = calls::unpack_endpoint(text(call_text::callee_address));
    info.destination = record.destination;
    info.held = s.held_by(call);
    info.answered = record.state != call_state::early;
    info.started_at = record.started_at;
    if (info.answered && record.state != call_state::closing)
      info.answered_at = record.answered_at();
    visit(info);
  }
  return end < all ? end : 0;
}

} // namespace linehunt
