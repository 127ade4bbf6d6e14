// SPDX-License-Identifier: Apache-2.0
// See daemon.h.
#include "control/daemon/daemon.h"

#include "control/admin/events.h"
#include "control/blocking_thread.h"
#include "control/capture/capture_session.h"
#include "control/daemon/capacity_feedback.h"
#include "control/daemon/drainage.h"
#include "control/daemon/first_rows.h"
#include "control/daemon/interfaces.h"
#include "control/daemon/live_view.h"
#include "control/daemon/log_output.h"
#include "control/daemon/naming.h"
#include "control/daemon/placement.h"
#include "control/daemon/privileges.h"
#include "control/daemon/reload.h"
#include "control/daemon/signal_watch.h"
#include "control/daemon/supervision.h"
#include "control/daemon/world_source.h"
#include "control/database/store.h"
#include "control/metrics/exposition.h"
#include "control/metrics/recent_exposition.h"
#include "control/probing/prober.h"
#include "control/state/call_copier.h"
#include "control/state/keeper.h"
#include "control/state/late_claim.h"
#include "control/state/learned_writer.h"
#include "control/state/operator_writer.h"
#include "control/state/state_folder.h"
#include "control/version.h"
#include "control/waiting_notice.h"
#include "dataplane/dpdk/device_check.h"
#include "sipparse/scan.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <spdlog/spdlog.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace linehunt {
namespace {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

// How long an event of a worker may wait to be looked at.
constexpr std::chrono::milliseconds event_interval{20};
// What others tell is no older than this when a crash comes.
constexpr std::chrono::seconds learned_interval{10};
// A state_dir that could not be written at the start.
constexpr std::chrono::seconds claim_interval{1};
// What the end may take, from each time that the service manager is told of it.
constexpr std::chrono::seconds time_to_end{10};

void choose_kernel(const std::string& name) {
  if (name != "auto") (void)sip::use_kernel(*sip::kernel_named(name)); // checked with the file
  spdlog::info("SIP scanner uses the {} kernel", sip::name_of(sip::current_kernel()));
}

std::vector<std::uint64_t> loops_of(const dpdk::runtime& runtime) {
  std::vector<std::uint64_t> loops;
  for (const dpdk::worker_report& worker : reports_of(runtime))
    loops.push_back(worker.loops);
  return loops;
}

class event_pump {
 public:
  event_pump(asio::io_context& loop, dpdk::runtime& runtime, live_view& view, drainage& draining,
             probing::prober& prober, capture_session& capturing, operator_writer& changes,
             const supervision& supervised)
      : timer_(loop), runtime_(runtime), view_(view), draining_(draining), prober_(prober),
        capturing_(capturing), changes_(changes), supervised_(supervised) {}

