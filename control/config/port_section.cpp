// SPDX-License-Identifier: Apache-2.0
// [[port]] and [[listen]]: network ports with their addresses, and where SIP is served.
#include "control/config/sections.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr std::uint16_t default_sip_port = 5060;

// No host has the lowest address (RFC 1122 3.2.1.3), but in a network of two (RFC 3021).
bool is_network_itself(const ip_prefix& prefix) {
  if (prefix.ip.is_v6 || prefix.length_bits > 30) return false;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number = number << 8 | prefix.ip.bytes[i];
  return (number & (~std::uint32_t{0} >> prefix.length_bits)) == 0;
}

// Whether all of them are known.
bool read_addresses(table_reader& section, dpdk::port_setup& port, diagnostics& out) {
  std::vector<placed_text> texts;
  if (!section.read("addresses", texts)) return false;
  if (texts.empty())
    section.error("addresses",
                  "'addresses' is empty; write at least one, such as \"192.0.2.1/24\"");
  for (const placed_text& item : texts) {
    const auto prefix = parse_prefix(item.text);
    if (!prefix || item.text.find('/') == std::string::npos) {
      out.error(item.at, fmt::format("[[port]] '{}' is no address with a prefix length; write for "
                                     "example \"192.0.2.1/24\" or \"2001:db8::1/64\"",
                                     item.text));
    } else if (prefix->ip.is_unspecified()) {
      out.error(item.at, fmt::format("[[port]] '{}' is no address of a host; write the address "
                                     "that the port shall have",
                                     item.text));
    } else if (prefix->ip.is_unicast() && is_network_itself(*prefix)) {
      out.error(item.at, fmt::format("[[port]] '{}' is the network itself; write the address that "
                                     "the port shall have in it",
                                     item.text));
    } else if (!prefix->ip.is_unicast() || prefix->is_broadcast(prefix->ip)) {
      out.error(item.at, fmt::format("[[port]] '{}' is no address of one host, but a broadcast, "
                                     "multicast or reserved one; write the address that the port "
                                     "shall have",
                                     item.text));
    } else {
      port.addresses.push_back({prefix->ip, prefix->length_bits});
    }
  }
  return !texts.empty() && port.addresses.size() == texts.size();
}

void read_gateways(table_reader& section, dpdk::port_setup& port, bool has_all_addresses,
                   diagnostics& out) {
  std::vector<placed_text> texts;
  section.read("gateways", texts);
  bool seen_v4 = false, seen_v6 = false;
  for (const placed_text& item : texts) {
    const auto ip = parse_ip(item.text);
    if (!ip) {
      out.error(item.at, fmt::format("[[port]] gateway '{}' is no IP address; write for example "
                                     "\"192.0.2.254\"",
                                     item.text));
      continue;
    }
    bool on_network = false, is_own = false, is_host = ip->is_unicast();
    for (const dpdk::port_address& own : port.addresses) {
      const ip_prefix network{own.ip, own.prefix_bits};
      on_network = on_network || network.contains(*ip);
      is_own = is_own || own.ip == *ip;
      is_host = is_host && !network.is_broadcast(*ip) &&
                !(network.contains(*ip) && is_network_itself({*ip, own.prefix_bits}));
    }
    if (on_network && !is_host)
      out.error(item.at, fmt::format("[[port]] gateway {} is no address of one host; write that of "
                                     "the router",
                                     item.text));
    if (is_own)
      out.error(item.at, fmt::format("[[port]] gateway {} is the port's own address; write that of "
                                     "the router, or leave 'gateways' out",
                                     item.text));
    // A link-local gateway is on every IPv6 link (RFC 4291 2.5.6).
    const bool link_local = ip->is_v6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
    if (!on_network && !link_local && has_all_addresses)
      out.error(item.at, fmt::format("[[port]] gateway {} is on none of the port's networks; write "
                                     "one that 'addresses' covers",
                                     item.text));
    bool& seen = ip->is_v6 ? seen_v6 : seen_v4;
    if (seen)
      out.error(item.at, fmt::format("[[port]] a second gateway of the same family, {}; keep one",
                                     item.text));
    seen = true;
    port.gateways.push_back(*ip);
  }
}

void read_checksum(table_reader& section, dpdk::port_setup& port) {
  std::string mode;
  if (!section.read("checksum", mode)) return;
  if (mode == "auto")
    port.checksum = dpdk::checksum_mode::automatic;
  else if (mode == "software")
    port.checksum = dpdk::checksum_mode::software;
  else if (mode == "offload")
    port.checksum = dpdk::checksum_mode::offload;
  else
    section.error("checksum", fmt::format("checksum '{}' is unknown; write auto, software or "
                                          "offload",
                                          mode));
}

void check_device(table_reader& section, const dpdk::port_setup& port, const device_check& check) {
  if (const auto fault = misspelling(port.device))
    section.error("device", *fault);
  else if (const auto missing = check(port))
    section.error("device", missing->message);
}

} // namespace

