// SPDX-License-Identifier: Apache-2.0
// See first_rows.h.
#include "control/daemon/first_rows.h"

#include "control/config/destination_rows.h"
#include "control/daemon/diagnostics_log.h"
#include "control/database/kept_copy.h"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {

row_source rows_of(database::store& store) {
  return {[&](const database::settings& from, std::function<void(database::rows)> done) {
            store.read(from, std::move(done));
          },
          [&](const database::settings& from, std::vector<database::row> good) {
            store.keep(from, std::move(good));
          },
          [](const database::settings& from) { return database::kept_copy(from); }};
}

first_configuration with_copy(const config::configuration& file_says, const std::string& file,
                              ::uid_t user) {
  first_configuration first;
  first.running = file_says;
  if (file_says.database.url.empty()) return first;
  const auto copy = database::kept_copy(file_says.database, user);
  if (!copy) {
    first.copy_fault = copy.error().message;
    first.copy_absent = copy.error().why == database::no_copy::reason::absent;
    return first;
  }
  config::configuration whole = file_says;
  config::diagnostics out(file);
  // All were good when they were kept: by a version that may have allowed more, and before the file
  // may have taken an id for itself.
  const std::size_t taken =
      config::add_rows(*copy, whole, out, config::wrong_rows::leave_out).size();
  if (out.failed() || (taken == 0 && !copy->empty())) {
    const std::vector<config::diagnostic> all = out.sorted();
    const auto first_error =
        std::ranges::find(all, config::severity::error, &config::diagnostic::weight);
    first.copy_fault = fmt::format("copy {}: {}", file_says.database.copy,
                                   (out.failed() ? *first_error : all.front()).message);
    return first;
  }
  first.copy_said = std::move(out);
  first.running = std::move(whole);
  first.copied_rows = taken;
  first.left_out = copy->size() - taken;
  return first;
}

std::string rows_unknown(const first_configuration& first) {
  if (!first.copied_rows) return first.copy_fault;
  if (first.left_out == 0) return {};
  const std::vector<std::string> lines = first.copy_said.lines();
  const auto why = std::ranges::find_if(lines, [](const std::string& line) {
    return line.find("left out") != line.npos; // not what is said of rules
  });
  return fmt::format("{} of the copy were left out, the first for: {}", first.left_out,
                     why != lines.end() ? *why : "");
}

bool read_first_rows(boost::asio::io_context& loop, reloader& reloading,
                     const first_configuration& first) {
  const config::configuration file_says = reloading.file_says();
  if (file_says.database.url.empty()) return true;
  std::optional<reloader::outcome> answer;
  reloading.reread_rows([&](const reloader::outcome& how) { answer = how; });
  while (!answer)
    if (loop.run_one() == 0) return false;
  if (*answer) return true;
  spdlog::error("{}", answer->error());
  if (first.copied_rows) {
    spdlog::warn("serving with the copy {} of the database, {} rows, until it can be read",
                 file_says.database.copy, *first.copied_rows);
    log_diagnostics(first.copy_said);
    return true;
  }
  spdlog::error("{}", first.copy_fault);
  spdlog::warn("serving with the {} destinations of the file until the database can be read",
               file_says.destinations.size());
  return true;
}

void row_retry::start() {
  if (reloading_.rows_are_read()) return;
  timer_.expires_after(std::chrono::seconds(pause_s_));
  pause_s_ = std::min(2 * pause_s_, reloading_.running().database.retry_s);
  timer_.async_wait([this](boost::system::error_code stopped) {
    if (stopped || reloading_.rows_are_read()) return;
    reloading_.reread_rows([this](const reloader::outcome& how) {
      view_.report_reload(how);
      start();
    });
  });
}

} // namespace linehunt
