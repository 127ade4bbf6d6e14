// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/disturbances.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace linehunt::pktgen {

void calm_windows::note_wait(time_ns now, time_ns wait) noexcept {
  if (wait == 0) return;
  const auto drained = now + static_cast<time_ns>(static_cast<double>(wait) * backlog_factor_);
  disturbed_until_ = std::max(disturbed_until_, drained);
}

bool calm_windows::end(time_ns now) noexcept {
  const bool calm = next_ != 0 && disturbed_until_ < began_;
  began_ = now;
  next_ = now + window_ns;
  return calm;
}

disturbances::~disturbances() {
  for (const thread& t : threads_)
    close(t.file);
}

std::string disturbances::watch(const std::vector<int>& threads, double backlog_factor) {
  windows_ = calm_windows(backlog_factor);
  const auto add = [&](int number, bool is_generator) -> std::string {
    const std::string name = "/proc/" + std::to_string(number) + "/schedstat";
    thread t;
    t.file = open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (t.file < 0) return name + ": " + std::strerror(errno);
    t.is_generator = is_generator;
    (void)new_wait(t);
    threads_.push_back(t);
    return {};
  };
  for (const int number : threads)
    if (auto wrong = add(number, false); !wrong.empty()) return wrong;
  return add(gettid(), true);
}

time_ns disturbances::wait_in(std::string_view schedstat) noexcept {
  const char* const end = schedstat.data() + schedstat.size();
  std::uint64_t ran = 0, wait = 0;
  const auto first = std::from_chars(schedstat.data(), end, ran);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ' ') return 0;
  const auto second = std::from_chars(first.ptr + 1, end, wait);
  return second.ec == std::errc{} ? wait : 0;
}

time_ns disturbances::new_wait(thread& t) noexcept {
  std::array<char, 128> text;
  const ssize_t len = pread(t.file, text.data(), text.size(), 0);
  if (len <= 0) return 0; // the thread has ended
  const time_ns before = t.waited;
  t.waited = std::max(before, wait_in({text.data(), static_cast<std::size_t>(len)}));
  return t.waited - before;
}

bool disturbances::window_over(time_ns now, time_ns turn, bool& calm,
                               std::uint64_t& late) noexcept {
  windows_.note_turn(now, turn);
  if (!windows_.is_due(now)) return false;
  time_ns longest = 0;
  for (thread& t : threads_) {
    const time_ns wait = new_wait(t);
    windows_.note_wait(now, wait);
    longest = std::max(longest, wait);
    (t.is_generator ? generator_waited_ : device_waited_) += wait;
  }
  calm = windows_.end(now);
  late = std::min<std::uint64_t>(longest / calm_windows::window_ns, calm_since_wait_);
  calm_since_wait_ = longest != 0 ? 0 : calm_since_wait_ + (calm ? 1 : 0);
  return true;
}

} // namespace linehunt::pktgen
