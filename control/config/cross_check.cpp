// SPDX-License-Identifier: Apache-2.0
// What no section of the configuration sees alone.
#include "control/config/sections.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

namespace linehunt::config {
namespace {

// Operators name the files of captures, and shall not take the names of others.
void check_folders(const configuration& whole, diagnostics& out) {
  const std::filesystem::path captures = whole.admin.capture_dir;
  const std::filesystem::path copy = std::filesystem::path(whole.database.copy).parent_path();
  if (captures.empty()) return;
  for (const auto& [folder, whose] :
       {std::pair{std::filesystem::path(whole.service.state_dir), "state_dir of [service]"},
        std::pair{copy, "the copy of [database]"}})
    if (!folder.empty() && captures.lexically_normal() / "" == folder.lexically_normal() / "")
      out.error({}, fmt::format("[admin] capture_dir {} is the folder of {}; give captures one of "
                                "their own, for example {}/captures",
                                captures.string(), whose, captures.string()));
}

void check_copies_of_calls(const configuration& whole, diagnostics& out) {
  const service_settings& s = whole.service;
  if (out.failed()) return; // of one that is wrong, this is the default
  if (!s.state_dir.empty() && s.calls_valid_s != 0 && s.calls_copied_every_s >= s.calls_valid_s)
    out.warning({},
                fmt::format("[service] calls_copied_every_s {} is not less than calls_valid_s {}, "
                            "so that a crash may find no copy that is valid; lower the first",
                            s.calls_copied_every_s, s.calls_valid_s));
}

void check_ports(const configuration& whole, diagnostics& out) {
  if (whole.runtime.ports.empty() && !whole.broken.ports)
    out.error({}, "no [[port]]; write at least one, with its device and addresses");
  std::map<std::string, place> names, devices;
  std::map<ip_address, place> addresses;
  for (std::size_t i = 0; i < whole.runtime.ports.size(); ++i) {
    const dpdk::port_setup& port = whole.runtime.ports[i];
    const place at = whole.port_entries[i].at;
    if (!port.name.empty() && !names.emplace(port.name, at).second)
      out.error(
          at, fmt::format("[[port]] a second port named '{}'; give each its own name", port.name));
    if (!port.device.empty() && !devices.emplace(port.device, at).second)
      out.error(at, fmt::format("[[port]] device '{}' is used by two ports; name another device",
                                port.device));
    for (const dpdk::port_address& own : port.addresses)
      if (!addresses.emplace(own.ip, at).second)
        out.error(at, fmt::format("[[port]] address {} stands in two places; keep one",
                                  std::string_view{to_text(own.ip)}));
  }
}

// A [[listen]] of which the port is not found.
void say_no_port(const configuration& whole, const listen_entry& listen, diagnostics& out) {
  const auto& ports = whole.runtime.ports;
  // One without a name is reported, and may be the one that is meant.
  if (ports.empty() || std::ranges::find(ports, "", &dpdk::port_setup::name) != ports.end()) return;
  std::string known;
  for (const dpdk::port_setup& p : ports)
    known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", p.name);
  out.error(
      listen.port_at,
      listen.port.empty()
          ? fmt::format("[[listen]] has no 'port', and there are several ports; write one of "
                        "{}",
                        known)
          : fmt::format("[[listen]] port '{}' is unknown; write one of {}", listen.port, known));
}

void check_listeners(const configuration& whole, diagnostics& out) {
  if (whole.listeners.empty() && !whole.broken.listeners)
    out.error({}, "no [[listen]]; write at least one, with an address of a port");
  std::set<endpoint> seen;
  for (const listen_entry& listen : whole.listeners) {
    const std::string text{to_text(listen.local)};
    if (!seen.insert(listen.local).second)
      out.error(listen.at, fmt::format("[[listen]] {} is there twice; keep one", text));
    const auto index = port_index(whole, listen.port);
    if (!index) {
      say_no_port(whole, listen, out);
      continue;
    }
    const dpdk::port_setup& port = whole.runtime.ports[*index];
    if (!whole.port_entries[*index].broken &&
        std::ranges::find(port.addresses, listen.local.ip, &dpdk::port_address::ip) ==
            port.addresses.end())
      out.error(listen.address_at,
                fmt::format("[[listen]] {} is no address of port '{}'; add it to the port's "
                            "'addresses' or listen on one of them",
                            std::string_view{to_text(listen.local.ip)}, port.name));
  }
}

// The kernel opens these, and must not have the address of a port: it would answer beside us.
void check_ways_in(const configuration& whole, diagnostics& out) {
  struct way_in {
    std::string_view key;
    const std::optional<endpoint>& address;
    place at;
  };
  const admin_settings& admin = whole.admin;
  for (const way_in& way : {way_in{"http", admin.http, admin.http_at},
                            way_in{"metrics", admin.metrics, admin.metrics_at}})
    for (const dpdk::port_setup& port : whole.runtime.ports)
      if (way.address && std::ranges::find(port.addresses, way.address->ip,
                                           &dpdk::port_address::ip) != port.addresses.end())
        out.error(way.at, fmt::format("[admin] {} {} is an address of port '{}', which the kernel "
                                      "does not have; write one of the machine's own, such as "
                                      "127.0.0.1 or that of a management network",
                                      way.key, std::string_view{to_text(*way.address)}, port.name));
}

// Whether a listener of the right family stands on a port from which `ip` can be reached.
bool reachable(const configuration& whole, const ip_address& ip) {
  if (whole.listeners.empty() || whole.broken.listeners) return true; // reported, as below
  return std::ranges::any_of(whole.listeners, [&](const listen_entry& listen) {
    const auto index = port_index(whole, listen.port);
    if (!index || whole.port_entries[*index].broken) return true; // once mended it may well be
    if (listen.local.ip.is_v6 != ip.is_v6) return false;
    const dpdk::port_setup& port = whole.runtime.ports[*index];
    return std::ranges::any_of(port.addresses,
                               [&](const dpdk::port_address& own) {
                                 return ip_prefix{own.ip, own.prefix_bits}.contains(ip);
                               }) ||
           std::ranges::any_of(
               port.gateways, [&](const ip_address& gateway) { return gateway.is_v6 == ip.is_v6; });
  });
}

// Also where there is no listener at all, which is reported.
bool has_listener_like(const configuration& whole, const ip_address& ip) {
  return whole.listeners.empty() ||
         std::ranges::any_of(whole.listeners, [&](const listen_entry& listen) {
           return listen.local.ip.is_v6 == ip.is_v6;
         });
}

// The port on whose network that is the broadcast address.
const dpdk::port_setup* broadcast_of(const configuration& whole, const ip_address& ip) {
  const auto found = std::ranges::find_if(whole.runtime.ports, [&](const dpdk::port_setup& port) {
    return std::ranges::any_of(port.addresses, [&](const dpdk::port_address& own) {
      return ip_prefix{own.ip, own.prefix_bits}.is_broadcast(ip);
    });
  });
  return found == whole.runtime.ports.end() ? nullptr : &*found;
}

void check_reach(const configuration& whole, const endpoint& target, place at, std::string_view who,
                 diagnostics& out) {
  if (target.port == 0) return; // reported where it stands, or a name
  if (std::ranges::find(whole.listeners, target, &listen_entry::local) != whole.listeners.end())
    out.error(at, fmt::format("{} {} is linehunt itself; write the address of another host", who,
                              std::string_view{to_text(target)}));
  else if (const dpdk::port_setup* port = broadcast_of(whole, target.ip))
    out.error(at, fmt::format("{} {} is the broadcast address of a network of port '{}'; write the "
                              "address of one host",
                              who, std::string_view{to_text(target.ip)}, port->name));
  else if (!whole.broken.listeners && !has_listener_like(whole, target.ip))
    out.error(at, fmt::format("{} {} cannot be reached, since no [[listen]] has an {} address; add "
                              "one",
                              who, std::string_view{to_text(target.ip)},
                              target.ip.is_v6 ? "IPv6" : "IPv4"));
  else if (!reachable(whole, target.ip))
    out.error(at, fmt::format("{} {} cannot be reached from any [[listen]]; add a gateway to its "
                              "port, or an address on that network",
                              who, std::string_view{to_text(target.ip)}));
}

std::string where_is(const destination_entry& d) {
  return d.at.line != 0 ? fmt::format("in line {}", d.at.line) : d.origin;
}

// Where there are some of which something is not known, any group and resource may be theirs.
bool all_destinations_known(const configuration& whole) {
  return !whole.destinations.empty() && whole.database.url.empty() && !whole.broken.destinations;
}

void check_group(const configuration& whole, std::uint32_t group, place at, diagnostics& out) {
  if (!all_destinations_known(whole)) return;
  if (std::ranges::none_of(whole.destinations,
                           [&](const destination_entry& d) { return d.model.group == group; }))
    out.error(at, fmt::format("[[rule]] group {} has no destinations; write the group of one of "
                              "the [[destination]] tables",
                              group));
}

bool offered(const configuration& whole, std::string_view name) {
  for (const destination_entry& d : whole.destinations)
    for (const resource_model& r : d.model.resources)
      if (r.name == name) return true;
  return false;
}

// Whether each call that comes to a rule without resources has come by one that adds some: one that
// holds for all, or by the same conditions. Where none adds any, that is an error told elsewhere.
void check_adds(const configuration& whole, std::size_t balancing, diagnostics& out) {
  const rule_entry& rule = whole.rules[balancing];
  if (!rule.model.resources.empty()) return;
  bool some_add = false;
  for (std::size_t i = 0; i < balancing; ++i) {
    if (whole.rules[i].broken) return;
    const rule_model& before = whole.rules[i].model;
    if (before.action != rule_action::add) continue;
    if (before.conditions.empty() || before.conditions == rule.model.conditions) return;
    some_add = true;
  }
  if (some_add)
    out.warning(rule.at, "[[rule]] balances calls that need no resource where no 'add' before it "
                         "holds, and those go to the first destination of the group, full or not; "
                         "write 'resources', or narrow 'match' if the rules before leave some out");
}

void check_rules(const configuration& whole, diagnostics& out) {
  if (whole.rules.empty() && !whole.broken.rules)
    out.warning({}, "no [[rule]]; every call will be answered 404");
  if (whole.destinations.empty() && whole.database.url.empty() && !out.failed())
    out.warning({}, "no [[destination]]; no call can be placed");
  for (std::size_t n = 0; n < whole.rules.size(); ++n) {
    const rule_entry& rule = whole.rules[n];
    if (rule.broken) continue;
    if (rule.model.action == rule_action::balance) {
      check_group(whole, rule.model.group, rule.group_at, out);
      check_adds(whole, n, out);
    }
    for (const rule_condition& condition : rule.model.conditions)
      if (condition.field == rule_field::from_destination && condition.group != 0)
        check_group(whole, condition.group, rule.from_group_at, out);
    if (rule.model.action == rule_action::forward)
      check_reach(whole, rule.model.target, rule.target_at, "[[rule]] forward to", out);
    for (std::size_t i = 0; i < rule.model.resources.size(); ++i)
      if (all_destinations_known(whole) && !offered(whole, rule.model.resources[i]))
        out.warning(rule.resource_at[i],
                    fmt::format("[[rule]] resource '{}' is offered by no destination; calls that "
                                "need it will be {}",
                                rule.model.resources[i],
                                rule.model.action == rule_action::forward ? "forwarded uncounted"
                                                                          : "refused"));
  }
}

} // namespace

void check_destination(const configuration& whole, const destination_entry& d,
                       std::map<std::uint32_t, std::string>& ids, diagnostics& out) {
  if (const auto [first, fresh] = ids.emplace(d.model.id, where_is(d)); !fresh)
    out.error(d.at, fmt::format("{} a second one with id {}, the first is {}; give each its own id",
                                d.origin, d.model.id, first->second));
  for (const endpoint& address : d.model.addresses)
    check_reach(whole, address, d.uri_at, fmt::format("{} {}", d.origin, d.model.id), out);
}

void check_destinations(const configuration& whole, diagnostics& out) {
  std::map<std::uint32_t, std::string> ids;
  std::size_t slots = 0;
  for (const destination_entry& d : whole.destinations) {
    check_destination(whole, d, ids, out);
    slots += d.model.resources.size();
  }
  const engine_limits& limits = whole.runtime.limits;
  if (whole.destinations.size() > limits.max_destinations)
    out.error({}, fmt::format("{} destinations, [limits] allows {}; write [limits] destinations = "
                              "{}",
                              whole.destinations.size(), limits.max_destinations,
                              whole.destinations.size()));
  if (slots > limits.max_slots)
    out.error({}, fmt::format("{} resources of destinations, [limits] allows {}; write [limits] "
                              "slots = {}",
                              slots, limits.max_slots, slots));
}

// Some divide a box on purpose.
void check_places(const configuration& whole, std::size_t first, diagnostics& out) {
  std::map<std::pair<std::uint32_t, endpoint>, std::uint32_t> places;
  for (std::size_t i = 0; i < whole.destinations.size(); ++i) {
    const destination_entry& d = whole.destinations[i];
    for (const endpoint& address : d.model.addresses)
      if (const auto [there, fresh] = places.emplace(std::pair{d.model.group, address}, d.model.id);
          !fresh && i >= first)
        out.warning(d.uri_at,
                    fmt::format("{} {} has the address of {}, {}, in the same group: that "
                                "box gets the calls of both, and those that it makes count "
                                "on {}; mend the address, or write one with all resources",
                                d.origin, d.model.id, there->second,
                                std::string_view{to_text(address)}, there->second));
  }
}

std::optional<std::size_t> port_index(const configuration& whole, const std::string& name) {
  const auto& ports = whole.runtime.ports;
  if (name.empty()) return ports.size() == 1 ? std::optional<std::size_t>{0} : std::nullopt;
  const auto found = std::ranges::find(ports, name, &dpdk::port_setup::name);
  if (found == ports.end()) return std::nullopt;
  return static_cast<std::size_t>(found - ports.begin());
}

void cross_check(const configuration& whole, diagnostics& out) {
  check_ports(whole, out);
  check_listeners(whole, out);
  check_ways_in(whole, out);
  check_destinations(whole, out);
  check_rules(whole, out);
  check_folders(whole, out);
  check_copies_of_calls(whole, out);
}

} // namespace linehunt::config
