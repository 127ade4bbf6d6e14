// SPDX-License-Identifier: Apache-2.0
// [admin]: where management systems reach us.
#include "control/config/sections.h"

#include <algorithm>
#include <array>
#include <climits>
#include <fmt/format.h>
#include <sys/un.h>

namespace linehunt::config {
namespace {

void read_path(table_reader& section, std::string_view key, std::string& path, std::size_t longest,
               bool may_be_empty) {
  if (!section.read(key, path) || (path.empty() && may_be_empty)) return;
  if (!path.empty() && path.size() <= longest && path.find('\0') == std::string::npos) return;
  section.error(key, fmt::format("'{}' must be a path of 1 to {} bytes; write for example "
                                 "\"/run/linehunt/linehunt.{}\"",
                                 key, longest, key == "socket" ? "sock" : key));
}

bool is_loopback(const ip_address& ip) {
  return ip.is_v6 ? ip == *parse_ip("::1") : ip.bytes[0] == 127;
}

void read_address(table_reader& section, std::string_view key, std::optional<endpoint>& address) {
  std::string text;
  if (!section.read(key, text)) return;
  address.reset();
  if (text.empty()) return;
  address = parse_endpoint(text, 0);
  if (address && address->port != 0) return;
  address.reset();
  const int port = key == "http" ? 8888 : 9888;
  section.error(key, fmt::format("'{}' is no address with a port; write for example "
                                 "\"127.0.0.1:{}\" or \"[::1]:{}\", or \"\" for none",
                                 text, port, port));
}

void read_http(table_reader& section, admin_settings& admin, diagnostics& out) {
  read_address(section, "http", admin.http);
  read_address(section, "metrics", admin.metrics);
  admin.http_at = section.at("http");
  admin.metrics_at = section.at("metrics");
  if (admin.metrics && admin.http == admin.metrics)
    section.error("metrics",
                  "'metrics' is the address of 'http', which has /metrics as well; leave "
                  "it out, or name another port");
  if (admin.http && !is_loopback(admin.http->ip))
    out.warning(section.at("http"),
                fmt::format("[admin] http {}: whoever reaches this address commands linehunt, no "
                            "password is asked; see that only management systems do, and give "
                            "Prometheus an address of its own with 'metrics'",
                            std::string_view{to_text(*admin.http)}));
}

// Two of them at one path would take it from each other.
void check_distinct(table_reader& section, const admin_settings& admin) {
  const std::array<std::pair<std::string_view, const std::string*>, 3> paths{
      {{"socket", &admin.socket}, {"datagram", &admin.datagram}, {"fifo", &admin.fifo}}};
  for (std::size_t i = 1; i < paths.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!paths[i].second->empty() && *paths[i].second == *paths[j].second)
        section.error(paths[i].first,
                      fmt::format("'{}' and '{}' name the same path {}; give each its own",
                                  paths[i].first, paths[j].first, *paths[i].second));
}

} // namespace

void read_admin(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("admin");
  if (!table) return;
  table_reader section(*table, "[admin]", out);
  admin_settings& admin = into.admin;
  constexpr std::size_t longest_socket = sizeof(sockaddr_un::sun_path) - 1;
  read_path(section, "socket", admin.socket, longest_socket, false);
  read_path(section, "datagram", admin.datagram, longest_socket, true);
  read_path(section, "fifo", admin.fifo, PATH_MAX - 1, true);
  read_path(section, "fifo_reply_dir", admin.fifo_reply_dir, PATH_MAX - NAME_MAX - 2, false);
  if (section.read("capture_dir", admin.capture_dir) && !admin.capture_dir.empty() &&
      (admin.capture_dir.front() != '/' || admin.capture_dir.size() > PATH_MAX - NAME_MAX - 2 ||
       admin.capture_dir.find('\0') != std::string::npos))
    section.error("capture_dir", "'capture_dir' must be a path that begins with '/'; write for "
                                 "example \"/var/lib/linehunt/captures\", or \"\" for none");
  read_http(section, admin, out);
  section.read("max_clients", admin.max_clients, 1, 4096);
  section.read("max_request_bytes", admin.max_request_bytes, 256, 64 << 20);
  check_distinct(section, admin);
  section.finish();
}

} // namespace linehunt::config
