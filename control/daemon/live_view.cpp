// SPDX-License-Identifier: Apache-2.0
// See live_view.h.
#include "control/daemon/live_view.h"

#include "control/daemon/call_copies.h"
#include "control/daemon/log_levels.h"
#include "control/daemon/status_told.h"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <unordered_set>
#include <utility>

namespace linehunt {
namespace {

using namespace std::string_view_literals;
using admin::change_fault;
using nlohmann::json;

mail from_control(mail_kind kind) {
  mail m;
  m.kind = kind;
  m.from = max_workers;
  return m;
}

mail status_mail(const destination& d, bool enabled) {
  mail m = from_control(mail_kind::set_enabled);
  m.subject = d.index;
  m.value = enabled ? 1 : 0;
  return m;
}

mail pause_mail(const destination& d, std::uint64_t seconds) {
  mail m = from_control(mail_kind::pause);
  m.subject = d.index;
  m.value = static_cast<std::int64_t>(seconds);
  return m;
}

void add_name(admin::destination_state& state, const destination& d, const dns::name_report& name) {
  for (const endpoint& address : d.addresses)
    state.addresses.emplace_back(to_text(address));
  const bool refused = name.status == dns::name_status::refused && !d.addresses.empty();
  if (refused || name.status == dns::name_status::stale) state.stale = name.cause;
  if (!d.addresses.empty()) return;
  // Resolved, but to nothing that a call can go to, or not published yet.
  state.unresolved = name.cause.empty() ? "no address that can be used" : name.cause;
}

} // namespace

const destination* live_view::find(std::uint32_t id) const noexcept {
  const auto& all = runtime_.world().destinations;
  const auto found = std::ranges::find(all, id, &destination::id);
  return found == all.end() ? nullptr : &*found;
}

const destination* live_view::find_index(destination_index index) const noexcept {
  const auto& all = runtime_.world().destinations;
  const auto found = std::ranges::find(all, index, &destination::index);
  return found == all.end() ? nullptr : &*found;
}

const destination* live_view::whom(const event& raised) const {
  return source_.is_still(raised.destination, raised.generation) ? find_index(raised.destination)
                                                                 : nullptr;
}

std::vector<dpdk::worker_report> reports_of(const dpdk::runtime& runtime) {
  std::vector<dpdk::worker_report> all;
  for (worker_id w = 0; w < runtime.workers(); ++w)
    all.push_back(runtime.report(w));
  return all;
}

std::vector<dpdk::worker_report> live_view::reports() const {
  return reports_of(runtime_);
}

std::uint64_t live_calls(const dpdk::runtime& runtime) {
  std::uint64_t calls = 0;
  for (const dpdk::worker_report& worker : reports_of(runtime))
    if (worker.engine) calls += worker.engine->calls_live.load(std::memory_order_relaxed);
  return calls;
}

std::uint64_t early_calls(const dpdk::runtime& runtime) {
  std::uint64_t over = 0, started = 0; // in this order: calls go on meanwhile
  for (const dpdk::worker_report& worker : reports_of(runtime)) {
    if (!worker.engine) continue;
    over += worker.engine->calls_answered.load(std::memory_order_relaxed) +
            worker.engine->calls_failed.load(std::memory_order_relaxed);
    started += worker.engine->calls_started.load(std::memory_order_relaxed);
  }
  return started > over ? started - over : 0;
}

std::int64_t live_view::load(const std::vector<dpdk::worker_report>& workers,
                             slot_index slot) const {
  std::int64_t total = 0;
  for (const dpdk::worker_report& worker : workers)
    if (worker.used) total += worker.used[slot].load(std::memory_order_relaxed);
  return total;
}

bool live_view::has_calls(const std::vector<dpdk::worker_report>& workers,
                          destination_index index) {
  return std::ranges::any_of(workers, [index](const dpdk::worker_report& worker) {
    return worker.destination_calls[index].load(std::memory_order_relaxed) != 0;
  });
}

void live_view::raise_status(const destination& d, std::string_view status,
                             const std::string& cause) {
  raise_(admin::status_event, status_told(d, status, cause));
}

void live_view::raise_status(const destination& d, bool enabled, const std::string& cause) {
  pauses_.erase(d.id);
  raise_status(d, enabled ? "enabled"sv : "disabled"sv, cause);
}

// The models and the snapshot that was built from them have the same order.
admin::destination_state live_view::state_at(std::size_t place,
                                             const std::vector<dpdk::worker_report>& workers) {
  const destination& d = runtime_.world().destinations[place];
  const destination_model& model = source_.destinations()[place];
  const operator_state& changes = source_.changes();
  const destination_status status = changes.status_at(place);
  admin::destination_state state{
      d.id, d.group, d.uri, status.enabled, !status.by_admin, model.attrs, model.description, {}};
  if (names_ && source_.has_name(place))
    if (const auto name = names_(d.uri)) add_name(state, d, *name);
  for (std::size_t r = 0; r < d.resources.size(); ++r) {
    const resource_model& resource = model.resources[r];
    admin::resource_state& shown = state.resources.emplace_back();
    shown.name = resource.label;
    shown.capacity = changes.capacity_at(place, r);
    shown.load = load(workers, d.resources[r].slot);
    if (!resource.heartbeat || !heartbeats_) continue;
    if (const auto report = heartbeats_(d.id, resource.name))
      shown.heartbeat = heartbeat::word_for(report->status);
  }
  for (const world_source::retired_resource& gone : source_.draining_resources(d.id))
    if (const std::int64_t held = load(workers, gone.slot); held != 0)
      state.resources.push_back({gone.model.label, 0, held, {}, true});
  state.paused_s = pauses_.left_s(d.id, pauses::clock::now());
  if (round_trip_us_) state.probe_round_trip_us = round_trip_us_(d.id);
  return state;
}

std::optional<admin::destination_state> live_view::destination_with(std::uint32_t id) {
  const destination* const found = find(id);
  if (!found) return std::nullopt;
  const auto place = static_cast<std::size_t>(found - runtime_.world().destinations.data());
  return state_at(place, reports());
}

std::vector<admin::destination_state> live_view::destinations() {
  const auto workers = reports();
  const std::size_t configured = runtime_.world().destinations.size();
  std::vector<admin::destination_state> all;
  all.reserve(configured);
  for (std::size_t i = 0; i < configured; ++i)
    all.push_back(state_at(i, workers));
  for (const world_source::retired& gone : source_.draining()) {
    admin::destination_state state{gone.model.id, gone.model.group, gone.model.uri,         false,
                                   false,         gone.model.attrs, gone.model.description, {}};
    state.draining = true;
    for (std::size_t r = 0; r < gone.slots.size(); ++r)
      state.resources.push_back({gone.model.resources[r].label, 0, load(workers, gone.slots[r])});
    // Those without calls wait for the next keep_house only.
    if (has_calls(workers, gone.index)) all.push_back(std::move(state));
  }
  return all;
}

int live_view::log_level() {
  return opensips_level(spdlog::get_level());
}

void live_view::set_log_level(int level) {
  spdlog::set_level(spdlog_level(level));
}

admin::call_list live_view::calls(const admin::call_query& wanted) {
  call_copies copies(wanted);
  runtime_.for_each_call(
      [&](worker_id worker, const call_info& call) { copies.take(worker, call); });
  call_copies::destination_ids ids;
  for (const destination& d : runtime_.world().destinations)
    ids.emplace(d.index, d.id);
  for (const world_source::retired& gone : source_.draining())
    ids.emplace(gone.index, gone.model.id);
  return copies.list(runtime_.now(), ids);
}

std::vector<admin::process_state> live_view::processes() {
  const int pid = ::getpid();
  std::vector<admin::process_state> all{{0, pid, "control"}};
  for (worker_id w = 0; w < runtime_.workers(); ++w)
    all.push_back({w + 1, pid, fmt::format("worker {}", w)});
  return all;
}

void live_view::set_enabled(std::uint32_t id, bool enabled, answering done) {
  const destination* found = find(id);
  if (!found) return done(tl::unexpected(change_fault::no_such_destination));
  if (!mail_.tell(status_mail(*found, enabled))) return done(tl::unexpected(change_fault::busy));
  const bool differs =
      source_.changes().status(id).enabled != enabled || pauses_.erase(id); // ended by this, too
  source_.changes().set_by_admin(id, enabled);
  if (differs) {
    spdlog::info("destination {} ({}) {} by an operator", id, found->uri,
                 enabled ? "enabled" : "disabled");
    raise_status(*found, enabled, "admin");
  }
  if (status_changed_) status_changed_(id);
  save_changes([done = std::move(done)] { done({}); });
}

void live_view::resize(std::uint32_t id, const std::string& name, std::int32_t capacity,
                       answering done) {
  const destination* found = find(id);
  if (!found) return done(tl::unexpected(change_fault::no_such_destination));
  // By its name, or as the list shows it, with what OpenSIPS has behind the name ("transc/b").
  const auto at = static_cast<std::size_t>(found - runtime_.world().destinations.data());
  const auto& models = source_.destinations()[at].resources;
  const auto one = std::ranges::find_if(
      models, [&](const resource_model& r) { return r.name == name || r.label == name; });
  if (one == models.end()) return done(tl::unexpected(change_fault::no_such_resource));
  mail m = from_control(mail_kind::resize);
  m.slot = found->resources[static_cast<std::size_t>(one - models.begin())].slot;
  m.value = capacity;
  if (!mail_.tell(m)) return done(tl::unexpected(change_fault::busy));
  const std::int32_t before = source_.changes().capacity(id, one->name);
  if (before != capacity)
    spdlog::info("destination {} ({}) takes {} calls of {}, {} before, by an operator{}", id,
                 found->uri, capacity, one->name, before,
                 one->heartbeat ? ", until its next heartbeat" : "");
  source_.changes().set_capacity(id, one->name, capacity);
  save_changes([done = std::move(done)] { done({}); });
}

void live_view::save_changes(std::function<void()> done) {
  if (!save_) return done();
  save_([this, done = std::move(done)](bool saved) {
    changes_saved_ = saved;
    done();
  });
}

live_view::outcome live_view::drain(bool on) {
  if (!draining_.ask(on, drainage::clock::now())) return tl::unexpected(change_fault::ending);
  return {};
}

bool live_view::resize_by_heartbeat(std::uint32_t id, const std::string& name,
                                    const heartbeat::heartbeats::sizing& size) {
  const destination* found = find(id);
  if (!found) return true;
  const auto& names = runtime_.world().resource_names;
  for (const linehunt::resource& r : found->resources) {
    if (names[r.name] != name) continue;
    mail m = from_control(mail_kind::resize);
    m.slot = r.slot;
    m.value = size(load(reports(), r.slot));
    const auto capacity = static_cast<std::int32_t>(m.value);
    if (capacity == source_.changes().capacity(id, name)) return true;
    if (!mail_.tell(m)) return false;
    source_.changes().set_by_heartbeat(id, name, capacity);
  }
  return true;
}

void live_view::on_paused(const event& raised) {
  const destination* const found = whom(raised);
  // Disabled since then, it does not come back when the pause is over.
  if (!found || !source_.changes().status(found->id).enabled) return;
  const std::uint64_t seconds = raised.subject;
  const auto now = pauses::clock::now();
  const bool is_new = pauses_.add(*found, now + std::chrono::seconds(seconds));
  if (!mail_.owe(pause_mail(*found, pauses_.left_s(found->id, now))))
    spdlog::error("a worker takes no mail at the moment; it hears later that destination {} pauses",
                  found->id);
  // Several workers may have seen it.
  if (!is_new) return;
  spdlog::warn("destination {} ({}) answered 503 with Retry-After: no new calls for {} s",
               found->id, found->uri, seconds);
  raise_status(*found, "paused"sv, fmt::format("Retry-After {}", seconds));
}

void live_view::on_reloaded() {
  for (const std::uint32_t id : pauses_.keep_of(runtime_.world().destinations))
    if (const destination* d = find(id); d && source_.changes().status(id).enabled)
      raise_status(*d, "enabled"sv, "reload");
  // Who comes back begins at 0.
  std::unordered_set<std::uint32_t> there;
  for (const destination& d : runtime_.world().destinations)
    there.insert(d.id);
  std::erase_if(moved_on_, [&](const auto& one) { return !there.contains(one.first); });
  save_changes();
}

void live_view::on_status_set_back(destination_index index, bool enabled) {
  if (const destination* const found = find_index(index)) raise_status(*found, enabled, "reload");
}

live_view::outcome live_view::end_call(const admin::call_state& call) {
  const auto name = read_call_name(call.id);
  if (!name) return tl::unexpected(change_fault::no_such_call);
  mail m = from_control(mail_kind::end_call);
  m.subject = name->second;
  if (!runtime_.send(static_cast<worker_id>(call.worker), m))
    return tl::unexpected(change_fault::busy);
  return {};
}

void live_view::on_failed(const event& raised) {
  const destination* const found = whom(raised);
  if (!found) return;
  const std::uint16_t cause = raised.cause;
  const std::chrono::milliseconds patience{runtime_.world().timers.fr_timeout_ms};
  if (cause == 408 && !could_be_heard(*found, patience)) {
    // Who has no probes would stay disabled when the link is up again.
    if (!source_.changes().status(found->id).enabled) return;
    mail_.owe(status_mail(*found, true));
    // Which ends a pause.
    if (const auto left_s = pauses_.left_s(found->id, pauses::clock::now()); left_s != 0)
      mail_.owe(pause_mail(*found, left_s));
    return;
  }
  spdlog::warn("destination {} ({}) failed with {}, disabled", found->id, found->uri, cause);
  const bool differs = source_.changes().status(found->id).enabled;
  source_.changes().set_usable(found->id, false);
  if (differs) raise_status(*found, false, fmt::format("failover {}", cause));
  if (status_changed_) status_changed_(found->id);
  if (!mail_.owe(status_mail(*found, false)))
    spdlog::error(
        "a worker takes no mail at the moment; it hears later that destination {} is disabled",
        found->id);
}

void live_view::on_probed(std::uint32_t id, bool enabled, std::uint16_t status) {
  const destination* found = find(id);
  const destination_status before = source_.changes().status(id);
  if (!found || before.by_admin || before.enabled == enabled) return;
  const std::chrono::milliseconds patience{reloading_.running().probing.timeout_ms};
  if (status == 0 && !enabled && (was_absent(patience) || !could_be_heard(*found, patience)))
    return;
  const std::string cause = status == 0 ? "probe timeout" : fmt::format("probe {}", status);
  // Nothing is said to have changed that workers do not know; the next probe says it again.
  if (!mail_.tell(status_mail(*found, enabled))) {
    spdlog::error("a worker takes no mail at the moment; the status of destination {} stays until "
                  "the next probe",
                  id);
    return;
  }
  spdlog::log(enabled ? spdlog::level::info : spdlog::level::warn, "destination {} ({}) {}: {}", id,
              found->uri, enabled ? "enabled" : "disabled", cause);
  source_.changes().set_usable(id, enabled);
  raise_status(*found, enabled, cause);
  if (status_changed_) status_changed_(id);
}

void live_view::report_reload(const reload_outcome& how) {
  if (how) {
    spdlog::info("configuration read again, {} destinations", source_.destinations().size());
    raise_(admin::reload_event, {{"result", "OK"}});
  } else {
    spdlog::error("the configuration stays as it was:\n{}", how.error());
    raise_(admin::reload_event, {{"result", "refused"}, {"data", how.error()}});
  }
}

void live_view::reload(std::function<void(reload_outcome)> done) {
  tell_reloading();
  reloading_.reload([this, done = std::move(done)](const reload_outcome& how) {
    tell_ready();
    reload_refused_ = !how;
    report_reload(how);
    done(how);
  });
}

std::string live_view::status_line() {
  const std::size_t all = runtime_.world().destinations.size();
  return fmt::format("{}, {} calls, {} of {} destinations enabled",
                     draining_.draining() ? "draining" : "serving", live_calls(runtime_),
                     all - source_.changes().disabled(), all);
}

// Silence says nothing where the link towards it is down, or has been while it was waited for.
bool live_view::could_be_heard(const destination& d, std::chrono::milliseconds waited) {
  look_at_links();
  const auto& listeners = runtime_.world().listeners;
  return d.listener >= listeners.size() ||
         links_.up_for(listeners[d.listener].port, waited, link_watch::clock::now());
}

// Neighbours may have forgotten where we are while a link was down, and switches too.
void live_view::look_at_links() {
  const auto ports = runtime_.ports();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const bool up = ports[i].link_up;
    if (!links_.note(i, up, link_watch::clock::now())) continue;
    if (up)
      spdlog::info("port {}: the link is up", ports[i].name);
    else
      spdlog::warn("port {}: the link is down", ports[i].name);
    raise_(admin::link_event, {{"port", ports[i].name}, {"status", up ? "up" : "down"}});
    if (up) runtime_.announce();
  }
  if (const auto line = devices_.look(ports)) {
    spdlog::critical("{}", *line);
    if (device_lost_) device_lost_();
  }
}

