// SPDX-License-Identifier: Apache-2.0
// See schedule.h.
#include "control/probing/schedule.h"

#include <algorithm>
#include <utility>

namespace linehunt::probing {
namespace {

// RFC 3261 17.1.2.2, timer E: repetitions after T1, 2*T1, ... T2.
constexpr time_us t1_us = 500'000;
constexpr time_us t2_us = 4'000'000;

constexpr std::uint64_t divided_up(std::uint64_t a, std::uint64_t b) noexcept {
  return (a + b - 1) / b;
}

} // namespace

std::uint64_t schedule::slots() const noexcept {
  return settings_.interval_s * 1'000'000ull / tick_us;
}

void schedule::adopt(const config::probing_settings& settings, const std::vector<target>& targets) {
  settings_ = settings;
  std::vector<entry> next;
  for (const target& t : targets) {
    if (t.mode == 0) continue;
    entry e{t, 0, 0, 0, 0, std::nullopt};
    if (entry* before = find(t.id);
        before && before->what.index == t.index && before->what.uri == t.uri) {
      e = std::move(*before);
      e.what = t;
      if (settings.interval_s == 0) e.number = 0; // nobody waits for it any more
    }
    next.push_back(std::move(e));
  }
  entries_ = std::move(next);
  by_id_.clear();
  by_index_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    by_id_[entries_[i].what.id] = i;
    by_index_[entries_[i].what.index] = i;
  }
}

schedule::entry* schedule::find(std::uint32_t id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &entries_[found->second];
}

void schedule::advance(time_us now) {
  if (now < next_tick_) return;
  // Late by less than a tick: the next one comes earlier. Later than that: all of them shift.
  next_tick_ = next_tick_ + tick_us > now ? next_tick_ + tick_us : now + tick_us;
  look_at_waits(now);
  if (slots() != 0) probe_slot(tick_++ % slots(), now);
}

void schedule::probe_slot(std::uint64_t slot, time_us now) {
  const std::uint64_t n = entries_.size();
  const std::uint64_t end = divided_up((slot + 1) * n, slots());
  for (std::uint64_t i = divided_up(slot * n, slots()); i < end; ++i)
    probe(entries_[i], now);
}

void schedule::probe(entry& e, time_us now) {
  if (e.what.addresses == 0 || e.number != 0) return;
  const destination_status status = status_(e.what.id);
  if (status.by_admin || (e.what.mode == 1 && status.enabled)) return;
  if (!send_(e.what.index, ++last_number_)) return;
  e.number = last_number_;
  e.refused = 0;
  const time_us patience_us =
      std::min<time_us>(settings_.timeout_ms * 1000ull, settings_.interval_s * 1'000'000ull);
  wait_until(now + t1_us, {e.what.id, e.number, t1_us, now + patience_us}, now);
}

void schedule::wait_until(time_us then, const wait& w, time_us now) {
  waits_.emplace(std::max(std::min(then, w.deadline), now + 1), w);
}

void schedule::look_at_waits(time_us now) {
  // Each probe is sent four times at most in the time that one has; more than that is what has
  // piled up while nobody called, and is left for later ticks.
  std::uint64_t room = slots() == 0 ? 0 : 4 * divided_up(entries_.size(), slots());
  while (!waits_.empty() && waits_.begin()->first <= now) {
    wait w = waits_.begin()->second;
    entry* e = find(w.id);
    const bool counts = e && e->number == w.number && slots() != 0;
    const bool over = counts && now >= w.deadline;
    if (counts && !over && room == 0) return;
    waits_.erase(waits_.begin());
    if (!counts) continue;
    if (over) {
      e->number = 0;
      judge(*e, false, e->refused);
      continue;
    }
    --room;
    (void)send_(e->what.index, e->number);
    w.gap_us = std::min(2 * w.gap_us, t2_us);
    wait_until(now + w.gap_us, w, now);
  }
}

void schedule::on_answer(destination_index index, std::uint64_t number, std::uint16_t status,
                         std::uint32_t round_trip_us) {
  const auto found = by_index_.find(index);
  if (found == by_index_.end() || number == 0) return;
  entry& e = entries_[found->second];
  if (e.number != number) return;
  e.round_trip_us = round_trip_us;
  const bool good = status == 200 || std::ranges::find(settings_.reply_codes, unsigned{status}) !=
                                         settings_.reply_codes.end();
  if (!good && status >= 400 && e.what.addresses > 1) {
    e.refused = status;
    return;
  }
  e.number = 0;
  if (good || status >= 400) judge(e, good, status);
}

void schedule::judge(entry& e, bool good, std::uint16_t status) {
  const destination_status now = status_(e.what.id);
  if (now.by_admin) return;
  if (good) {
    e.failures = 0;
    if (now.enabled || ++e.successes < settings_.successes_to_enable) return;
  } else {
    e.successes = 0;
    if (!now.enabled || ++e.failures < settings_.failures_to_disable) return;
  }
  e.failures = e.successes = 0;
  changed_({e.what.id, good, status});
}

void schedule::on_status_changed(std::uint32_t id) {
  entry* e = find(id);
  if (!e) return;
  e->failures = e->successes = 0;
  e->number = 0;
}

std::optional<std::uint32_t> schedule::round_trip_us(std::uint32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : entries_[found->second].round_trip_us;
}

} // namespace linehunt::probing
