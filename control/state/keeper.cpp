// SPDX-License-Identifier: Apache-2.0
// See keeper.h.
#include "control/state/keeper.h"

#include "control/daemon/supervision.h"
#include "control/disk_failure.h"
#include "control/state/operator_file.h"
#include "control/state/put_aside.h"
#include "control/state/state_folder.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace linehunt {

// There may be millions of calls, and systemd does not wait for ever.
constexpr std::uint64_t calls_between_signs = 50'000;
constexpr std::chrono::seconds time_for_them{30};
// Of 300 bytes each, and a disk that takes 10 MB a second.
constexpr std::uint64_t calls_to_disk_per_s = 33'000;
// Once may have been the power, or whoever did not want to wait.
constexpr off_t most_tries = 2;

namespace {

// Each try to take calls up leaves a byte in this file. How many have before. The folder belongs to
// the user of [service], and this runs as root: anything but a file of its own is left alone.
tl::expected<off_t, std::string> note_try(const std::string& path) {
  constexpr int how = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const int file = ::open(path.c_str(), how, 0644);
  if (file < 0) return tl::unexpected(std::string{std::strerror(errno)});
  const open_file tries(::fdopen(file, "a"));
  struct stat it {};
  if (!tries || ::fstat(file, &it) != 0) return tl::unexpected(std::string{std::strerror(errno)});
  if (!S_ISREG(it.st_mode) || it.st_nlink != 1) return tl::unexpected(std::string{"no plain file"});
  if (::write(file, ".", 1) != 1) return tl::unexpected(std::string{std::strerror(errno)});
  return it.st_size;
}

} // namespace

keeper::keeper(const config::service_settings& settings, ::uid_t user)
    : folder_(settings.state_dir), calls_file_(folder_ + "/calls.cbor"),
      copy_file_(folder_ + "/calls.copy.cbor"), changes_file_(folder_ + "/operator.json"),
      learned_file_(folder_ + "/learned.json"), tries_file_(folder_ + "/calls.tries"),
      oldest_(settings.calls_valid_s), user_(user), copies_(settings.calls_copied_every_s != 0) {}

keeper::~keeper() {
  forget_tries();
}

tl::expected<void, std::string> keeper::claim() {
  if (!active() || lock_) return {};
  struct ::stat it {};
  if (::stat(folder_.c_str(), &it) != 0 || !S_ISDIR(it.st_mode)) return {}; // see take_over
  auto lock = lock_folder(folder_, user_);
  // Where none can be made, nobody has one, nor writes there.
  if (!lock && disk_fails() && ::access((folder_ + "/lock").c_str(), F_OK) != 0) return {};
  if (!lock) return tl::unexpected(lock.error());
  lock_ = std::move(*lock);
  return {};
}

void keeper::remember(operator_state& changes) {
  if (!active()) return;
  auto kept = kept_changes(changes_file_, user_);
  if (!kept) {
    spdlog::error("what operators had changed is lost: {}", kept.error());
    return put_aside(changes_file_);
  }
  changes.remember(*kept);
  if (!kept->empty())
    spdlog::info("operators had changed {} destinations before the restart; that holds as after a "
                 "reload",
                 kept->size());
  known_ = std::move(*kept);
}

learned keeper::learned_before() {
  if (!active()) return {};
  auto kept = kept_learned(learned_file_, moment::now(), user_);
  if (!kept) {
    spdlog::error("addresses of names and heartbeats of before the start are lost: {}",
                  kept.error());
    put_aside(learned_file_);
    return {};
  }
  return std::move(*kept);
}

dpdk::call_source keeper::calls_of_before() {
  if (!keeps_calls()) return {};
  return [this](const snapshot& world, const dpdk::restoring& restore) {
    cut_off_ = ::access((calls_file_ + ".new").c_str(), F_OK) == 0 &&
               ::access(calls_file_.c_str(), F_OK) != 0;
    if (!any_calls()) return;
    trying_ = true;
    const auto tries = note_try(tries_file_);
    if (!tries) {
      spdlog::warn(
          "{} cannot be written: {}; remove it, or make room: until then calls that end linehunt "
          "at its start would be taken up each time",
          tries_file_, tries.error());
    } else if (*tries >= most_tries) {
      spdlog::error(
          "taking up the calls of before has ended linehunt {} times; it starts without them",
          most_tries);
      return put_calls_aside(calls_file_, copy_file_, ", for a report of this fault");
    }
    // Then their file may stay as well, and each start takes it up until the disk can be written.
    const bool again = !tries;
    std::uint64_t calls = 0;
    const auto take = [&](const kept_call& kept) {
      if (++calls % calls_between_signs == 0) tell_busy(time_for_them);
      kept_call call = kept;
      call.uncertain |= crashed_ || again;
      return restore(call);
    };
    const auto now = moment::now();
    found_ = read_calls(calls_file_, world, now, oldest_, take, user_);
    if (*found_ || !found_->error().empty()) return;
    crashed_ = true;
    found_ = read_calls(copy_file_, world, now, oldest_, take, user_);
  };
}

