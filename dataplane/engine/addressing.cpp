// SPDX-License-Identifier: Apache-2.0
// Next hops out of Via and URI.
#include "dataplane/engine/addressing.h"

#include "dataplane/engine/branch.h"
#include "dataplane/engine/routes.h"
#include "sipparse/ascii_case.h"

#include <algorithm>
#include <array>

namespace linehunt::calls {
namespace {

std::uint16_t or_default(std::uint16_t port) noexcept {
  return port != 0 ? port : sip_port;
}

std::string_view without_brackets(std::string_view host) noexcept {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return host.substr(1, host.size() - 2);
  return host;
}

// A port for TLS or WebSocket (RFC 7118 5.2), where no datagram is read. Whoever takes TCP or SCTP
// must take UDP as well (RFC 3261 18), and by default at the same port.
bool is_port_of_tls(const sip::uri& uri) noexcept {
  if (uri.parameters.empty()) return false;
  const auto transport = sip::find_parameter(uri.parameters, "transport");
  return transport &&
         std::ranges::any_of(
             std::array<std::string_view, 4>{"tls", "tls-sctp", "ws", "wss"},
             [&](std::string_view other) { return sip::equals_ignoring_case(*transport, other); });
}

std::optional<ip_address> address_in(const sip::uri& uri) noexcept {
  const auto maddr = sip::find_parameter(uri.parameters, "maddr");
  return parse_ip(without_brackets(maddr && !maddr->empty() ? *maddr : uri.host));
}

} // namespace

bool is_sendable(const endpoint& to) noexcept {
  return to.port != 0 && to.ip.is_unicast();
}

endpoint reply_target(const sip::via_field& via, const endpoint& source) noexcept {
  if (via.has_rport) return source;
  return {source.ip, or_default(via.sent_by_port)};
}

std::optional<endpoint> via_target(const sip::via_field& via) noexcept {
  const auto ip =
      parse_ip(without_brackets(via.received.empty() ? via.sent_by_host : via.received));
  if (!ip) return std::nullopt;
  return endpoint{*ip, via.rport != 0 ? via.rport : or_default(via.sent_by_port)};
}

std::optional<endpoint> uri_target(std::string_view text) noexcept {
  return uri_target(sip::parse_uri(text));
}

std::optional<endpoint> uri_target(const sip::field_result<sip::uri>& uri) noexcept {
  if (!uri || uri->scheme != sip::uri_scheme::sip || is_port_of_tls(*uri)) return std::nullopt;
  const auto ip = address_in(*uri);
  if (!ip) return std::nullopt;
  return endpoint{*ip, or_default(uri->port)};
}

std::optional<ip_address> uri_address(std::string_view text) noexcept {
  const auto uri = sip::parse_uri(text);
  if (!uri || (uri->scheme != sip::uri_scheme::sip && uri->scheme != sip::uri_scheme::sips))
    return std::nullopt;
  return address_in(*uri);
}

bool names_us(const snapshot& world, std::string_view text) noexcept {
  const auto uri = sip::parse_uri(text);
  if (!uri || (uri->scheme != sip::uri_scheme::sip && uri->scheme != sip::uri_scheme::sips))
    return false;
  if (const auto ip = parse_ip(uri->host)) return world.is_local({*ip, or_default(uri->port)});
  return world.is_local(uri->host, or_default(uri->port));
}

bool leads_to_us(const snapshot& world, std::string_view uri,
                 const std::optional<endpoint>& target) noexcept {
  return target ? world.is_local(*target) : names_us(world, uri);
}

bool sent_by_is_ours(const snapshot& world, const sip::via_field& via) noexcept {
  // As we have written it, or in other words.
  if (via.sent_by_host.empty()) return false;
  const auto host_at = static_cast<std::size_t>(via.sent_by_host.data() - via.element.data());
  const std::size_t bracket = host_at > 0 && via.element[host_at - 1] == '[' ? 1 : 0;
  const std::string_view from_host = via.element.substr(host_at - bracket);
  for (const listener& l : world.listeners) {
    if (from_host.size() > l.sent_by.size() && from_host.starts_with(l.sent_by) &&
        from_host[l.sent_by.size()] == ';')
      return true;
  }
  const auto ip = parse_ip(via.sent_by_host);
  return ip && world.is_local({*ip, or_default(via.sent_by_port)});
}

std::optional<std::uint64_t> own_route_handle(const snapshot& world,
                                              std::string_view uri) noexcept {
  constexpr std::string_view scheme = "sip:", parameters = own_route_parameters;
  if (!uri.starts_with(scheme)) return std::nullopt;
  uri.remove_prefix(scheme.size());
  for (const listener& l : world.listeners) {
    if (uri.size() == l.sent_by.size() + parameters.size() + handle_digits &&
        uri.starts_with(l.sent_by) && uri.substr(l.sent_by.size()).starts_with(parameters))
      return read_hex(uri.substr(l.sent_by.size() + parameters.size()));
  }
  return std::nullopt;
}

} // namespace linehunt::calls
