// SPDX-License-Identifier: Apache-2.0
// See copy_check.h.
#include "control/daemon/copy_check.h"

#include "control/config/snapshot_source.h"
#include "control/daemon/first_rows.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace linehunt {
namespace {

// Why whoever checks may not look, though a start, which is root's, may; empty: he may.
std::string refusal_of(const std::string& copy) {
  if (copy.empty() || ::geteuid() == 0) return {};
  if (::faccessat(AT_FDCWD, copy.c_str(), R_OK, AT_EACCESS) == 0 || errno != EACCES) return {};
  return std::strerror(EACCES);
}

} // namespace

copy_verdict check_copy(const config::configuration& file_says, const std::string& file,
                        ::uid_t user) {
  copy_verdict said;
  if (file_says.database.url.empty()) return said;
  if (const std::string refusal = refusal_of(file_says.database.copy); !refusal.empty()) {
    said.lines.push_back(fmt::format("{}: warning: [database] copy {} was not looked at: {}; run "
                                     "the check as root, to have its rows judged",
                                     file, file_says.database.copy, refusal));
    return said;
  }
  first_configuration first = with_copy(file_says, file, user);
  if (!first.copied_rows) {
    if (!first.copy_absent)
      said.lines.push_back(fmt::format("{}: warning: [database] {}; a start serves without its "
                                       "rows until the database is read",
                                       file, first.copy_fault));
    return said;
  }
  said.rows = first.copied_rows;
  said.lines = first.copy_said.lines();
  config::diagnostics out(file);
  config::check_snapshot(first.running, out);
  for (std::string& line : out.lines())
    said.lines.push_back(std::move(line));
  said.fails = out.failed();
  return said;
}

} // namespace linehunt
