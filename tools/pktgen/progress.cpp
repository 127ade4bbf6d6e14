// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/progress.h"

#include <chrono>
#include <cstdio>
#include <utility>

namespace linehunt::pktgen {

namespace {

constexpr time_ns second_ns = 1'000'000'000;

} // namespace

progress::progress(bool quiet) : quiet_(quiet) {
  if (quiet_) due_ = ~time_ns{0};
  if (!quiet_) writer_ = std::thread([this] { write(); });
}

progress::~progress() {
  if (!writer_.joinable()) return;
  {
    const std::lock_guard hold(lock_);
    ending_ = true;
  }
  news_.notify_one();
  writer_.join();
}

void progress::write() {
  std::unique_lock hold(lock_);
  while (true) {
    news_.wait_for(hold, std::chrono::milliseconds(200), [&] { return ending_ || !line_.empty(); });
    if (!line_.empty()) {
      const std::string line = std::exchange(line_, {});
      hold.unlock();
      std::fputs(line.c_str(), stderr);
      hold.lock();
    } else if (ending_) {
      return;
    }
  }
}

void progress::take(time_ns now, const session& course, const traffic& who) noexcept {
  sums all;
  const auto add = [&](const tally& t) {
    all.begun += t.calls_begun;
    all.sent += t.sent;
    all.received += t.received;
    all.lost += t.calls_lost;
    all.wrong += t.wrong();
    all.refused += t.calls_refused;
    all.late += t.late;
  };
  for (const step_result& s : course.steps())
    add(*s.seen);
  add(course.outside());
  if (&course.now_counting() != &course.outside()) add(course.now_counting());
  due_ = now + second_ns;
  if (first_ == 0) {
    first_ = last_ = now;
    before_ = all;
    return;
  }
  const double seconds = static_cast<double>(now - last_) * 1e-9;
  const auto rate = [&](std::uint64_t since, std::uint64_t until) {
    return static_cast<double>(until - since) / seconds;
  };
  char text[256];
  std::snprintf(
      text, sizeof text,
      "%4.0f s %-8s %9.0f calls/s %9.0f msg/s out %9.0f in  held %llu  lost %llu  wrong "
      "%llu  refused %llu  late %llu  p99 %.1f us\n",
      static_cast<double>(now - first_) * 1e-9, course.phase_name(), rate(before_.begun, all.begun),
      rate(before_.sent, all.sent), rate(before_.received, all.received),
      static_cast<unsigned long long>(who.held()), static_cast<unsigned long long>(all.lost),
      static_cast<unsigned long long>(all.wrong), static_cast<unsigned long long>(all.refused),
      static_cast<unsigned long long>(all.late),
      static_cast<double>(course.now_counting().latency[0].quantile_ns(0.99)) * 1e-3);
  last_ = now;
  before_ = all;
  if (lock_.try_lock()) {
    line_ += text;
    lock_.unlock();
  }
}

} // namespace linehunt::pktgen
