// SPDX-License-Identifier: Apache-2.0
// See url.h.
#include "control/database/url.h"

#include <boost/url.hpp>
#include <fmt/format.h>
#include <string>

namespace linehunt::database {
namespace {

namespace urls = boost::urls;

constexpr std::string_view examples = "\"sqlite:///var/lib/linehunt/linehunt.db\", "
                                      "\"mysql://user:password@host:3306/opensips\" or "
                                      "\"postgresql://user:password@host:5432/opensips\"";

// In quotes, as SOCI's MySQL backend reads it.
std::string connection_word(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

tl::expected<target, std::string> sqlite(const urls::url_view& url, std::uint32_t timeout_s) {
  const std::string file = url.path();
  if (!url.host().empty() || file.empty() || file == "/")
    return tl::unexpected<std::string>(
        "url names no file; write for example "
        "\"sqlite:///var/lib/linehunt/linehunt.db\", with three slashes");
  // The backend's own syntax has no way to write these.
  if (file.find_first_of(" \"'=") != std::string::npos)
    return tl::unexpected(
        fmt::format("file '{}' has a space, a quote or '=' in its name, which the "
                    "SQLite client cannot open; name another",
                    file));
  if (url.has_query())
    return tl::unexpected<std::string>("sqlite takes no '?' parameters; take them out");
  return target{kind::sqlite, fmt::format("dbname={} timeout={}", file, timeout_s), file,
                "sqlite://" + file};
}

tl::expected<std::string, std::string> name_of_database(const urls::url_view& url) {
  std::string name = url.path();
  if (name.starts_with('/')) name.erase(0, 1);
  if (name.empty() || name.find('/') != std::string::npos)
    return tl::unexpected(fmt::format("url names no database; write for example {}", examples));
  return name;
}

tl::expected<target, std::string> mysql(const urls::url_view& url, std::uint32_t timeout_s,
                                        std::string shown) {
  const auto name = name_of_database(url);
  if (!name) return tl::unexpected(name.error());
  std::string words =
      fmt::format("dbname={} connect_timeout={} read_timeout={} write_timeout={} charset=utf8mb4",
                  connection_word(*name), timeout_s, timeout_s, timeout_s);
  if (!url.host().empty()) words += " host=" + connection_word(url.host_address());
  if (url.has_port()) words += fmt::format(" port={}", url.port_number());
  if (!url.user().empty()) words += " user=" + connection_word(url.user());
  if (url.has_password()) words += " password=" + connection_word(url.password());
  for (const auto& parameter : url.params()) {
    if (parameter.key != "socket")
      return tl::unexpected(fmt::format("mysql knows no parameter '{}'; write ?socket=/path, or "
                                        "none",
                                        parameter.key));
    words += " unix_socket=" + connection_word(parameter.value);
  }
  return target{kind::mysql, std::move(words), {}, std::move(shown)};
}

// libpq reads URLs itself, with all of its parameters.
tl::expected<target, std::string> postgresql(const urls::url_view& url, std::uint32_t timeout_s,
                                             std::string shown) {
  if (const auto name = name_of_database(url); !name) return tl::unexpected(name.error());
  urls::url all(url);
  const auto set_default = [&](std::string_view key, const std::string& value) {
    if (!all.params().contains(key)) all.params().append({key, value});
  };
  set_default("connect_timeout", std::to_string(timeout_s));
  set_default("tcp_user_timeout", std::to_string(timeout_s * 1000));
  set_default("application_name", "linehunt");
  set_default("client_encoding", "UTF8"); // whatever the database stores
  return target{kind::postgresql, std::string(all.buffer()), {}, std::move(shown)};
}

} // namespace

tl::expected<target, std::string> parse_url(std::string_view text, std::uint32_t timeout_s) {
  const auto parsed = urls::parse_uri(text);
  if (!parsed) return tl::unexpected(fmt::format("url is none; write for example {}", examples));
  const urls::url_view& url = *parsed;
  urls::url shown(url);
  shown.remove_password();
  shown.remove_query();
  // What follows is not quoted, since it may be of a password.
  const std::string_view path = url.encoded_path();
  if (url.has_authority() && !path.empty() && path.front() != '/')
    return tl::unexpected<std::string>("url has neither a '/' nor the number of a port behind its "
                                       "host; in user and password write "
                                       "%40 for '@', %2F for '/' and %3A for ':'");
  // The library keeps the lower 16 bits of a larger number.
  if (url.has_port() && std::to_string(url.port_number()) != std::string(url.port()))
    return tl::unexpected<std::string>("the port of url is none; write 1 to 65535; in user and "
                                       "password write %40 for '@', %2F for '/' and %3A for ':'");
  const std::string scheme = url.scheme();
  if (scheme == "sqlite") return sqlite(url, timeout_s);
  if (scheme == "mysql" || scheme == "mariadb")
    return mysql(url, timeout_s, std::string(shown.buffer()));
  if (scheme == "postgresql" || scheme == "postgres")
    return postgresql(url, timeout_s, std::string(shown.buffer()));
  return tl::unexpected(
      fmt::format("database '{}' is unknown; write for example {}", scheme, examples));
}

} // namespace linehunt::database