  void start() {
    timer_.expires_after(event_interval);
    timer_.async_wait([this](error_code stopped) {
      if (stopped) return;
      const auto now = clock::now();
      if (now - std::exchange(last_, now) > absence) view_.note_absence();
      runtime_.poll_events([this](const event& e) { take(e); });
      prober_.advance(); // after the answers that have come in, so that none of them is too late
      draining_.look(drainage::clock::now());
      capturing_.look(capture_session::clock::now());
      changes_.look(operator_writer::clock::now());
      if (++rounds_ % rounds_between_looks == 0) view_.look_at_workers(loops_of(runtime_));
      if (rounds_ % rounds_between_housekeeping == 0) {
        view_.keep_house();
        if (draining_.ending()) supervised_.tell_stopping(time_to_end);
      }
      start();
    });
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr unsigned rounds_between_looks = 25;        // twice a second
  static constexpr unsigned rounds_between_housekeeping = 50; // once a second
  // Between two rounds: the process or the machine was stopped, or the core was somebody else's.
  static constexpr std::chrono::seconds absence{1};

  void take(const event& e) {
    if (e.kind == event_kind::destination_disabled) view_.on_failed(e);
    if (e.kind == event_kind::probe_answered) prober_.on_answer(e);
    if (e.kind == event_kind::destination_paused) view_.on_paused(e);
  }

  asio::steady_timer timer_;
  dpdk::runtime& runtime_;
  live_view& view_;
  drainage& draining_;
  probing::prober& prober_;
  capture_session& capturing_;
  operator_writer& changes_;
  const supervision& supervised_;
  unsigned rounds_ = 0;
  clock::time_point last_ = clock::now();
};

std::vector<capture_session::named_port> named_ports(const dpdk::runtime_setup& setup) {
  std::vector<capture_session::named_port> all;
  for (const dpdk::port_setup& p : setup.ports)
    all.push_back({p.name, p.device});
  return all;
}

// True: we are, or need not become, the user of [service].
bool become_user(const std::optional<account>& whom, const config::configuration& whole,
                 bool made_folder) {
  const auto made_state = make_folders(whole.service.state_dir).made;
  if (!whom) return true;
  for (const std::string& path : {whole.admin.socket, whole.admin.datagram, whole.admin.fifo})
    if (!path.empty()) hand_over(path, *whom);
  if (made_folder) hand_over(std::filesystem::path(whole.admin.socket).parent_path(), *whom);
  for (const std::filesystem::path& folder : made_state)
    hand_over(folder, *whom);
  if (const auto done = become(*whom); !done) {
    spdlog::error("{}", done.error());
    return false;
  }
  spdlog::info("runs as user {}", whom->name);
  return true;
}

// What is said where the disk of state_dir keeps the control thread waiting.
constexpr const char* start_waits =
    "the start waits for its disk, and SIGTERM for the start; look at it, or end linehunt with "
    "SIGKILL and name another place";
constexpr const char* calls_are_read =
    "reading the calls of before takes long; unless there are millions, look at its disk";
constexpr const char* calls_are_written =
    "writing the calls takes long; unless there are millions, look at its disk. SIGKILL ends it, "
    "and "
    "the next start takes up the last copy of the calls, where there is one";

std::unique_ptr<waiting_notice> noticed(const config::configuration& whole, const char* what) {
  const std::string& folder = whole.service.state_dir;
  if (folder.empty()) return nullptr;
  return std::make_unique<waiting_notice>(whole.runtime.control_core,
                                          fmt::format("[service] state_dir {}: {}", folder, what));
}

std::unique_ptr<waiting_notice> noticed_copy(const config::configuration& whole) {
  if (whole.database.url.empty() || whole.database.copy.empty()) return nullptr;
  return std::make_unique<waiting_notice>(
      whole.runtime.control_core,
      fmt::format("[database] copy {}: {}", whole.database.copy, start_waits));
}

dpdk::call_source noticed_reading(const config::configuration& whole, dpdk::call_source from) {
  if (!from) return from;
  return [&whole, from = std::move(from)](const snapshot& world, const dpdk::restoring& restore) {
    const auto slow = noticed(whole, calls_are_read);
    from(world, restore);
  };
}

} // namespace

int run_daemon(const config::configuration& whole, const std::string& file) {
  std::signal(SIGPIPE, SIG_IGN); // whoever reads our output may go
  std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow (`ulimit -f`) is as on a full disk
  log_output log(whole.log, whole.log_level, whole.runtime.control_core);
  choose_kernel(whole.kernel);
  asio::io_context loop;
  // Before everything that takes its time, so that a signal in between is not lost.
  signal_watch signals(loop);
  const bool makes_folder =
      !std::filesystem::exists(std::filesystem::path(whole.admin.socket).parent_path());
  auto ways_in = interfaces::open(loop, whole.admin);
  if (!ways_in) {
    spdlog::error("{}", ways_in.error());
    return 1;
  }
  std::optional<account> user;
  if (!whole.service.user.empty()) {
    auto found = account_named(whole.service.user);
    if (!found) {
      spdlog::error("{}", found.error());
      return 1;
    }
    user = std::move(*found);
  }
  config::diagnostics faults(file);
  world_source source(whole.runtime.limits);
  naming names(loop, whole);
  names.serve(source);
  const ::uid_t writer = user ? user->user : ::geteuid(); // of the files of the run before
  keeper kept(whole.service, writer);
  auto slow = noticed(whole, start_waits);
  if (const auto mine = kept.claim(); !mine) {
    spdlog::error("{}", mine.error());
    return 1;
  }
  kept.remember(source.changes());
  const learned before = kept.learned_before();
  slow.reset();
  names.remember(before.names);
  slow = noticed_copy(whole);
  const first_configuration first = with_copy(whole, file, writer);
  slow.reset();
  auto world = source.build(first.running, faults);
  for (const std::string& line : faults.lines())
    spdlog::error("{}", line);
  if (!world) return 1;
  auto runtime = dpdk::runtime::start(whole.runtime, std::move(world),
                                      noticed_reading(whole, kept.calls_of_before()));
  if (!runtime) {
    spdlog::error("{}", runtime.error().message);
    return 1;
  }
  for (const std::string& line : (*runtime)->warnings())
    spdlog::warn("{}", line);
  for (const std::string& line : misplaced((*runtime)->ports(), reports_of(**runtime)))
    spdlog::warn("{}", line);
  slow = noticed(whole, start_waits);
  if (!become_user(user, whole, makes_folder)) return 1;
  if (const auto opened = log.open(); !opened) {
    spdlog::error("{}", opened.error());
    return 1;
  }
  if (const auto taken = kept.take_over(rows_unknown(first)); !taken) {
    spdlog::error("{}", taken.error());
    return 1;
  }
  slow.reset();
  // As that user, who owns what the database and its copy leave on the disk.
  database::store store(loop, whole.runtime.control_core);
  worker_mail told([&](const mail& m) { return (*runtime)->send_to_all(m); });
  reloader reloading(
      file, whole, first.running, dpdk::check_device, rows_of(store),
      [&](auto next) { (*runtime)->publish(std::move(next)); }, source,
      [&](const mail& m) {
        if (!told.owe(m))
          spdlog::error(
              "a worker takes no mail at the moment; it hears later what the reload took back");
      });
  blocking_thread aside(loop, whole.runtime.control_core); // not the one a database may hold up
  reloading.read_aside([&](auto job, auto late) {
    aside.run_within(reloader::reading_limit, std::move(job), std::move(late));
  });
  const admin::raising raise = [&](std::string_view name, const auto& params) {
    (*ways_in)->publish(admin::event_line(name, params));
  };
  drainage draining(
      {[&](bool on) { (*runtime)->drain(on); }, [&] { return live_calls(**runtime); },
       [&] { return kept.keeps_calls() ? early_calls(**runtime) : live_calls(**runtime); },
       [&] { loop.stop(); }, raise});
  blocking_thread texts_aside(loop, whole.runtime.control_core); // those of metrics take a second
  blocking_thread captures_aside(loop, whole.runtime.control_core); // their disk may hang
  capture_session capturing(
      whole.admin.capture_dir, named_ports(whole.runtime),
      {[&](const dpdk::capture_filter& what) { return (*runtime)->begin_capture(what); }, raise,
       [&](auto job) { captures_aside.run(std::move(job)); }});
  live_view view(**runtime, told, source, reloading, draining, capturing, raise);
  view.report_log_by([&] { return log.unwritten(); });
  view.report_state_by([&] { return kept.unwritten(); });
  reloading.on_status_set_back(
      [&](destination_index which, bool enabled) { view.on_status_set_back(which, enabled); });
  view.report_names_by([&](const std::string& uri) { return names.about(uri); },
                       [&] { return names.any_stale(); });
  names.start(reloading, raise);
  capacity_feedback feedback(loop, view, raise);
  feedback.remember(before.beats, before.socket_names);
  feedback.start(reloading, source);
  signals.on_rotation([&] { log.reopen(); });
  signals.on_hangup([&] {
    log.reopen();
    view.reload([](const auto&) {}); // it logs how that went
  });
  supervision supervised(loop,
                         {[&] { return loops_of(**runtime); }, [&] { return view.status_line(); }});
  signals.on_terminate([&] {
    const auto now = drainage::clock::now();
    draining.end_by(now, now + std::chrono::seconds(reloading.running().service.drain_limit_s));
    supervised.tell_stopping(time_to_end);
  });
  probing::prober prober(**runtime, source, view);
  prober.adopt(reloading.running());
  reloading.on_published([&](const config::configuration& running) { prober.adopt(running); });
  // No call ends by itself any more where its packets are not heard, so none is waited for.
  view.on_device_lost([&] { draining.end_at_once(); });
  const auto exit_status = [&] { return view.device_is_lost() ? 1 : 0; };
  blocking_thread changes_aside(loop, whole.runtime.control_core); // of another disk than captures
  operator_writer changes(kept.changes_file(), kept.known_changes(),
                          [&](auto job) { changes_aside.run(std::move(job)); });
  changes.ask_first(kept.permission());
  view.save_by([&](auto done) { changes.write(source.changes().changes(), std::move(done)); });
  std::optional<learned_writer> learning;
  if (const std::string told_by_others = kept.learned_file(); !told_by_others.empty()) {
    learning.emplace(
        loop, told_by_others, before,
        [&] {
          return learned{names.known(), feedback.known_names(), feedback.known()};
        },
        [&](auto job) { changes_aside.run(std::move(job)); }, learned_interval);
    learning->ask_first(kept.permission());
    learning->start();
  }
  claim_retry claiming(loop, kept.late(), [&](auto job) { changes_aside.run(std::move(job)); });
  claiming.start(claim_interval, [&] {
    changes.forget_known();
    if (learning) learning->forget_written();
    view.save_changes();
  });
  event_pump events(loop, **runtime, view, draining, prober, capturing, changes, supervised);
  events.start();
  reloading.on_published([&](const auto&) { view.on_reloaded(); });
  std::optional<call_copier> copier;
  if (const std::string copy = kept.copy_file(); !copy.empty()) {
    copier.emplace(loop, whole.runtime.control_core, copy,
                   std::chrono::seconds(whole.service.calls_copied_every_s),
                   std::chrono::seconds(whole.service.calls_valid_s),
                   call_copier::source{[&]() -> const snapshot& { return (*runtime)->world(); },
                                       [&](auto& at, const auto& take) {
                                         return (*runtime)->copy_calls(at, take);
                                       }});
    copier->ask_first(kept.permission());
    copier->replaces(kept.outdated_file());
    copier->start();
    view.count_copies([&] { return copier->statistics(); }); // asked in the loop only
  }
  std::optional<metrics::recent_exposition> shown;
  const auto end = [&] {
    shown.reset(); // gives a text up, so that calls have the processor
    copier.reset();
    capturing.close(capture_session::clock::now()); // a capture leaves the disk to the calls
    changes.finish(operator_writer::longest_wait);
    const auto writing = noticed(whole, calls_are_written);
    kept.keep_calls((*runtime)->world(), [&](const auto& take) { (*runtime)->end(take); });
    if (learning) learning->finish(operator_writer::longest_wait);
  };
  if (!read_first_rows(loop, reloading, first)) { // a signal or a lost device came first
    end();
    return exit_status();
  }
  row_retry retry(loop, reloading, view);
  retry.start();
  view.also_count([&] { return (*ways_in)->statistics(); });
  shown.emplace(
      [&] {
        const auto read = std::make_shared<const metrics::exposition>(view.figures());
        return [read](const auto& given_up) { return read->text(given_up); };
      },
      [&](auto job) { texts_aside.run(std::move(job)); });
  (*ways_in)->show_metrics([&](const http::request&, http::replying done) {
    shown->get([done = std::move(done)](metrics::recent_exposition::text made) {
      done({200, metrics::content_type, {}, std::move(made)});
    });
  });
  (*ways_in)->serve(view);
  spdlog::info("linehunt {} serves with {} workers, {} destinations, admin: {}", version,
               whole.runtime.workers, source.destinations().size(), (*ways_in)->description());
  tell_ready();
  supervised.start();
  std::puts("ready");
  std::fflush(stdout);
  loop.run();
  tell_stopping(time_to_end);
  end();
  return exit_status();
}

} // namespace linehunt
