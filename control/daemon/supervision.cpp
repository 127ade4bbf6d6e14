// SPDX-License-Identifier: Apache-2.0
// See supervision.h.
#include "control/daemon/supervision.h"

#include "control/daemon/service_notice.h"

#include <ctime>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>
#include <utility>

namespace linehunt {
namespace {

constexpr std::chrono::seconds unwatched_interval{5};
// So long after its time: this thread has not run meanwhile.
constexpr std::chrono::seconds late_look{1};

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

} // namespace

void tell_ready() {
  notify_service("READY=1");
}

void tell_reloading() {
  notify_service(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()));
}

void tell_busy(std::chrono::microseconds more) {
  notify_service(fmt::format("EXTEND_TIMEOUT_USEC={}\nWATCHDOG=1", more.count()));
}

void tell_stopping(std::chrono::microseconds more, const std::string& status) {
  notify_service(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}{}{}", more.count(),
                             status.empty() ? "" : "\nSTATUS=", status));
}

void tell_status(const std::string& line) {
  notify_service("STATUS=" + line);
}

std::optional<std::size_t> progress_watch::standing(std::span<const std::uint64_t> loops,
                                                    bool late) {
  const std::vector<std::uint64_t> before = std::exchange(before_, {loops.begin(), loops.end()});
  if (late) return std::nullopt;
  for (std::size_t w = 0; w < loops.size() && w < before.size(); ++w)
    if (loops[w] == before[w]) return w;
  return std::nullopt;
}

supervision::supervision(boost::asio::io_context& loop, sources from)
    : timer_(loop), from_(std::move(from)), interval_(unwatched_interval) {
  std::uint64_t watchdog_us = 0;
  watched_ = sd_watchdog_enabled(0, &watchdog_us) > 0;
  if (watched_) interval_ = std::chrono::microseconds(watchdog_us / 2);
}

void supervision::start() {
  look(std::chrono::steady_clock::now() - timer_.expiry() > late_look);
  timer_.expires_after(interval_);
  timer_.async_wait([this](boost::system::error_code stopped) {
    if (!stopped) start();
  });
}

void supervision::look(bool late) {
  const auto standing = progress_.standing(from_.loops(), late);
  if (standing && !stands_)
    spdlog::critical("worker {} stands still{}", *standing,
                     watched_ ? "; the watchdog is not told that we live" : "");
  stands_ = standing;
  if (watched_ && !standing) notify_service("WATCHDOG=1");
  tell_status(status());
}

void supervision::tell_stopping(std::chrono::microseconds more) const {
  linehunt::tell_stopping(more, status());
}

std::string supervision::status() const {
  return stands_ ? fmt::format("worker {} stands still", *stands_) : from_.status();
}

} // namespace linehunt
