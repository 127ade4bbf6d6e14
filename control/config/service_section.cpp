// SPDX-License-Identifier: Apache-2.0
// [service] and [log]: as whom it runs, how long it drains, where its log goes.
#include "control/config/sections.h"
#include "dataplane/printable.h"

#include <fmt/format.h>

namespace linehunt::config {

// Whether the user exists is asked at the start, not here: a file may be checked on another
// machine.
void read_service(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("service");
  if (!table) return;
  table_reader section(*table, "[service]", out);
  if (section.read("user", into.service.user) && has_control_character(into.service.user))
    section.error("user", "'user' holds a control character; write the name of a user, or \"\"");
  section.read("drain_limit_s", into.service.drain_limit_s, 0, 7 * 86'400);
  if (section.read("state_dir", into.service.state_dir)) {
    std::string& folder = into.service.state_dir;
    if (has_control_character(folder))
      section.error("state_dir", "'state_dir' holds a control character; take it out");
    else if (!folder.empty() && folder.front() != '/')
      section.error("state_dir", fmt::format("folder '{}' must begin with '/'; write for example "
                                             "\"/var/lib/linehunt\"",
                                             folder));
    while (folder.size() > 1 && folder.back() == '/')
      folder.pop_back();
  }
  section.read("calls_valid_s", into.service.calls_valid_s, 0, 86'400);
  section.read("calls_copied_every_s", into.service.calls_copied_every_s, 0, 3600);
  section.finish();
}

void read_log(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("log");
  if (!table) return;
  table_reader section(*table, "[log]", out);
  if (section.read("file", into.log.file)) {
    if (has_control_character(into.log.file))
      section.error("file", "'file' holds a control character; take it out");
    // The working directory of a service is not where its operator looks.
    else if (!into.log.file.empty() && into.log.file.front() != '/')
      section.error("file", fmt::format("log file '{}' must begin with '/'; write for example "
                                        "\"/var/log/linehunt/linehunt.log\"",
                                        into.log.file));
    else if (into.log.file.ends_with('/'))
      section.error("file",
                    fmt::format("log file '{}' is a folder; write the name of a file in it, "
                                "for example \"{}linehunt.log\"",
                                into.log.file, into.log.file));
  }
  section.finish();
}

} // namespace linehunt::config
