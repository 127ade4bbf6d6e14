// SPDX-License-Identifier: Apache-2.0
// Next hops out of Via and URI.
#include "dataplane/engine/addressing.h"

#include "sipparse/uri.h"

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

std::optional<endpoint> maddr_target(const sip::via_field& via) noexcept {
  if (via.maddr.empty()) return std::nullopt;
  const auto ip = parse_ip(without_brackets(via.maddr));
  if (!ip) return std::nullopt;
  const endpoint to{*ip, or_default(via.sent_by_port)};
  if (!is_sendable(to)) return std::nullopt;
  return to;
}

} // namespace

bool is_sendable(const endpoint& to) noexcept {
  if (to.port == 0 || to.ip.is_unspecified()) return false;
  if (to.ip.is_v6) return to.ip.bytes[0] != 0xff;
  return to.ip.bytes[0] < 224 && to.ip.bytes[0] != 0; // 224/4 multicast, 240/4 and broadcast
}

endpoint reply_target(const sip::via_field& via, const endpoint& source) noexcept {
  if (const auto to = maddr_target(via)) return *to;
  if (via.has_rport) return source;
  return {source.ip, or_default(via.sent_by_port)};
}

std::optional<endpoint> via_target(const sip::via_field& via) noexcept {
  if (const auto to = maddr_target(via)) return to;
  const auto ip =
      parse_ip(without_brackets(via.received.empty() ? via.sent_by_host : via.received));
  if (!ip) return std::nullopt;
  return endpoint{*ip, via.rport != 0 ? via.rport : or_default(via.sent_by_port)};
}

std::optional<endpoint> uri_target(std::string_view text) noexcept {
  const auto uri = sip::parse_uri(text);
  if (!uri || (uri->scheme != sip::uri_scheme::sip && uri->scheme != sip::uri_scheme::sips))
    return std::nullopt;
  const auto maddr = sip::find_parameter(uri->parameters, "maddr");
  const auto ip = parse_ip(without_brackets(maddr && !maddr->empty() ? *maddr : uri->host));
  if (!ip) return std::nullopt;
  return endpoint{*ip, or_default(uri->port)};
}

bool names_us(const snapshot& world, std::string_view text) noexcept {
  const auto uri = sip::parse_uri(text);
  if (!uri || (uri->scheme != sip::uri_scheme::sip && uri->scheme != sip::uri_scheme::sips))
    return false;
  const auto ip = parse_ip(uri->host);
  return ip && world.is_local({*ip, or_default(uri->port)});
}

bool sent_by_is_ours(const snapshot& world, const sip::via_field& via) noexcept {
  const auto ip = parse_ip(via.sent_by_host);
  return ip && world.is_local({*ip, or_default(via.sent_by_port)});
}

} // namespace linehunt::calls
