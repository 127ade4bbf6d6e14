// SPDX-License-Identifier: Apache-2.0
// See snapshot_source.h.
#include "control/config/snapshot_source.h"

#include "control/config/sections.h"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <string_view>
#include <vector>

namespace linehunt::config {
namespace {

// A listener whose own address is on the network goes first, since the snapshot keeps the order of
// routes with equal prefixes.
void add_routes(const configuration& whole, std::vector<route>& routes) {
  std::vector<route> other;
  for (std::size_t i = 0; i < whole.listeners.size(); ++i) {
    const listen_entry& listen = whole.listeners[i];
    const auto index = static_cast<listener_index>(i);
    const auto port = port_index(whole, listen.port);
    if (!port) continue;
    const dpdk::port_setup& setup = whole.runtime.ports[*port];
    for (const dpdk::port_address& own : setup.addresses) {
      if (own.ip.is_v6 != listen.local.ip.is_v6) continue;
      const ip_prefix net{own.ip, own.prefix_bits};
      (net.contains(listen.local.ip) ? routes : other).push_back({net, index});
    }
    for (const ip_address& gateway : setup.gateways) {
      ip_prefix everything;
      everything.ip.is_v6 = gateway.is_v6;
      if (gateway.is_v6 == listen.local.ip.is_v6) other.push_back({everything, index});
    }
  }
  routes.insert(routes.end(), other.begin(), other.end());
}

// Some messages of Hyperscan are sentences, and ours go on.
std::string_view without_stop(std::string_view message) noexcept {
  if (message.ends_with('.')) message.remove_suffix(1);
  return message;
}

} // namespace

snapshot_model snapshot_source(const configuration& whole) {
  snapshot_model model;
  model.workers = whole.runtime.workers;
  model.timers = whole.timers;
  model.overload = whole.overload;
  model.user_agent = whole.user_agent;
  model.probe_method = whole.probing.method;
  model.probe_from = whole.probing.from;
  for (const listen_entry& listen : whole.listeners) {
    listener one;
    one.local = listen.local;
    one.outside = listen.advertise;
    one.names = listen.names;
    one.port = static_cast<std::uint8_t>(port_index(whole, listen.port).value_or(0));
    model.listeners.push_back(std::move(one));
  }
  add_routes(whole, model.routes);
  for (const destination_entry& d : whole.destinations)
    model.destinations.push_back(d.model);
  for (const rule_entry& rule : whole.rules)
    model.rules.push_back(rule.model);
  model.patterns = whole.patterns;
  return model;
}

void place_errors(const std::vector<build_error>& errors, const configuration& whole,
                  diagnostics& out) {
  for (const build_error& e : errors) {
    switch (e.where) {
    case build_error::part::destination:
      out.error(whole.destinations[e.index].at,
                fmt::format("{} {}", whole.destinations[e.index].origin, e.message));
      break;
    case build_error::part::listener:
      out.error(whole.listeners[e.index].at, fmt::format("[[listen]] {}", e.message));
      break;
    case build_error::part::rule: {
      const rule_entry& rule = whole.rules[e.index];
      const bool known = e.condition < rule.condition_at.size();
      out.error(known ? rule.condition_at[e.condition] : rule.at,
                fmt::format("[[rule]] {}; mend the {}", without_stop(e.message),
                            known ? "pattern" : "rule"));
      break;
    }
    }
  }
}

void check_snapshot(configuration& whole, diagnostics& out) {
  index_book scratch(whole.runtime.limits.max_destinations, whole.runtime.limits.max_slots);
  std::vector<build_error> errors;
  const auto built = build_snapshot(snapshot_source(whole), scratch, errors);
  if (built) whole.patterns = built->rules->patterns();
  // Where something is wrong already, the builder may only say what follows from it.
  const bool failed = out.failed();
  const auto first_broken = std::ranges::find_if(whole.rules, &rule_entry::broken);
  const auto intact = static_cast<std::size_t>(first_broken - whole.rules.begin());
  std::erase_if(errors, [&](const build_error& e) {
    if (e.where != build_error::part::rule) return failed;
    // A rule before it may be one that adds what it asks for.
    return e.condition == compiled_rules::whole_rule && e.index >= intact;
  });
  place_errors(errors, whole, out);
}

} // namespace linehunt::config
