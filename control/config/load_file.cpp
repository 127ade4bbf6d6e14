// SPDX-License-Identifier: Apache-2.0
// Loading of a configuration file: text, sections, what concerns several sections, patterns.
#include "control/config/load_file.h"

#include "control/config/sections.h"
#include "control/config/snapshot_source.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <tl/expected.hpp>
#include <unistd.h>

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
  const std::size_t errors_before = out.error_count();
  root.finish();
  // What stands under a name that is none may have been of any kind.
  if (out.error_count() != errors_before) whole.broken = {true, true, true, true};
}

struct closing {
  int descriptor;
  ~closing() { ::close(descriptor); }
};

// How long somebody may take to write into a pipe that is given for a file.
constexpr int patience_with_pipe_ms = 5'000;

// The bytes of a file, or the errno that says why there are none; ETIMEDOUT: it is a pipe into
// which nobody writes.
tl::expected<std::string, int> text_of(const std::string& name) {
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return tl::unexpected(errno);
  const closing file{descriptor};
  struct ::stat it {};
  if (::fstat(descriptor, &it) != 0) return tl::unexpected(errno);
  if (S_ISFIFO(it.st_mode)) {
    ::pollfd writer{descriptor, POLLIN, 0};
    if (::poll(&writer, 1, patience_with_pipe_ms) <= 0) return tl::unexpected(ETIMEDOUT);
  }
  if (::fcntl(descriptor, F_SETFL, 0) != 0) return tl::unexpected(errno);
  std::string text;
  std::array<char, 16'384> part;
  for (;;) {
    const ::ssize_t got = ::read(descriptor, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(errno); // EISDIR among others
    if (got == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

std::string_view advice_on(int failure) noexcept {
  switch (failure) {
  case ENOENT:
  case EISDIR:
    return "name the file with -c FILE";
  case EACCES:
    return "let the user of [service] read it (chown root:linehunt, chmod 640), or be root";
  case ETIMEDOUT:
    return "it is a pipe into which nobody writes; put the file there";
  default:
    return "see to the disk that it lies on";
  }
}

// What the parser says of the likeliest slips does not say what to do.
std::string_view advice_on_syntax(std::string_view fault) noexcept {
  if (fault.find("could not determine value type") != fault.npos)
    return "mend the syntax here; a text stands in \"quotes\"";
  if (fault.find("unknown escape sequence") != fault.npos)
    return "write the text in 'single quotes', in which a backslash stands for itself";
  if (fault.find("as array-of-tables") != fault.npos || fault.find("existing array") != fault.npos)
    return "write each [[...]] with two brackets on each side, also the first";
  return "mend the syntax here";
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
              fmt::format("not TOML: {}; {}", e.description(), advice_on_syntax(e.description())));
    return std::nullopt;
  }
  cross_check(whole, out);
  check_snapshot(whole, out);
  if (out.failed()) return std::nullopt;
  check_gathered(whole, out);
  check_places(whole, 0, out);
  if (!whole.database.url.empty()) return whole; // once the rows are there, too
  check_counted(whole, out);
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
