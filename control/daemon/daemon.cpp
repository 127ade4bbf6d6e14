// SPDX-License-Identifier: Apache-2.0
// See daemon.h.
#include "control/daemon/daemon.h"

#include "control/admin/dispatcher.h"
#include "control/admin/socket_server.h"
#include "control/daemon/live_view.h"
#include "control/daemon/reload.h"
#include "control/daemon/world_source.h"
#include "control/version.h"
#include "dataplane/dpdk/device_check.h"
#include "sipparse/scan.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <functional>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace linehunt {
namespace {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

// How long an event of a worker may wait to be looked at.
constexpr std::chrono::milliseconds event_interval{20};

void start_log(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("linehunt"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(spdlog::level::from_str(level));
}

void choose_kernel(const std::string& name) {
  if (name != "auto") (void)sip::use_kernel(*sip::kernel_named(name)); // checked with the file
  spdlog::info("SIP scanner uses the {} kernel", sip::name_of(sip::current_kernel()));
}

class event_pump {
 public:
  event_pump(asio::io_context& loop, dpdk::runtime& runtime, live_view& view)
      : timer_(loop), runtime_(runtime), view_(view) {}

  void start() {
    timer_.expires_after(event_interval);
    timer_.async_wait([this](error_code stopped) {
      if (stopped) return;
      runtime_.poll_events([this](const event& e) { take(e); });
      if (++rounds_ % rounds_between_housekeeping == 0) view_.keep_house();
      start();
    });
  }

 private:
  static constexpr unsigned rounds_between_housekeeping = 50; // once a second

  void take(const event& e) {
    if (e.kind == event_kind::destination_disabled) view_.on_failed(e.destination, e.cause);
    if (e.kind == event_kind::destination_paused)
      spdlog::info("destination number {} asked for a pause of {} s", e.destination, e.subject);
  }

  asio::steady_timer timer_;
  dpdk::runtime& runtime_;
  live_view& view_;
  unsigned rounds_ = 0;
};

// SIGINT and SIGTERM end the loop, SIGHUP reads the configuration again.
class signal_watch {
 public:
  explicit signal_watch(asio::io_context& loop)
      : loop_(loop), signals_(loop, SIGINT, SIGTERM, SIGHUP) {
    wait();
  }
  void on_hangup(std::function<void()> reload) { reload_ = std::move(reload); }

 private:
  void wait() {
    signals_.async_wait([this](error_code failure, int number) {
      if (failure) return;
      if (number == SIGHUP) {
        if (reload_) reload_();
        return wait();
      }
      spdlog::info("{}, stopping", number == SIGINT ? "SIGINT" : "SIGTERM");
      loop_.stop();
    });
  }

  asio::io_context& loop_;
  asio::signal_set signals_;
  std::function<void()> reload_;
};

admin::socket_setup socket_of(const config::admin_settings& settings) {
  admin::socket_setup setup;
  setup.path = settings.socket;
  setup.max_clients = settings.max_clients;
  setup.max_request_bytes = settings.max_request_bytes;
  return setup;
}

} // namespace

int run_daemon(const config::configuration& whole, const std::string& file) {
  start_log(whole.log_level);
  choose_kernel(whole.kernel);
  asio::io_context loop;
  // Before everything that takes its time, so that a signal in between is not lost.
  signal_watch signals(loop);
  auto server = admin::socket_server::open(loop, socket_of(whole.admin));
  if (!server) {
    spdlog::error("{}", server.error());
    return 1;
  }
  config::diagnostics faults(file);
  world_source source(whole.runtime.limits);
  auto world = source.build(whole, faults);
  for (const std::string& line : faults.lines())
    spdlog::error("{}", line);
  if (!world) return 1;
  auto runtime = dpdk::runtime::start(whole.runtime, std::move(world));
  if (!runtime) {
    spdlog::error("{}", runtime.error().message);
    return 1;
  }
  reloader reloading(file, whole, dpdk::check_device, **runtime, source, [&](const mail& m) {
    if (!tell_all(**runtime, m)) spdlog::error("not every worker was told of the reload");
  });
  live_view view(**runtime, source, reloading, [&](std::string_view name, const auto& params) {
    (*server)->publish(admin::event_line(name, params));
  });
  signals.on_hangup([&] { (void)view.reload(); }); // it logs how that went
  event_pump events(loop, **runtime, view);
  events.start();
  (*server)->serve([&](std::string_view request) { return admin::dispatch(request, view, true); });
  spdlog::info("linehunt {} serves with {} workers, {} destinations, admin socket {}", version,
               whole.runtime.workers, source.destinations().size(), whole.admin.socket);
  std::puts("ready");
  std::fflush(stdout);
  loop.run();
  return 0;
}

} // namespace linehunt
