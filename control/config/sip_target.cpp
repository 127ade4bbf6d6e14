// SPDX-License-Identifier: Apache-2.0
// SIP URIs as destinations of packets.
#include "control/config/sip_target.h"

#include "control/resolver/dns_answer.h"
#include "sipparse/uri.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr std::uint16_t default_uri_port = 5060;
constexpr std::string_view example = "sip:192.0.2.21:5060";
constexpr std::string_view example_of_ipv6 = "sip:[2001:db8::21]:5060";

std::string lowered(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Another transport than UDP, where the parameters name one.
std::string foreign_transport(std::string_view parameters) {
  const std::string all = lowered(parameters);
  constexpr std::string_view key = ";transport=";
  const std::size_t at = all.find(key);
  if (at == std::string::npos) return {};
  const std::string value = all.substr(at + key.size(), all.find(';', at + 1) - at - key.size());
  return value == "udp" ? std::string{} : value;
}

std::string_view host_of(const sip::uri& uri) {
  const auto maddr = sip::find_parameter(uri.parameters, "maddr");
  if (!maddr || maddr->empty()) return uri.host;
  return maddr->starts_with('[') && maddr->ends_with(']') ? maddr->substr(1, maddr->size() - 2)
                                                          : *maddr;
}

// No name ends in a label of digits alone (RFC 3261 25.1, RFC 3696 2): it is a mistyped address.
bool is_broken_address(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1); // all of it where there is no dot
  return !last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos;
}

// RFC 1035 2.3.4: labels of 63 bytes, 253 in all as written. Empty where all is well.
std::string wrong_in_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return "must have 1 to 253 characters";
  while (!host.empty()) {
    const std::size_t end = std::min(host.find('.'), host.size());
    if (end == 0 || end > 63) return "has a part of 0 or of more than 63 characters";
    host.remove_prefix(std::min(end + 1, host.size()));
  }
  return {};
}

// An address without its brackets (RFC 3261 25.1: IPv6reference), or with one of them.
bool has_bare_ipv6(std::string_view uri) noexcept {
  const auto colons = std::ranges::count(uri, ':');
  return colons > 2 && (uri.find('[') == uri.npos || uri.find(']') == uri.npos);
}

bool is_ascii(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x80;
}

// RFC 3261 25.1: all of a URI is ASCII. Where one is not, its bytes are shown one by one, so that
// the message can be read whatever the encoding of the text was.
std::string not_ascii(std::string_view uri) {
  const auto first = std::ranges::find_if_not(uri, is_ascii);
  std::string seen, escaped;
  for (const char c : uri)
    seen += is_ascii(c) ? std::string{c} : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  for (auto at = first; at != uri.end() && !is_ascii(*at); ++at)
    escaped += fmt::format("%{:02X}", static_cast<unsigned char>(*at));
  return fmt::format("'{}' is no SIP URI, which has ASCII only; at character {} write {}, or in a "
                     "host name its xn-- form",
                     seen, first - uri.begin() + 1, escaped);
}

} // namespace

tl::expected<std::vector<endpoint>, std::string> sip_target(std::string_view uri) {
  if (!std::ranges::all_of(uri, is_ascii)) return tl::unexpected(not_ascii(uri));
  const auto parsed = sip::parse_uri(uri);
  if (!parsed)
    return tl::unexpected(fmt::format("'{}' is no SIP URI, it breaks at character {}; write for "
                                      "example \"{}\"",
                                      uri, parsed.at + 1,
                                      has_bare_ipv6(uri) ? example_of_ipv6 : example));
  if (parsed->scheme == sip::uri_scheme::sips)
    return tl::unexpected(
        fmt::format("'{}' needs TLS, and linehunt speaks UDP only; write sip:", uri));
  if (parsed->scheme != sip::uri_scheme::sip)
    return tl::unexpected(
        fmt::format("'{}' is no SIP URI; write for example \"{}\"", uri, example));
  if (const std::string transport = foreign_transport(parsed->parameters); !transport.empty())
    return tl::unexpected(fmt::format("'{}' asks for transport {}, and linehunt speaks UDP only; "
                                      "take the parameter out",
                                      uri, transport));
  const std::string_view host = host_of(*parsed);
  const auto ip = parse_ip(host);
  if (!ip) {
    const std::string wrong = wrong_in_name(host);
    if (wrong.empty() && is_broken_address(host))
      return tl::unexpected(fmt::format(
          "'{}' is no IPv4 address, and no name either, since it ends in a number; write "
          "a name or an IP address, such as \"{}\"",
          host, example));
    if (wrong.empty()) return {};
    return tl::unexpected(fmt::format("host '{}' {}; write a name or an IP address, such as "
                                      "\"{}\"",
                                      host, wrong, example));
  }
  if (ip->is_unspecified())
    return tl::unexpected(fmt::format("'{}' is the unspecified address; write the one that calls "
                                      "go to",
                                      uri));
  if (!ip->is_unicast())
    return tl::unexpected(
        fmt::format("'{}' is no address of one host, where a call could go; write "
                    "one such as \"{}\"",
                    uri, example));
  return std::vector{endpoint{*ip, parsed->port != 0 ? parsed->port : default_uri_port}};
}

std::optional<dns::sip_name> name_to_look_up(std::string_view uri) {
  const auto target = sip_target(uri);
  if (!target || !target->empty()) return std::nullopt;
  const auto parsed = sip::parse_uri(uri);
  dns::sip_name name;
  name.host = dns::lowered_name(host_of(*parsed));
  name.port = parsed->port;
  name.names_udp = sip::find_parameter(parsed->parameters, "transport").has_value();
  return name;
}

} // namespace linehunt::config
