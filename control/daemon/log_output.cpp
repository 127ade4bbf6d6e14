// SPDX-License-Identifier: Apache-2.0
// See log_output.h.
#include "control/daemon/log_output.h"

#include "control/blocking_thread.h"
#include "control/disk_failure.h"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

namespace linehunt {
namespace {

using sink_ptr = spdlog::sink_ptr;

constexpr std::chrono::seconds patience_at_start{2};
constexpr const char* pattern = "%Y-%m-%d %H:%M:%S.%e %^%l%$ %v";

sink_ptr with_pattern(sink_ptr sink) {
  sink->set_pattern(pattern);
  return sink;
}

// Makes the file where it is missing, for its owner and group. 0, or what is wrong with opening it.
int make_file(const std::string& file) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (opened < 0) return errno;
  ::close(opened);
  return 0;
}

std::string unopened(const std::string& file, const std::string& why) {
  return fmt::format("[log] file {} cannot be opened: {}; mend that and send SIGUSR1. Until then "
                     "the log goes on here",
                     file, why);
}

// Throws spdlog_ex. Without a buffer: at its end the process would write what is still in one, and
// wait for a disk that hangs.
sink_ptr file_sink(const std::string& file) {
  (void)make_file(file); // that of spdlog is for everybody
  spdlog::file_event_handlers told;
  told.after_open = [](const std::string&, std::FILE* opened) {
    (void)std::setvbuf(opened, nullptr, _IONBF, 0);
  };
  return with_pattern(std::make_shared<spdlog::sinks::basic_file_sink_st>(file, false, told));
}

sink_ptr standard_sink() {
  // The journal keeps level and time by itself.
  if (stderr_is_journal()) return std::make_shared<spdlog::sinks::systemd_sink_st>("linehunt");
  return with_pattern(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
}

// The file at the start, in a thread of its own: the log goes on meanwhile.
struct first_opening {
  std::mutex guards;
  std::condition_variable answered;
  bool over = false, awaited = true;
  sink_ptr sink; // null: that has failed
  std::string why;
  int failure = 0; // of `errno`

  void open(const std::string& file) {
    const int wrong = make_file(file);
    try {
      sink = file_sink(file);
    } catch (const spdlog::spdlog_ex& e) {
      why = e.what();
      failure = wrong;
    }
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

log_output::log_output(const config::log_settings& settings, const std::string& level,
                       unsigned core)
    : file_(settings.file), core_(core), way_(std::make_shared<log_writer>(core, standard_sink())),
      hangs_(std::make_shared<std::atomic<bool>>(false)) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("linehunt", way_));
  spdlog::set_level(spdlog::level::from_str(level));
}

tl::expected<void, std::string> log_output::open() {
  if (file_.empty()) return {};
  const auto opening = std::make_shared<first_opening>();
  begin_aside(core_, [opening, file = file_, hangs = hangs_, way = std::weak_ptr(way_),
                      logger = std::weak_ptr(spdlog::default_logger())] {
    opening->open(file);
    {
      const std::lock_guard lock(opening->guards);
      opening->over = true;
      opening->answered.notify_all();
      if (opening->awaited) return;
    }
    const auto there = way.lock();
    const auto log = logger.lock(); // the default one is nobody's while it is replaced
    if (!there || !log) return;
    there->replace(
        [opening] { return opening->sink ? opening->sink : throw spdlog::spdlog_ex(opening->why); },
        [file](const std::string& why) { return unopened(file, why); });
    *hangs = false;
    if (opening->sink) log->info("[log] file {} is open now", file);
  });
  std::unique_lock lock(opening->guards);
  opening->awaited =
      opening->answered.wait_for(lock, patience_at_start, [&] { return opening->over; });
  if (!opening->awaited) {
    *hangs_ = true;
    lock.unlock();
    spdlog::error("[log] file {} cannot be opened yet, since its disk does not answer; look at it. "
                  "Until then the log goes on here",
                  file_);
    return {};
  }
  if (opening->sink) {
    way_->replace([sink = opening->sink] { return sink; }, {});
    return {};
  }
  if (!is_disk_failure(opening->failure))
    return tl::unexpected(
        fmt::format("[log] file {} cannot be opened: {}; make its folder writable "
                    "for the user of [service], or name another file",
                    file_, opening->why));
  reopen(); // says so
  return {};
}

void log_output::reopen() {
  // Who opens it already does so by its name; the log's own thread would hang with him.
  if (file_.empty() || *hangs_) return;
  way_->replace([file = file_] { return file_sink(file); },
                [file = file_](const std::string& why) { return unopened(file, why); });
}

} // namespace linehunt
