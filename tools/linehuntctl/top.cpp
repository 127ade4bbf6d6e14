// SPDX-License-Identifier: Apache-2.0
// linehuntctl top and linehuntctl list --watch: what goes on, again and again, on a terminal in
// place.
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/screen.h"
#include "tools/linehuntctl/table.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <functional>

namespace linehunt::ctl {
namespace {

constexpr std::size_t worker_bar_cells = 16;
// Rates need two samples; the first picture does not wait a whole interval for its second.
constexpr double longest_first_interval_s = 0.5;

struct sample {
  json statistics;
  std::chrono::steady_clock::time_point at;
};

std::uint64_t number(const json& stats, const std::string& name) {
  return stats.value(name, std::uint64_t{0});
}

class rates {
 public:
  rates(const sample& before, const sample& now)
      : before_(before.statistics), now_(now.statistics),
        seconds_(std::chrono::duration<double>(now.at - before.at).count()) {}
  [[nodiscard]] double rise(const std::string& name) const {
    return std::max(0.0, static_cast<double>(number(now_, name)) -
                             static_cast<double>(number(before_, name)));
  }
  [[nodiscard]] std::string per_second(double risen) const {
    return fmt::format("{:.1f}", seconds_ > 0 ? risen / seconds_ : 0.0);
  }
  [[nodiscard]] std::string per_second(const std::string& name) const {
    return per_second(rise(name));
  }

 private:
  const json& before_;
  const json& now_;
  double seconds_;
};

std::string head_text(const json& now) {
  const std::uint64_t up = number(now, "linehunt:uptime_s");
  return fmt::format("linehunt   {}, up {}:{:02}:{:02}, {} destinations, {} disabled\n"
                     "calls      {} in progress, {} of them not answered yet\n",
                     number(now, "linehunt:draining") != 0 ? "draining" : "serving", up / 3600,
                     up / 60 % 60, up % 60, number(now, "load_balancer:destinations"),
                     number(now, "load_balancer:destinations_disabled"),
                     number(now, "dialog:active_dialogs"), number(now, "dialog:early_dialogs"));
}

// Calls that no destination was asked for: as linehunt_calls_total of the metrics has them, but for
// those that a rule refuses, or that no rule takes. Not by verdicts where a call may be refused
// later than its INVITE.
double refused(const rates& of) {
  double sum = 0;
  for (const char* why :
       {"load_balancer:refused_no_capacity", "load_balancer:refused_no_destination",
        "load_balancer:refused_unknown_resource", "load_balancer:calls_shed",
        "verdict:rejected_loop", "verdict:rejected_table_full", "verdict:dropped_draining"})
    sum += of.rise(why);
  return sum;
}

std::string rates_text(const rates& of) {
  return fmt::format("per second {} started, {} answered, {} failed, {} refused, {} failovers\n"
                     "           {} packets in, {} out\n",
                     of.per_second("load_balancer:calls_started"),
                     of.per_second("load_balancer:calls_answered"),
                     of.per_second("load_balancer:calls_failed"), of.per_second(refused(of)),
                     of.per_second("load_balancer:failovers"), of.per_second("linehunt:rx_packets"),
                     of.per_second("linehunt:tx_packets"));
}

std::string workers_text(const json& now, const rates& of, bool bars) {
  std::string out;
  for (std::uint64_t w = 0; w < number(now, "linehunt:workers"); ++w) {
    const std::string prefix = fmt::format("worker{}:", w);
    const double cycles = of.rise(prefix + "total_cycles");
    const double share = cycles > 0 ? std::min(1.0, of.rise(prefix + "busy_cycles") / cycles) : 0.0;
    out += fmt::format("worker {:<3} {}{:>3.0f} % busy, {} calls, {} packets/s\n", w,
                       bars ? load_bar(share, worker_bar_cells) + " " : "", share * 100,
                       number(now, prefix + "calls_live"), of.per_second(prefix + "rx_packets"));
  }
  return out;
}

tl::expected<sample, fault> take_sample(connection& daemon) {
  auto stats = daemon.call("get_statistics", {{"statistics", {"all"}}});
  if (!stats) return tl::unexpected(stats.error());
  return sample{std::move(*stats), std::chrono::steady_clock::now()};
}

using picture = std::function<tl::expected<std::string, fault>()>;

// Draws until it is enough, interrupted, or the daemon or the reader is gone.
outcome repeat(const output_style& style, const repetition& how, const interruption& watch,
               const picture& next) {
  std::string last;
  {
    const screen page(style.terminal && !style.as_json);
    for (unsigned frame = 1; !watch.came() && !output_is_lost(); ++frame) {
      auto drawn = next();
      if (!drawn) return tl::unexpected(drawn.error());
      page.draw(*drawn);
      last = std::move(*drawn);
      if (frame == how.frames || !watch.pause(how.interval_s)) break;
    }
  }
  // The page is gone with the screen; its last picture stays for the eye.
  if (style.terminal && !style.as_json) print(last);
  return {};
}

} // namespace

outcome watch(connection& daemon, const output_style& style, const repetition& how) {
  const interruption ending;
  return repeat(style, how, ending, [&]() -> tl::expected<std::string, fault> {
    const auto answer = daemon.call("lb_list");
    if (!answer) return tl::unexpected(answer.error());
    if (style.as_json) return line_of(*answer);
    return list_text(*answer, style.terminal) + (style.terminal ? "" : "\n");
  });
}

outcome top(connection& daemon, const output_style& style, const repetition& how) {
  const interruption ending;
  auto before = take_sample(daemon);
  if (!before) return tl::unexpected(before.error());
  (void)ending.pause(std::min(how.interval_s, longest_first_interval_s));
  repetition bounded = how;
  // Who reads a pipe wants a picture, not a film, unless told how long.
  if (!style.terminal && how.frames == 0) bounded.frames = 1;
  return repeat(style, bounded, ending, [&]() -> tl::expected<std::string, fault> {
    auto now = take_sample(daemon);
    if (!now) return tl::unexpected(now.error());
    const auto answer = daemon.call("lb_list");
    if (!answer) return tl::unexpected(answer.error());
    std::string text;
    if (style.as_json) {
      text = line_of({{"statistics", now->statistics},
                      {"Destinations", answer->value("Destinations", json::array())}});
    } else {
      const rates of(*before, *now);
      text = head_text(now->statistics) + rates_text(of) +
             workers_text(now->statistics, of, style.terminal) + "\n" +
             list_text(*answer, style.terminal) + (style.terminal ? "" : "\n");
    }
    before = std::move(now);
    return text;
  });
}

} // namespace linehunt::ctl
