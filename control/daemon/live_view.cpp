// SPDX-License-Identifier: Apache-2.0
// See live_view.h.
#include "control/daemon/live_view.h"

#include "control/daemon/statistics.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <thread>
#include <unistd.h>

namespace linehunt {
namespace {

using admin::change_fault;

mail from_control(mail_kind kind) {
  mail m;
  m.kind = kind;
  m.from = max_workers;
  return m;
}

} // namespace

const destination* live_view::find(std::uint32_t id) const noexcept {
  const auto& all = runtime_.world().destinations;
  const auto found = std::ranges::find(all, id, &destination::id);
  return found == all.end() ? nullptr : &*found;
}

std::vector<dpdk::worker_report> live_view::reports() const {
  std::vector<dpdk::worker_report> all;
  for (worker_id w = 0; w < runtime_.workers(); ++w)
    all.push_back(runtime_.report(w));
  return all;
}

bool tell_all(dpdk::runtime& runtime, const mail& what) {
  constexpr int tries = 200;
  for (int i = 0; i < tries; ++i) {
    if (runtime.send_to_all(what)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

std::int64_t live_view::load(const std::vector<dpdk::worker_report>& workers,
                             slot_index slot) const {
  std::int64_t total = 0;
  for (const dpdk::worker_report& worker : workers)
    if (worker.used) total += worker.used[slot].load(std::memory_order_relaxed);
  return total;
}

void live_view::raise_status(const destination& d, bool enabled, const std::string& cause) {
  raise_(admin::status_event, {{"group", d.group},
                               {"uri", d.uri},
                               {"destination_id", d.id},
                               {"status", enabled ? "enabled" : "disabled"},
                               {"cause", cause}});
}

std::vector<admin::destination_state> live_view::destinations() {
  const auto workers = reports();
  const snapshot& world = runtime_.world();
  std::vector<admin::destination_state> all;
  // The models and the snapshot that was built from them have the same order.
  for (std::size_t i = 0; i < world.destinations.size(); ++i) {
    const destination& d = world.destinations[i];
    const destination_model& model = source_.destinations()[i];
    const destination_status status = source_.changes().status(d.id);
    admin::destination_state state{
        d.id, d.group, d.uri, status.enabled, !status.by_admin, model.attrs, model.description, {}};
    for (std::size_t r = 0; r < d.resources.size(); ++r)
      state.resources.push_back({model.resources[r].label,
                                 source_.changes().capacity(d.id, model.resources[r].name),
                                 load(workers, d.resources[r].slot)});
    all.push_back(std::move(state));
  }
  for (const world_source::retired& gone : source_.draining()) {
    admin::destination_state state{gone.model.id, gone.model.group, gone.model.uri,         false,
                                   false,         gone.model.attrs, gone.model.description, {}};
    state.draining = true;
    for (std::size_t r = 0; r < gone.slots.size(); ++r)
      state.resources.push_back({gone.model.resources[r].label, 0, load(workers, gone.slots[r])});
    // Those without load wait for the next keep_house only.
    if (std::ranges::any_of(state.resources, [](const auto& r) { return r.load != 0; }))
      all.push_back(std::move(state));
  }
  return all;
}

std::vector<admin::statistic> live_view::statistics() {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  node_statistics node;
  node.generation = runtime_.world().generation;
  node.mbufs_in_use = runtime_.mbufs_in_use();
  node.uptime_s = static_cast<std::uint64_t>(duration_cast<seconds>(now() - started_at_).count());
  for (const destination& d : runtime_.world().destinations) {
    ++node.destinations;
    node.destinations_disabled += source_.changes().status(d.id).enabled ? 0 : 1;
  }
  return statistics_of(reports(), node);
}

std::vector<admin::call_state> live_view::calls() {
  std::vector<admin::call_state> all;
  const time_us now = runtime_.now();
  const auto& destinations = runtime_.world().destinations;
  // Runs on the workers, so it only copies.
  runtime_.for_each_call([&](worker_id worker, const call_info& call) {
    admin::call_state state;
    state.id = fmt::format("{}:{}", worker, call.handle);
    state.call_id = call.call_id;
    state.from_tag = call.from_tag;
    state.to_tag = call.to_tag;
    state.worker = worker;
    state.answered = call.answered;
    state.age_s =
        now > call.started_at ? static_cast<std::int64_t>((now - call.started_at) / 1'000'000) : 0;
    const auto found = std::ranges::find(destinations, call.destination, &destination::index);
    if (found != destinations.end()) state.destination = found->id;
    all.push_back(std::move(state));
  });
  return all;
}

std::vector<admin::process_state> live_view::processes() {
  const int pid = ::getpid();
  std::vector<admin::process_state> all{{0, pid, "control"}};
  for (worker_id w = 0; w < runtime_.workers(); ++w)
    all.push_back({w + 1, pid, fmt::format("worker {}", w)});
  return all;
}

live_view::outcome live_view::set_enabled(std::uint32_t id, bool enabled) {
  const destination* found = find(id);
  if (!found) return tl::unexpected(change_fault::no_such_destination);
  mail m = from_control(mail_kind::set_enabled);
  m.subject = found->index;
  m.value = enabled ? 1 : 0;
  if (!tell_all(runtime_, m)) return tl::unexpected(change_fault::busy);
  if (source_.changes().status(id).enabled != enabled) raise_status(*found, enabled, "admin");
  source_.changes().set_by_admin(id, enabled);
  return {};
}

live_view::outcome live_view::resize(std::uint32_t id, const std::string& name,
                                     std::int32_t capacity) {
  const destination* found = find(id);
  if (!found) return tl::unexpected(change_fault::no_such_destination);
  const auto& names = runtime_.world().resource_names;
  const auto one = std::ranges::find_if(found->resources,
                                        [&](const resource& r) { return names[r.name] == name; });
  if (one == found->resources.end()) return tl::unexpected(change_fault::no_such_resource);
  mail m = from_control(mail_kind::resize);
  m.slot = one->slot;
  m.value = capacity;
  if (!tell_all(runtime_, m)) return tl::unexpected(change_fault::busy);
  source_.changes().set_capacity(id, name, capacity);
  return {};
}

live_view::outcome live_view::end_call(const admin::call_state& call) {
  const std::size_t colon = call.id.find(':');
  std::uint64_t handle = 0;
  const char* end = call.id.data() + call.id.size();
  if (colon == std::string::npos ||
      std::from_chars(call.id.data() + colon + 1, end, handle).ptr != end)
    return tl::unexpected(change_fault::no_such_call);
  mail m = from_control(mail_kind::end_call);
  m.subject = handle;
  if (!runtime_.send(static_cast<worker_id>(call.worker), m))
    return tl::unexpected(change_fault::busy);
  return {};
}

void live_view::on_failed(destination_index index, std::uint16_t cause) {
  const auto& all = runtime_.world().destinations;
  const auto found = std::ranges::find(all, index, &destination::index);
  if (found == all.end()) return;
  spdlog::warn("destination {} ({}) failed with {}, disabled", found->id, found->uri, cause);
  if (source_.changes().status(found->id).enabled)
    raise_status(*found, false, fmt::format("failover {}", cause));
  source_.changes().set_by_failure(found->id);
  mail m = from_control(mail_kind::set_enabled);
  m.subject = index;
  m.value = 0;
  if (!tell_all(runtime_, m))
    spdlog::error("not every worker was told that destination {} is disabled", found->id);
}

tl::expected<void, std::string> live_view::reload() {
  auto done = reloading_.reload();
  if (done) {
    spdlog::info("configuration read again, {} destinations", source_.destinations().size());
    raise_(admin::reload_event, {{"result", "OK"}});
  } else {
    spdlog::error("the configuration stays as it was:\n{}", done.error());
    raise_(admin::reload_event, {{"result", "refused"}, {"data", done.error()}});
  }
  return done;
}

void live_view::keep_house() {
  const auto workers = reports();
  source_.release_unheld([&](slot_index slot) { return load(workers, slot) != 0; });
  std::uint64_t refused = 0, failovers = 0;
  for (const dpdk::worker_report& worker : workers) {
    refused += worker.verdicts[static_cast<std::size_t>(verdict::rejected_no_capacity)];
    if (worker.engine) failovers += worker.engine->failovers.load(std::memory_order_relaxed);
  }
  if (refused > refused_calls_)
    raise_(admin::capacity_event, {{"calls", refused - refused_calls_}});
  if (failovers > failovers_) raise_(admin::failover_event, {{"calls", failovers - failovers_}});
  refused_calls_ = refused;
  failovers_ = failovers;
}

} // namespace linehunt
