// SPDX-License-Identifier: Apache-2.0
// [dns]: who is asked for the names in URIs, and how long what they say is good.
#include "control/config/sections.h"

#include <fmt/format.h>

namespace linehunt::config {

void read_dns(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("dns");
  if (!table) return;
  table_reader section(*table, "[dns]", out);
  dns::resolver_settings& settings = into.dns;
  std::vector<placed_text> servers;
  section.read("servers", servers);
  for (const placed_text& server : servers) {
    constexpr std::uint16_t dns_port = 53;
    const auto address = parse_endpoint(server.text, dns_port);
    if (!address || address->port == 0 || address->ip.is_unspecified()) {
      out.error(server.at, fmt::format("[dns] server '{}' is no IP address; write for example "
                                       "\"192.0.2.53\" or \"[2001:db8::53]:5353\"",
                                       server.text));
      continue;
    }
    settings.servers.addresses.emplace_back(to_text(*address));
  }
  section.read("timeout_ms", settings.servers.timeout_ms, 50, 60'000);
  section.read("tries", settings.servers.tries, 1, 10);
  std::uint32_t seconds = 0;
  if (section.read("min_ttl_s", seconds, 1, 86'400))
    settings.min_ttl = std::chrono::seconds(seconds);
  if (section.read("max_stale_s", seconds, 0, 30 * 86'400))
    settings.max_stale = std::chrono::seconds(seconds);
  section.finish();
}

} // namespace linehunt::config
