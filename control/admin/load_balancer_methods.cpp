// SPDX-License-Identifier: Apache-2.0
// lb_list, lb_status, lb_resize: shapes and errors as OpenSIPS gives them.
#include "control/admin/methods.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace linehunt::admin {
namespace {

constexpr std::size_t listed_at_once = 200; // some ten milliseconds

rpc_error worded(change_fault fault) {
  switch (fault) {
  case change_fault::no_such_destination:
    return {404, "Destination ID not found", {}};
  case change_fault::no_such_resource:
    return {404, "Destination has no such resource", {}};
  case change_fault::no_such_call:
    return {404, "Requested Dialog not found", {}};
  case change_fault::ending:
  case change_fault::busy:
    break;
  }
  return {503, "Workers are busy", "the change was not made; try again"};
}

json shown(const destination_state& d) {
  json resources = json::array();
  for (const resource_state& r : d.resources) {
    json one = {{"name", r.name}, {"max", r.capacity}, {"load", r.load}};
    if (!r.heartbeat.empty()) one["heartbeat"] = r.heartbeat;
    if (r.draining) one["draining"] = true;
    resources.push_back(std::move(one));
  }
  json out = {{"uri", d.uri},
              {"id", d.id},
              {"group", d.group},
              {"enabled", d.enabled ? "yes" : "no"},
              {"auto-reenable", d.auto_reenable ? "on" : "off"},
              {"Resources", std::move(resources)}};
  if (!d.attrs.empty()) out["attrs"] = d.attrs;
  if (!d.description.empty()) out["description"] = d.description;
  if (!d.addresses.empty()) out["addresses"] = d.addresses;
  if (!d.unresolved.empty()) out["unresolved"] = d.unresolved;
  if (!d.stale.empty()) out["stale"] = d.stale;
  if (d.paused_s != 0) out["paused"] = d.paused_s;
  if (d.draining) out["draining"] = true;
  return out;
}

// A number that no destination can have is one that is not there.
tl::expected<std::uint32_t, rpc_error> destination_id(const parameters& given) {
  const auto number = given.integer("destination_id");
  if (!number) return tl::unexpected(number.error());
  if (*number < 0 || *number > std::numeric_limits<std::uint32_t>::max())
    return tl::unexpected(worded(change_fault::no_such_destination));
  return static_cast<std::uint32_t>(*number);
}

// As they are when the first piece is written, however long the others take.
writing list(const parameters&, daemon_view& daemon) {
  return [&daemon, all = std::vector<destination_state>{},
          next = std::size_t{0}](std::string& text) mutable {
    if (next == 0) {
      all = daemon.destinations();
      text = R"({"Destinations":[)";
    }
    for (const std::size_t end = std::min(all.size(), next + listed_at_once); next < end; ++next)
      text.append(next == 0 ? "" : ",").append(text_of(shown(all[next])));
    if (next < all.size()) return true;
    text += "]}";
    return false;
  };
}

using answering = std::function<void(rpc_answer)>;

daemon_view::answering told_to(answering done) {
  return [done = std::move(done)](const daemon_view::outcome& how) {
    if (how)
      done("OK");
    else
      done(tl::unexpected(worded(how.error())));
  };
}

rpc_answer status_of(std::uint32_t id, daemon_view& daemon) {
  const auto found = daemon.destination_with(id);
  // One that drains cannot be set any more either.
  if (!found) return tl::unexpected(worded(change_fault::no_such_destination));
  json answer = {{"enable", found->enabled ? "yes" : "no"}};
  if (!found->attrs.empty()) answer["attrs"] = found->attrs;
  return answer;
}

void status(const parameters& given, daemon_view& daemon, answering done) {
  const auto id = destination_id(given);
  if (!id) return done(tl::unexpected(id.error()));
  if (!given.has("new_status")) return done(status_of(*id, daemon));
  const auto wanted = given.integer("new_status");
  if (!wanted) return done(tl::unexpected(wanted.error()));
  daemon.set_enabled(*id, *wanted != 0, told_to(std::move(done)));
}

void resize(const parameters& given, daemon_view& daemon, answering done) {
  const auto id = destination_id(given);
  if (!id) return done(tl::unexpected(id.error()));
  const auto resource = given.text("res_name");
  if (!resource) return done(tl::unexpected(resource.error()));
  const auto capacity = given.integer("new_capacity");
  if (!capacity) return done(tl::unexpected(capacity.error()));
  if (*capacity < 0 || *capacity > std::numeric_limits<std::int32_t>::max())
    return done(tl::unexpected(invalid_params("new_capacity must be from 0 to 2147483647")));
  daemon.resize(*id, *resource, static_cast<std::int32_t>(*capacity), told_to(std::move(done)));
}

void reload(const parameters&, daemon_view& daemon, answering done) {
  daemon.reload([done = std::move(done)](daemon_view::reload_outcome outcome) {
    if (outcome)
      done("OK");
    else
      done(tl::unexpected(rpc_error{500, "Failed to reload", outcome.error()}));
  });
}

} // namespace

std::vector<method> load_balancer_methods() {
  return {
      {"lb_list", "load_balancer:list", {{}}, false, nullptr, false, nullptr, false, list},
      {"lb_status",
       "load_balancer:status",
       {{"destination_id"}, {"destination_id", "new_status"}},
       false,
       nullptr,
       false,
       status},
      {"lb_resize",
       "load_balancer:resize",
       {{"destination_id", "res_name", "new_capacity"}},
       false,
       nullptr,
       false,
       resize},
      {"lb_reload", "load_balancer:reload", {{}}, false, nullptr, false, reload},
  };
}

} // namespace linehunt::admin
