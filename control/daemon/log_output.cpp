// SPDX-License-Identifier: Apache-2.0
// See log_output.h.
#include "control/daemon/log_output.h"

#include "dataplane/printable.h"

#include <cstdlib>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linehunt {
namespace {

using sink_ptr = spdlog::sink_ptr;

constexpr const char* pattern = "%Y-%m-%d %H:%M:%S.%e %^%l%$ %v";

sink_ptr with_pattern(sink_ptr sink) {
  sink->set_pattern(pattern);
  return sink;
}

// Throws spdlog_ex.
sink_ptr file_sink(const std::string& file) {
  return with_pattern(std::make_shared<spdlog::sinks::basic_file_sink_st>(file));
}

sink_ptr standard_sink() {
  // The journal keeps level and time by itself.
  if (stderr_is_journal()) return std::make_shared<spdlog::sinks::systemd_sink_st>("linehunt");
  return with_pattern(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
}

// The one way of all lines, whoever logs them. Where a text of strangers must not make a line of
// its own, whoever logs it sees to that: some of ours have several.
class printable_sink final : public spdlog::sinks::dist_sink_mt {
 protected:
  void sink_it_(const spdlog::details::log_msg& said) override {
    const std::string text =
        printable_lines(std::string_view{said.payload.data(), said.payload.size()});
    spdlog::details::log_msg shown = said;
    shown.payload = text;
    spdlog::sinks::dist_sink_mt::sink_it_(shown);
  }
};

} // namespace

bool stderr_is_journal() noexcept {
  const char* const named = std::getenv("JOURNAL_STREAM");
  struct stat ours {};
  if (named == nullptr || ::fstat(STDERR_FILENO, &ours) != 0) return false;
  char* behind = nullptr;
  const unsigned long long device = std::strtoull(named, &behind, 10);
  if (behind == named || *behind != ':') return false;
  return device == ours.st_dev && std::strtoull(behind + 1, nullptr, 10) == ours.st_ino;
}

log_output::log_output(const config::log_settings& settings, const std::string& level)
    : file_(settings.file), way_(std::make_shared<printable_sink>()) {
  way_->set_sinks({standard_sink()});
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("linehunt", way_));
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::flush_on(spdlog::level::trace); // few lines, and each is wanted when it is written
}

tl::expected<void, std::string> log_output::open() {
  if (file_.empty()) return {};
  try {
    way_->set_sinks({file_sink(file_)});
    return {};
  } catch (const spdlog::spdlog_ex& e) {
    return tl::unexpected(
        fmt::format("[log] file {} cannot be opened: {}; make its folder writable "
                    "for the user of [service], or name another file",
                    file_, e.what()));
  }
}

void log_output::reopen() {
  if (file_.empty()) return;
  try {
    way_->set_sinks({file_sink(file_)});
  } catch (const spdlog::spdlog_ex& e) {
    spdlog::error("[log] file {} cannot be opened again: {}; this goes to the old one", file_,
                  e.what());
  }
}

} // namespace linehunt
