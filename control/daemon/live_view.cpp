// SPDX-License-Identifier: Apache-2.0
// See live_view.h.
#include "control/daemon/live_view.h"

#include "control/daemon/statistics.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
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

// The mail may reach a worker twice; all that goes this way says how things shall be, so that does
// no harm.
bool live_view::tell_all(const mail& what) {
  constexpr int tries = 200;
  for (int i = 0; i < tries; ++i) {
    if (runtime_.send_to_all(what)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
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
    for (std::size_t r = 0; r < d.resources.size(); ++r) {
      std::int64_t load = 0;
      for (const dpdk::worker_report& worker : workers)
        if (worker.used) load += worker.used[d.resources[r].slot].load(std::memory_order_relaxed);
      const resource_model& resource = model.resources[r];
      state.resources.push_back(
          {resource.label, source_.changes().capacity(d.id, resource.name), load});
    }
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
  if (!tell_all(m)) return tl::unexpected(change_fault::busy);
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
  if (!tell_all(m)) return tl::unexpected(change_fault::busy);
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

void live_view::on_failed(destination_index index) {
  const auto& all = runtime_.world().destinations;
  const auto found = std::ranges::find(all, index, &destination::index);
  if (found == all.end()) return;
  source_.changes().set_by_failure(found->id);
  mail m = from_control(mail_kind::set_enabled);
  m.subject = index;
  m.value = 0;
  (void)tell_all(m); // the worker that saw it disabled it already; the next snapshot says it again
}

} // namespace linehunt
