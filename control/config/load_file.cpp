// SPDX-License-Identifier: Apache-2.0
// Loading of a configuration file: text, sections, what concerns several sections, patterns.
#include "control/config/load_file.h"

#include "control/config/sections.h"
#include "control/config/snapshot_source.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace linehunt::config {
namespace {

void read_sections(const toml::table& file, const device_check& check, configuration& whole,
                   diagnostics& out) {
  table_reader root(file, "file", out);
  read_runtime(root, whole, out);
  read_limits(root, whole, out);
  read_ports(root, whole, check, out);
  read_listeners(root, whole, out);
  read_timers(root, whole, out);
  read_admin(root, whole, out);
  read_service(root, whole, out);
  read_log(root, whole, out);
  read_probing(root, whole, out);
  read_database(root, whole, out);
  read_dns(root, whole, out);
  read_heartbeat(root, whole, out);
  read_overload(root, whole, out);
  read_destinations(root, whole, out);
  read_rules(root, whole, out);
  root.finish();
}

} // namespace

std::optional<configuration> load_text(std::string_view text, const device_check& check,
                                       diagnostics& out) {
  configuration whole;
  try {
    const toml::table file = toml::parse(text);
    read_sections(file, check, whole, out);
  } catch (const toml::parse_error& e) {
    // The parser cannot go on behind a syntax error, so it is the only one.
    const toml::source_position at = e.source().begin;
    out.error({static_cast<std::uint32_t>(at.line), static_cast<std::uint32_t>(at.column)},
              fmt::format("not TOML: {}; mend the syntax here", e.description()));
    return std::nullopt;
  }
  cross_check(whole, out);
  check_snapshot(whole, out);
  if (out.failed()) return std::nullopt;
  return whole;
}

std::optional<configuration> load_file(const device_check& check, diagnostics& out) {
  std::ifstream file(out.file(), std::ios::binary);
  std::ostringstream text;
  errno = 0;
  if (file) text << file.rdbuf();
  // A read that fails sets no bit of `file`, so its size is compared.
  std::error_code unknown;
  const auto size = std::filesystem::file_size(out.file(), unknown);
  const bool is_file = std::filesystem::is_regular_file(out.file(), unknown);
  if (file && std::filesystem::is_directory(out.file(), unknown)) {
    errno = EISDIR;
    file.setstate(std::ios::failbit);
  } else if (file && is_file && text.view().size() < size) {
    errno = errno != 0 ? errno : EIO;
    file.setstate(std::ios::failbit);
  }
  if (!file) {
    out.error({},
              fmt::format("cannot be read: {}; name the file with -c FILE", std::strerror(errno)));
    return std::nullopt;
  }
  return load_text(text.str(), check, out);
}

} // namespace linehunt::config