bool keeper::any_calls() const {
  return ::access(calls_file_.c_str(), F_OK) == 0 || ::access(copy_file_.c_str(), F_OK) == 0;
}

void keeper::put_aside(const std::string& file) {
  if (!linehunt::put_aside(file, ", for whoever can mend it")) refused_.push_back(file);
}

void keeper::forget_tries() {
  if (std::exchange(trying_, false)) (void)::unlink(tries_file_.c_str());
}

tl::expected<void, std::string> keeper::take_over(std::string_view rows_unknown) {
  if (!active()) return {};
  const int unmade = make_folders(folder_).failure;
  int failure = unwritable(folder_);
  if (failure == ENOENT && unmade != 0) failure = unmade; // it is missing for that reason
  if (failure != 0 && !is_disk_failure(failure))
    return tl::unexpected(unwritable_folder(folder_, failure));
  if (auto mine = claim(); !mine) return mine;
  if (found_) report(*found_, rows_unknown);
  if (cut_off_)
    spdlog::error(
        "the end before was killed while it wrote {}, which its disk may have held up: {}. "
        "Look at that disk",
        calls_file_,
        found_ && *found_ ? "calls that the last copy does not have are forgotten"
                          : "its calls are forgotten, and boxes may get more calls than "
                            "they have lines until those are over");
  const leftovers before = left_by_the_run_before();
  trying_ = false;
  if (failure == 0) {
    before.put_away();
  } else {
    spdlog::error("{}", unwritable_folder(folder_, failure));
    late_ = std::make_shared<late_claim>(folder_, user_, lock_ != nullptr, before,
                                         std::vector{changes_file_, learned_file_});
  }
  left_behind_ = ::access(calls_file_.c_str(), F_OK) == 0;
  return {};
}

bool keeper::disk_fails() const {
  return ::access(folder_.c_str(), W_OK) != 0 && is_disk_failure(errno);
}

// A crash that comes before the first copy has what this run has begun with; but not after another
// crash, of which the calls may be the reason.
leftovers keeper::left_by_the_run_before() {
  leftovers all{calls_file_, copy_file_, tries_file_};
  all.calls_refused = found_ && !*found_ && !found_->error().empty();
  all.calls_become_copy = copies_calls() && !crashed_ && found_ && *found_;
  all.refused = std::exchange(refused_, {});
  return all;
}

state_permission keeper::permission() const {
  if (!late_) return [] { return std::string{}; };
  return [late = late_] { return late->try_now(); };
}

void keeper::report(const tl::expected<call_file_report, std::string>& found,
                    std::string_view rows_unknown) const {
  const std::string& file = crashed_ ? copy_file_ : calls_file_;
  if (found) {
    if (crashed_)
      spdlog::warn(
          "{} calls go on that were there {} s ago, before a crash; their parties are asked "
          "whether they live",
          found->restored, found->age.count());
    else
      spdlog::info("{} calls go on that were there before the restart", found->restored);
    if (found->refused != 0)
      spdlog::error("{} calls of before had no place; raise [limits] calls_per_worker",
                    found->refused);
    const std::uint64_t early = rows_unknown.empty() ? 0 : found->unknown_destination;
    if (early != 0)
      spdlog::error("{} of the calls of before are not counted, since their destinations were not "
                    "known before the database was read: {}. Until they end, their boxes may get "
                    "more calls than they have lines; lower that with linehuntctl resize, or wait",
                    early, rows_unknown);
    if (found->unknown_load != early)
      spdlog::warn("{} of the calls of before hold lines that are not configured any more, and are "
                   "not counted there",
                   found->unknown_load - early);
    if (!found->whole) spdlog::error("{} breaks off; the calls behind are lost", file);
  } else if (!found.error().empty()) {
    spdlog::error("no calls of before the restart: {}", found.error());
  }
}

// What that means to an operator, and what he can do.
constexpr const char* if_lost =
    ": the next start takes their lines for free, and boxes may get more calls than they have "
    "lines until those are over. Make room there, or mend the disk, before the next end";

void keeper::keep_calls(const snapshot& world, const ending& end) const {
  if (!keeps_calls()) return;
  if (const std::string why = permission()(); !why.empty()) {
    spdlog::error("{} cannot be written: {}; its calls are lost{}", calls_file_, why, if_lost);
    return;
  }
  call_file_writer file(calls_file_, world, moment::now());
  std::uint64_t calls = 0;
  tell_stopping(time_for_them);
  end([&](const kept_call& call) {
    if (++calls % calls_between_signs == 0) tell_busy(time_for_them);
    file.add(call);
  });
  // The disk says nothing until it has all of them.
  tell_busy(time_for_them + std::chrono::seconds(calls / calls_to_disk_per_s));
  const auto written = file.finish();
  tell_busy(time_for_them);
  if (written) {
    spdlog::info("{} calls are kept for the next {} s", *written, oldest_.count());
    (void)::unlink(copy_file_.c_str());
  } else {
    spdlog::error("{} cannot be written: {}; its calls may be lost{}{}", calls_file_,
                  written.error(), copies_ ? ", but for what the last copy has" : "", if_lost);
  }
}

} // namespace linehunt