// Raises the event for calls that found no room since the last time.
void live_view::tell_refused(const std::vector<dpdk::worker_report>& workers) {
  const auto& names = runtime_.world().resource_names;
  std::map<std::pair<std::uint32_t, std::vector<std::string>>, std::uint64_t> now;
  std::uint64_t others = 0;
  for (const dpdk::worker_report& worker : workers) {
    if (!worker.engine) continue;
    others += worker.engine->no_capacity.others();
    worker.engine->no_capacity.visit([&](const auto& what, std::uint64_t calls) {
      std::vector<std::string> resources;
      for (std::size_t i = 0; i < what.resource_count; ++i)
        if (what.resources[i] < names.size()) resources.push_back(names[what.resources[i]]);
      now[{what.group, std::move(resources)}] += calls;
    });
  }
  json all = json::array();
  const std::uint64_t unnamed = others - std::exchange(no_capacity_others_, others);
  std::uint64_t sum = unnamed;
  for (const auto& [what, calls] : now) {
    const std::uint64_t fresh = calls - std::exchange(no_capacity_[what], calls);
    if (fresh == 0) continue;
    sum += fresh;
    all.push_back({{"group", what.first}, {"resources", what.second}, {"calls", fresh}});
  }
  if (sum == 0) return;
  json told{{"calls", sum}};
  told["for"] = std::move(all);
  if (unnamed != 0) told["others"] = unnamed;
  raise_(admin::capacity_event, told);
}

