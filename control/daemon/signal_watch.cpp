// SPDX-License-Identifier: Apache-2.0
// See signal_watch.h.
#include "control/daemon/signal_watch.h"

#include <csignal>
#include <spdlog/spdlog.h>

namespace linehunt {

signal_watch::signal_watch(boost::asio::io_context& loop)
    : loop_(loop), signals_(loop, SIGINT, SIGTERM, SIGHUP) {
  signals_.add(SIGUSR1);
  wait();
}

void signal_watch::wait() {
  signals_.async_wait([this](boost::system::error_code failure, int number) {
    if (failure) return;
    if (number == SIGHUP) {
      if (reload_) reload_();
      return wait();
    }
    if (number == SIGUSR1) {
      if (reopen_) reopen_();
      return wait();
    }
    if (number == SIGTERM && drain_) {
      spdlog::info("SIGTERM, ending");
      drain_();
      return wait();
    }
    spdlog::info("{}, stopping", number == SIGINT ? "SIGINT" : "SIGTERM");
    loop_.stop();
  });
}

} // namespace linehunt
