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
#include <tl/expected.hpp>

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

// The bytes of a file, or the errno that says why there are none.
tl::expected<std::string, int> text_of(const std::string& name) {
  std::error_code unknown;
  if (std::filesystem::is_directory(name, unknown)) return tl::unexpected(EISDIR);
  std::ifstream file(name, std::ios::binary);
  if (!file) return tl::unexpected(errno);
  std::ostringstream text;
  text << file.rdbuf();
  // A read that fails sets no bit of `file`, so sizes are compared; a pipe has none.
  const auto size = std::filesystem::file_size(name, unknown);
  if (!unknown && text.view().size() < size) return tl::unexpected(EIO);
  return text.str();
}

std::string_view advice_on(int failure) noexcept {
  switch (failure) {
  case ENOENT:
  case EISDIR:
    return "name the file with -c FILE";
  case EACCES:
    return "let the user of [service] read it (chown root:linehunt, chmod 640), or be root";
  default:
    return "see to the disk that it lies on";
  }
}

} // namespace

std::optional<configuration> load_text(std::string_view text, const device_check& check,
                                       diagnostics& out, const known_patterns& known) {
  configuration whole;
  whole.patterns = known;
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
  if (whole.database.url.empty()) check_counted(whole, out);
  return whole;
}

std::optional<configuration> load_file(const device_check& check, diagnostics& out,
                                       const known_patterns& known) {
  const auto text = text_of(out.file());
  if (!text) {
    out.error({}, fmt::format("cannot be read: {}; {}", std::strerror(text.error()),
                              advice_on(text.error())));
    return std::nullopt;
  }
  return load_text(*text, check, out, known);
}

} // namespace linehunt::config
