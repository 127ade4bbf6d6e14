// SPDX-License-Identifier: Apache-2.0
// See telemetry.h.
#include "dataplane/dpdk/telemetry.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <rte_telemetry.h>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::dpdk {

struct telemetry::view {
  worker_id workers = 0;
  reporting report;
  const snapshot* world = nullptr;
  std::vector<char> enabled;          // by destination_index
  std::vector<std::int32_t> capacity; // by slot_index
  // By destination_index: of the last answer to a probe, 0 before; and whose it is.
  std::vector<std::uint32_t> round_trip_us, id;
};

namespace {

std::mutex turn;                            // guards what follows, and what it points to
const telemetry::view* answering = nullptr; // nullptr: nobody

// DPDK takes 512 entries in an array, and knows letters, digits, '_' and '/' in names.
constexpr std::size_t max_listed = 512;

std::string dict_name(const char* what, std::string name) {
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return what + name;
}

// The number behind the comma; nothing where there is none, or it is no number.
std::optional<std::uint32_t> number_in(const char* params) {
  std::uint32_t number = 0;
  const char* const end = params + std::strlen(params);
  const auto [stop, failure] = std::from_chars(params, end, number);
  if (failure != std::errc{} || stop != end) return std::nullopt;
  return number;
}

bool is_given(const char* params) {
  return params != nullptr && *params != '\0';
}

void add(rte_tel_data* out, const std::string& name, std::uint64_t value) {
  (void)rte_tel_data_add_dict_u64(out, name.c_str(), value);
}

int show_worker(const telemetry::view& v, std::uint32_t number, rte_tel_data* out) {
  if (number >= v.workers) return -EINVAL;
  const worker_report r = v.report(static_cast<worker_id>(number));
  rte_tel_data_start_dict(out);
  add(out, "core", r.core);
  add(out, "rx_packets", r.rx_packets);
  add(out, "tx_packets", r.tx_packets);
  add(out, "tx_dropped", r.tx_dropped);
  add(out, "handed_over", r.handed_over);
  add(out, "events_lost", r.events_lost);
  add(out, "loops", r.loops);
  add(out, "idle_loops", r.idle_loops);
  add(out, "busy_cycles", r.busy_cycles);
  add(out, "total_cycles", r.total_cycles);
  add(out, "ring_packets", r.rings.packets);
  add(out, "ring_mail", r.rings.mail);
  add(out, "ring_control", r.rings.control);
  add(out, "ring_events", r.rings.events);
  if (r.engine) add(out, "calls_live", r.engine->calls_live.load(std::memory_order_relaxed));
  return 0;
}

int workers_command(const char*, const char* params, rte_tel_data* out) {
  const std::lock_guard lock(turn);
  if (answering == nullptr) return -ENODEV;
  if (is_given(params)) {
    const auto number = number_in(params);
    return number ? show_worker(*answering, *number, out) : -EINVAL;
  }
  rte_tel_data_start_array(out, RTE_TEL_INT_VAL);
  for (worker_id w = 0; w < answering->workers; ++w)
    (void)rte_tel_data_add_array_int(out, w);
  return 0;
}

int show_destination(const telemetry::view& v, std::uint32_t id, rte_tel_data* out) {
  const auto found = std::ranges::find(v.world->destinations, id, &destination::id);
  if (found == v.world->destinations.end()) return -EINVAL;
  rte_tel_data_start_dict(out);
  add(out, "id", found->id);
  add(out, "group", found->group);
  add(out, "enabled", static_cast<std::uint64_t>(v.enabled[found->index]));
  (void)rte_tel_data_add_dict_string(out, "uri", found->uri.c_str());
  std::uint64_t rang = 0, rang_us = 0, moved_on = 0;
  std::array<std::uint64_t, post_dial_bounds_ms.size() + 1> delayed{};
  std::vector<std::int64_t> loads(found->resources.size());
  for (worker_id w = 0; w < v.workers; ++w) {
    const worker_report r = v.report(w);
    for (std::size_t i = 0; i < loads.size(); ++i)
      loads[i] += r.used[found->resources[i].slot].load(std::memory_order_relaxed);
    const post_dial_delay& delays = r.post_dial_delays[found->index];
    for (std::size_t i = 0; i < delayed.size(); ++i) {
      const std::uint64_t count = delays.counts[i].load(std::memory_order_relaxed);
      delayed[i] += count;
      rang += count;
    }
    rang_us += delays.sum_us.load(std::memory_order_relaxed);
    moved_on += delays.moved_on.load(std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const resource& one = found->resources[i];
    const std::string& name = v.world->resource_names[one.name];
    add(out, dict_name("load_", name),
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, loads[i])));
    add(out, dict_name("capacity_", name), static_cast<std::uint64_t>(v.capacity[one.slot]));
  }
  add(out, "post_dial_calls", rang);
  add(out, "post_dial_delay_us", rang_us);
  for (std::size_t i = 0; i < post_dial_bounds_ms.size(); ++i)
    add(out, "post_dial_to_" + std::to_string(post_dial_bounds_ms[i]) + "_ms", delayed[i]);
  add(out, "post_dial_above", delayed.back());
  add(out, "failovers", moved_on);
  add(out, "probe_round_trip_us", v.round_trip_us[found->index]);
  return 0;
}