void read_ports(table_reader& root, configuration& into, const device_check& check,
                diagnostics& out) {
  const std::size_t errors_before_all = out.error_count();
  for (const toml::table* table : root.tables("port")) {
    table_reader section(*table, "[[port]]", out);
    const std::size_t errors_before = out.error_count();
    dpdk::port_setup port;
    port_entry entry;
    entry.at = section.at("device");
    section.require("name", "name = \"access\"");
    section.require("device", "device = \"net_af_xdp0,iface=eth1\"");
    section.require("addresses", "addresses = [\"192.0.2.1/24\"]");
    if (section.read("name", port.name) && port.name.empty())
      section.error("name", "'name' is empty; write a short name, such as \"access\"");
    const bool has_device = section.read("device", port.device);
    section.read("mtu", port.mtu_bytes, 576, 9600);
    section.read("vlan", port.vlan, 0, 4094);
    read_checksum(section, port);
    const bool has_all_addresses = read_addresses(section, port, out);
    read_gateways(section, port, has_all_addresses, out);
    section.read("check_source", port.check_source);
    section.read("rx_descriptors", port.rx_descriptors, 64, 32768);
    section.read("tx_descriptors", port.tx_descriptors, 64, 32768);
    section.finish();
    entry.broken = out.error_count() != errors_before;
    if (has_device) check_device(section, port, check);
    into.port_entries.push_back(entry);
    into.runtime.ports.push_back(std::move(port));
  }
  into.broken.ports = out.error_count() != errors_before_all;
}

namespace {

void read_advertise(table_reader& section, listen_entry& entry, bool has_address) {
  std::string text;
  if (!section.read("advertise", text)) return;
  entry.advertise = parse_endpoint(text, default_sip_port);
  if (!entry.advertise)
    section.error("advertise", fmt::format("'{}' is no address; write for example \"203.0.113.5\", "
                                           "or with a port",
                                           text));
  else if (has_address && entry.advertise->ip.is_v6 != entry.local.ip.is_v6)
    section.error("advertise",
                  "'advertise' is of another family than 'address'; both must be IPv4, or both "
                  "IPv6");
  else if (entry.advertise->port == 0)
    section.error("advertise", fmt::format("'{}' has port 0, which nobody can send to; write the "
                                           "port that the NAT forwards, or leave it out for {}",
                                           text, default_sip_port));
  else if (!entry.advertise->ip.is_unicast())
    section.error("advertise",
                  fmt::format("'{}' is no address of one host; write the one under which others "
                              "reach us, for example \"203.0.113.5\"",
                              text));
}

void read_names(table_reader& section, listen_entry& entry, diagnostics& out) {
  std::vector<placed_text> names;
  section.read("names", names);
  for (const placed_text& name : names) {
    std::string& added = entry.names.emplace_back(name.text);
    std::ranges::transform(added, added.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool good = !added.empty() && std::ranges::all_of(added, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '.';
    });
    if (!good || parse_ip(added))
      out.error(name.at, fmt::format("[[listen]] name '{}' is no host name; write for example "
                                     "\"lb.example.net\"",
                                     name.text));
  }
}

} // namespace

void read_listeners(table_reader& root, configuration& into, diagnostics& out) {
  const std::size_t errors_before_all = out.error_count();
  const auto tables = root.tables("listen");
  into.broken.listeners = out.error_count() != errors_before_all;
  for (const toml::table* table : tables) {
    const std::size_t errors_before = out.error_count();
    table_reader section(*table, "[[listen]]", out);
    listen_entry entry;
    entry.at = section.at();
    entry.address_at = section.at("address");
    entry.port_at = section.at("port");
    entry.local.port = default_sip_port;
    section.require("address", "address = \"192.0.2.1\"");
    std::string text;
    std::optional<ip_address> ip;
    if (section.read("address", text)) {
      ip = parse_ip(text);
      if (ip) entry.local.ip = *ip;
      if (ip && ip->is_unspecified())
        section.error("address", fmt::format("'{}' is no address of one host; write one of the "
                                             "port's own, and a [[listen]] for each",
                                             text));
      else if (!ip)
        section.error("address",
                      fmt::format("'{}' is no IP address; write one of the port's own, and its UDP "
                                  "port, if it is not 5060, as sip_port",
                                  text));
    }
    const toml::node* port = section.node("port");
    if (port != nullptr && port->is_integer())
      section.error("port", "'port' is a number, and is to name a [[port]]; write the UDP port as "
                            "sip_port");
    else
      section.read("port", entry.port);
    section.read("sip_port", entry.local.port, 1, 65535);
    // Where it is does not hang on how it is called.
    const std::size_t errors_of_place = out.error_count() - errors_before;
    read_advertise(section, entry, ip.has_value());
    read_names(section, entry, out);
    const std::size_t errors_of_keys = out.error_count();
    section.finish();
    if (errors_of_place == 0 && out.error_count() == errors_of_keys)
      into.listeners.push_back(std::move(entry));
    else
      into.broken.listeners = true;
  }
}

} // namespace linehunt::config
