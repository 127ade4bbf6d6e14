// SPDX-License-Identifier: Apache-2.0
// linehuntctl list --watch and linehuntctl top: the list again and again, on a terminal in place.
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/table.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <thread>

namespace linehunt::ctl {
namespace {

volatile std::sig_atomic_t interrupted = 0;
void on_interrupt(int) {
  interrupted = 1;
}

// Sleeps unless a signal comes; in small steps, so that Ctrl-C is felt at once.
void pause_for(double seconds) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + std::chrono::duration_cast<clock::duration>(
                                      std::chrono::duration<double>(seconds));
  while (interrupted == 0 && clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

// Clears what an earlier, longer picture left, and never scrolls.
void redraw(const std::string& picture) {
  std::string out = "\x1b[H";
  for (char c : picture) {
    if (c == '\n') out += "\x1b[K";
    out += c;
  }
  print(out + "\x1b[J");
}

class terminal_screen {
 public:
  explicit terminal_screen(bool on) : on_(on) {
    if (on_) print(std::string{"\x1b[?25l\x1b[2J"});
  }
  ~terminal_screen() {
    if (on_) print(std::string{"\x1b[?25h"});
  }
  terminal_screen(const terminal_screen&) = delete;
  terminal_screen& operator=(const terminal_screen&) = delete;

 private:
  bool on_;
};

std::uint64_t number(const json& stats, const std::string& name) {
  return stats.value(name, std::uint64_t{0});
}

double difference(const json& now, const json& before, const std::string& name) {
  return static_cast<double>(number(now, name)) - static_cast<double>(number(before, name));
}

std::string worker_lines(const json& now, const json& before) {
  std::string out;
  for (std::uint64_t w = 0; w < number(now, "linehunt:workers"); ++w) {
    const std::string prefix = fmt::format("worker{}:", w);
    const double cycles = difference(now, before, prefix + "total_cycles");
    const double share =
        cycles > 0 ? difference(now, before, prefix + "busy_cycles") / cycles : 0.0;
    out += fmt::format("  worker {:<2} {} {:>3.0f} %   {} calls\n", w, load_bar(share, 16),
                       share * 100, number(now, prefix + "calls_live"));
  }
  return out;
}

std::string head_text(const json& now, const json& before, double seconds) {
  const auto rate = [&](const std::string& name) {
    return seconds > 0 ? difference(now, before, name) / seconds : 0.0;
  };
  return fmt::format("calls {}   started {:.0f}/s   failed {:.0f}/s   received {:.0f} packets/s   "
                     "up {} s\n",
                     number(now, "dialog:active_dialogs"), rate("load_balancer:calls_started"),
                     rate("load_balancer:calls_failed"), rate("linehunt:rx_packets"),
                     number(now, "linehunt:uptime_s")) +
         worker_lines(now, before) + "\n";
}

} // namespace

outcome watch(connection& daemon, const output_style& style, double interval_s, bool with_head) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  const terminal_screen screen(style.terminal && !style.as_json);
  json before;
  auto before_at = std::chrono::steady_clock::now();
  while (interrupted == 0) {
    const auto answer = daemon.call("lb_list");
    if (!answer) return tl::unexpected(answer.error());
    std::string picture;
    if (with_head) {
      const auto stats = daemon.call("get_statistics", json::array({"all"}));
      if (!stats) return tl::unexpected(stats.error());
      const auto now = std::chrono::steady_clock::now();
      const double seconds = std::chrono::duration<double>(now - before_at).count();
      picture = head_text(*stats, before.is_null() ? *stats : before, seconds);
      before = *stats;
      before_at = now;
    }
    if (style.as_json) {
      print(*answer);
    } else {
      picture += list_text(*answer, style.terminal);
      if (style.terminal)
        redraw(picture);
      else
        print(picture + '\n');
    }
    pause_for(interval_s);
  }
  return {};
}

} // namespace linehunt::ctl