int destinations_command(const char*, const char* params, rte_tel_data* out) {
  const std::lock_guard lock(turn);
  if (answering == nullptr) return -ENODEV;
  if (is_given(params)) {
    const auto id = number_in(params);
    return id ? show_destination(*answering, *id, out) : -EINVAL;
  }
  rte_tel_data_start_array(out, RTE_TEL_U64_VAL);
  const auto& all = answering->world->destinations;
  for (std::size_t i = 0; i < std::min(all.size(), max_listed); ++i)
    (void)rte_tel_data_add_array_u64(out, all[i].id);
  return 0;
}

int verdicts_command(const char*, const char*, rte_tel_data* out) {
  const std::lock_guard lock(turn);
  if (answering == nullptr) return -ENODEV;
  std::array<std::uint64_t, verdict_count> sums{};
  for (worker_id w = 0; w < answering->workers; ++w) {
    const worker_report r = answering->report(w);
    for (std::size_t v = 0; v < verdict_count; ++v)
      sums[v] += r.verdicts[v];
  }
  rte_tel_data_start_dict(out);
  for (std::size_t v = 0; v < verdict_count; ++v)
    add(out, std::string{name_of(static_cast<verdict>(v))}, sums[v]);
  return 0;
}

// The same outcomes as in the metrics of control.
int calls_command(const char*, const char*, rte_tel_data* out) {
  const std::lock_guard lock(turn);
  if (answering == nullptr) return -ENODEV;
  std::uint64_t started = 0, answered = 0, failed = 0, ended = 0, live = 0, failovers = 0,
                restored = 0;
  std::array<std::uint64_t, end_cause_count> causes{};
  for (worker_id w = 0; w < answering->workers; ++w) {
    const worker_report r = answering->report(w);
    if (r.engine == nullptr) continue;
    const auto read = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
    started += read(r.engine->calls_started);
    answered += read(r.engine->calls_answered);
    failed += read(r.engine->calls_failed);
    ended += read(r.engine->calls_ended);
    live += read(r.engine->calls_live);
    restored += read(r.engine->calls_restored);
    failovers += read(r.engine->failovers);
    for (std::size_t i = 0; i < causes.size(); ++i)
      causes[i] += read(r.engine->ended_by[i]);
  }
  rte_tel_data_start_dict(out);
  add(out, "started", started);
  add(out, "answered", answered);
  add(out, "failed", failed);
  add(out, "ended", ended);
  add(out, "restored", restored);
  add(out, "live", live);
  add(out, "failovers", failovers);
  for (std::size_t i = 0; i < causes.size(); ++i)
    add(out, "ended_" + std::string{name_of(static_cast<end_cause>(i))}, causes[i]);
  return 0;
}

// DPDK keeps commands for the life of the process.
void register_commands() {
  (void)rte_telemetry_register_cmd(
      "/linehunt/workers", workers_command,
      "Numbers of the workers, or the figures of one. Parameters: int worker");
  (void)rte_telemetry_register_cmd("/linehunt/destinations", destinations_command,
                                   "Ids of the first 512 destinations, or load, capacity, "
                                   "status and delays of one. Parameters: int id");
  (void)rte_telemetry_register_cmd("/linehunt/calls", calls_command,
                                   "Calls by outcome, and by what ended them. Takes no parameters");
  (void)rte_telemetry_register_cmd("/linehunt/verdicts", verdicts_command,
                                   "What became of every packet. Takes no parameters");
}

void take_over(telemetry::view& v, const snapshot& world) {
  v.world = &world;
  for (const destination& d : world.destinations) {
    v.enabled[d.index] = d.enabled ? 1 : 0;
    if (std::exchange(v.id[d.index], d.id) != d.id) v.round_trip_us[d.index] = 0;
    for (const resource& r : d.resources)
      v.capacity[r.slot] = r.capacity;
  }
}

} // namespace

telemetry::telemetry() = default;
telemetry::~telemetry() {
  close();
}

void telemetry::open(worker_id workers, reporting report, const engine_limits& limits,
                     const snapshot& world) {
  static std::once_flag once;
  std::call_once(once, register_commands);
  view_ = std::make_unique<view>();
  view_->workers = workers;
  view_->report = std::move(report);
  view_->enabled.resize(limits.max_destinations);
  view_->capacity.resize(limits.max_slots);
  view_->round_trip_us.resize(limits.max_destinations);
  view_->id.resize(limits.max_destinations);
  take_over(*view_, world);
  const std::lock_guard lock(turn);
  answering = view_.get();
}

void telemetry::adopt(const snapshot& world) {
  const std::lock_guard lock(turn);
  if (view_) take_over(*view_, world);
}

void telemetry::note(const mail& what) {
  const std::lock_guard lock(turn);
  if (!view_) return;
  if (what.kind == mail_kind::set_enabled && what.subject < view_->enabled.size())
    view_->enabled[what.subject] = what.value != 0 ? 1 : 0;
  if (what.kind == mail_kind::resize && what.slot < view_->capacity.size())
    view_->capacity[what.slot] = static_cast<std::int32_t>(what.value);
}

void telemetry::note(const event& what) {
  if (what.kind != event_kind::probe_answered) return;
  const std::lock_guard lock(turn);
  if (view_ && what.destination < view_->round_trip_us.size())
    view_->round_trip_us[what.destination] = what.round_trip_us;
}

void telemetry::close() {
  const std::lock_guard lock(turn);
  if (answering == view_.get()) answering = nullptr;
  view_.reset();
}

} // namespace linehunt::dpdk
