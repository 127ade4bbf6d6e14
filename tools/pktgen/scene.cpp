// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/scene.h"

#include <bit>
#include <charconv>
#include <cstring>

namespace linehunt::pktgen {

namespace {

bool read_port(std::string_view text, unsigned& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= 1 && out <= 65'535;
}

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

// The address that two of the stations have.
std::optional<endpoint> given_twice(const scene& in) {
  const station_index stations(in);
  for (std::uint32_t s = 0; s < in.stations(); ++s)
    if (stations.find(in.station(s)) != s) return in.station(s);
  return std::nullopt;
}

} // namespace

std::optional<std::string> add_kind(scene& to, std::string_view text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == text.size())
    return in_quotes(text) + " is no kind of call; write for example vm=VM_#######";
  if (to.kinds.size() == max_kinds) return "more than 32 kinds of calls";
  const std::string user(text.substr(equals + 1));
  if (user.find_first_of(" <>@{}:;\"\r\n") != std::string::npos || user.size() > 40 ||
      user.find(std::string(17, '#')) != std::string::npos)
    return in_quotes(user) + " is no user part; write letters, digits and # for varied digits";
  to.kinds.push_back({std::string(text.substr(0, equals)), user});
  return std::nullopt;
}

std::optional<std::string> add_destinations(scene& to, std::string_view text) {
  const auto equals = text.rfind('=');
  const auto wrong = [&] {
    return in_quotes(text) + " is no destination; write ADDRESS:PORT=resource,resource or "
                             "ADDRESS:FIRST-LAST=resource";
  };
  if (equals == std::string_view::npos) return wrong();
  std::string_view where = text.substr(0, equals), offers = text.substr(equals + 1);
  unsigned first = 5060, last = 5060;
  if (const auto dash = where.rfind('-'); dash != std::string_view::npos) {
    const auto colon = where.rfind(':');
    if (colon == std::string_view::npos || colon > dash ||
        !read_port(where.substr(colon + 1, dash - colon - 1), first) ||
        !read_port(where.substr(dash + 1), last) || last < first)
      return wrong();
    where = where.substr(0, dash);
  }
  const auto at = parse_endpoint(where, 5060);
  if (!at) return wrong();
  if (first == last) first = last = at->port;
  destination d;
  while (!offers.empty()) {
    const auto comma = offers.find(',');
    const std::string_view name = offers.substr(0, comma);
    offers.remove_prefix(comma == std::string_view::npos ? offers.size() : comma + 1);
    bool known = false;
    for (std::size_t k = 0; k < to.kinds.size(); ++k)
      if (to.kinds[k].resource == name) {
        d.offers |= 1u << k;
        known = true;
      }
    if (!known) return in_quotes(name) + " of " + in_quotes(text) + " is the resource of no --call";
  }
  for (unsigned port = first; port <= last; ++port) {
    d.at = {at->ip, static_cast<std::uint16_t>(port)};
    d.text = to_text(d.at);
    to.destinations.push_back(d);
  }
  if (to.destinations.size() > max_destinations) return "more than 16384 destinations";
  return std::nullopt;
}

std::optional<std::string> what_is_wrong(const scene& with) {
  if (with.callers.empty()) return "no --caller";
  if (with.destinations.empty()) return "no --destination";
  for (const endpoint& c : with.callers)
    if (c.ip.is_v6 != with.device.ip.is_v6) return "--caller and --target are of two families";
  std::uint32_t offered = 0;
  for (const destination& d : with.destinations) {
    if (d.at.ip.is_v6 != with.device.ip.is_v6)
      return "--destination and --target are of two families";
    offered |= d.offers;
  }
  if (const auto twice = given_twice(with))
    return std::string(to_text(*twice)) +
           " is given twice; every --caller and --destination needs an address of its own";
  for (std::size_t k = 0; k < with.kinds.size(); ++k)
    if ((offered >> k & 1) == 0)
      return "no destination offers " + in_quotes(with.kinds[k].resource) + " for --call";
  return std::nullopt;
}

station_index::station_index(const scene& of)
    : entries_(std::bit_ceil(2 * of.stations() + 2)), mask_(entries_.size() - 1) {
  for (std::uint32_t s = 0; s < of.stations(); ++s) {
    std::size_t i = hash(of.station(s)) & mask_;
    while (entries_[i].station != none)
      i = (i + 1) & mask_;
    entries_[i] = {of.station(s), s};
  }
}

std::size_t station_index::hash(const endpoint& e) noexcept {
  std::uint64_t low, high;
  std::memcpy(&low, e.ip.bytes.data(), 8);
  std::memcpy(&high, e.ip.bytes.data() + 8, 8);
  const std::uint64_t mixed = (low ^ high * 3 ^ std::uint64_t{e.port} << 40) * 0x9e3779b97f4a7c15u;
  return static_cast<std::size_t>(mixed >> 40);
}

} // namespace linehunt::pktgen