// Which destinations calls have left since the last time, and how many each.
json live_view::moved_on_since(const std::vector<dpdk::worker_report>& workers) {
  json from = json::array();
  for (const destination& d : runtime_.world().destinations) {
    std::uint64_t now = 0;
    for (const dpdk::worker_report& worker : workers)
      now += worker.post_dial_delays[d.index].moved_on.load(std::memory_order_relaxed);
    // Another destination may have had the number before, and its count.
    const std::uint64_t before = std::exchange(moved_on_[d.id], now);
    const std::uint64_t calls = now >= before ? now - before : now;
    if (calls != 0)
      from.push_back(
          {{"destination_id", d.id}, {"group", d.group}, {"uri", d.uri}, {"calls", calls}});
  }
  return from;
}

void live_view::look_at_workers(std::span<const std::uint64_t> loops) {
  if (progress_.standing(loops)) note_absence();
}

void live_view::keep_house() {
  if (!changes_saved_) save_changes();
  look_at_links();
  for (const std::uint32_t id : pauses_.take_over(pauses::clock::now()))
    if (const destination* d = find(id); d && source_.changes().status(id).enabled)
      raise_status(*d, "enabled"sv, "the pause is over");
  const auto workers = reports();
  // What is owed names numbers: none of them goes to another one before.
  if (mail_.deliver())
    source_.release_settled(
        [&](slot_index slot) { return load(workers, slot) != 0; },
        [&](destination_index index) { return has_calls(workers, index); },
        [this](std::vector<slot_index> unheld) { return runtime_.settled(std::move(unheld)); });
  tell_refused(workers);
  std::uint64_t failovers = 0;
  for (const dpdk::worker_report& worker : workers)
    if (worker.engine) failovers += worker.engine->failovers.load(std::memory_order_relaxed);
  if (failovers > failovers_)
    raise_(admin::failover_event,
           {{"calls", failovers - failovers_}, {"from", moved_on_since(workers)}});
  failovers_ = failovers;
  tell_elsewhere(workers);
}

// Once: whose hosts come by another way than their answers go has to know why they are not heard.
void live_view::tell_elsewhere(const std::vector<dpdk::worker_report>& workers) {
  constexpr auto dropped = static_cast<std::size_t>(verdict::dropped_other_link);
  if (told_elsewhere_ ||
      std::ranges::none_of(workers, [](const auto& w) { return w.verdicts[dropped] != 0; }))
    return;
  told_elsewhere_ = true;
  spdlog::warn("packets from an address of another port's network are dropped "
               "(dropped_other_link); if those hosts are to be heard here, write check_source = "
               "false into the [[port]] that they reach");
}

} // namespace linehunt
