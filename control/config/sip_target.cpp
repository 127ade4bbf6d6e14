// SPDX-License-Identifier: Apache-2.0
// SIP URIs as destinations of packets.
#include "control/config/sip_target.h"

#include "sipparse/uri.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr std::uint16_t default_sip_port = 5060;
constexpr std::string_view example = "sip:192.0.2.21:5060";

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

} // namespace

tl::expected<endpoint, std::string> sip_target(std::string_view uri) {
  const auto parsed = sip::parse_uri(uri);
  if (!parsed)
    return tl::unexpected(fmt::format("'{}' is no SIP URI, it breaks at character {}; write for "
                                      "example \"{}\"",
                                      uri, parsed.at + 1, example));
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
  const auto ip = parse_ip(parsed->host);
  if (!ip)
    return tl::unexpected(fmt::format("host '{}' is a name, and this version does not resolve "
                                      "names; write its IP address, such as \"{}\"",
                                      parsed->host, example));
  if (ip->is_unspecified())
    return tl::unexpected(fmt::format("'{}' is the unspecified address; write the one that calls "
                                      "go to",
                                      uri));
  return endpoint{*ip, parsed->port != 0 ? parsed->port : default_sip_port};
}

} // namespace linehunt::config
