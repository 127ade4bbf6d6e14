// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/report.h"

#include <cstdio>

namespace linehunt::pktgen {

namespace {

using nlohmann::json;

double us(std::uint64_t ns) {
  return static_cast<double>(ns) * 1e-3;
}

json to_json(const histogram& h, bool knows_slowest) {
  return {{"count", h.count()},
          {"least_us", us(h.least_ns())},
          {"mean_us", h.mean_ns() * 1e-3},
          {"p50_us", us(h.quantile_ns(0.5))},
          {"p90_us", us(h.quantile_ns(0.9))},
          {"p99_us", us(h.quantile_ns(0.99))},
          {"p999_us", knows_slowest ? json(us(h.quantile_ns(0.999))) : json()},
          {"max_us", us(h.most_ns())}};
}

std::string p999_of(const histogram& h, bool knows_slowest) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", us(h.quantile_ns(0.999)));
  return knows_slowest ? text : "-";
}

histogram all_kinds(const tally& t) {
  histogram all;
  for (const histogram& h : t.latency)
    all.add(h);
  return all;
}

json lost_of(const tally& t) {
  json lost = json::object();
  for (std::size_t k = 0; k < message_kind_count; ++k)
    if (t.lost[k] != 0) lost[std::string(name_of(static_cast<message_kind>(k)))] = t.lost[k];
  return lost;
}

json wrong_of(const tally& t) {
  json wrong = json::object();
  for (std::size_t f = 0; f < fault_count; ++f)
    if (t.faults[f] != 0) wrong[std::string(name_of(static_cast<fault>(f)))] = t.faults[f];
  return wrong;
}

json statuses_of(const tally& t) {
  json statuses = json::object();
  for (std::size_t s = 0; s < t.statuses.size(); ++s)
    if (t.statuses[s] != 0) statuses[std::to_string(s)] = t.statuses[s];
  return statuses;
}

} // namespace

json to_json(const tally& t) {
  json latency = json::object();
  for (std::size_t k = 0; k < message_kind_count; ++k)
    if (t.latency[k].count() != 0)
      latency[std::string(name_of(static_cast<message_kind>(k)))] =
          to_json(t.latency[k], t.knows_slowest());
  latency["all"] = to_json(all_kinds(t), t.knows_slowest());
  // Where nothing was disturbed, and the loop was not away.
  if (t.calm_latency.count() != 0)
    latency["undisturbed"] = to_json(t.calm_latency, t.knows_calm_slowest());
  return {{"sent", t.sent},
          {"received", t.received},
          {"sent_bytes", t.sent_bytes},
          {"received_bytes", t.received_bytes},
          {"calls_begun", t.calls_begun},
          {"calls_answered", t.calls_answered},
          {"calls_completed", t.calls_completed},
          {"calls_refused", t.calls_refused},
          {"calls_lost", t.calls_lost},
          {"calls_slipped", t.calls_slipped},
          {"late", t.late},
          {"repeated", t.repeated},
          {"retransmitted", t.retransmitted},
          {"trying_missing", t.trying_missing},
          {"broken_frames", t.broken_frames},
          {"read_in_full", t.read_in_full},
          {"answered_for_lost", t.answered_for_lost},
          {"lost", lost_of(t)},
          {"lost_messages", t.lost_messages()},
          {"wrong", wrong_of(t)},
          {"wrong_messages", t.wrong()},
          {"statuses", statuses_of(t)},
          {"latency", latency},
          {"windows", t.windows},
          {"disturbed_windows", t.disturbed_windows},
          {"trying", to_json(t.trying, t.knows_slowest())},
          {"post_dial_delay", to_json(t.post_dial_delay, t.knows_slowest())}};
}

json to_json(const step_result& s) {
  const double seconds = s.seconds > 0 ? s.seconds : 1;
  const auto rate = [&](std::uint64_t n) { return static_cast<double>(n) / seconds; };
  json out = to_json(*s.seen);
  out["rate_from"] = s.rate_from;
  out["rate_to"] = s.rate_to;
  out["seconds"] = s.seconds;
  out["began_s"] = static_cast<double>(s.began) * 1e-9;
  out["passed"] = s.passed;
  out["held"] = s.held;
  out["generator_busy_share"] = s.busy_share;
  out["window"] = {{"calls_begun", s.window.begun},
                   {"calls_answered", s.window.answered},
                   {"calls_completed", s.window.completed},
                   {"calls_slipped", s.window.slipped},
                   {"calls_begun_per_s", rate(s.window.begun)},
                   {"calls_completed_per_s", rate(s.window.completed)},
                   {"sent_per_s", rate(s.window.sent)},
                   {"received_per_s", rate(s.window.received)},
                   {"sent_bytes_per_s", rate(s.window.sent_bytes)},
                   {"received_bytes_per_s", rate(s.window.received_bytes)}};
  return out;
}

std::string to_text(const session& course, bool raw) {
  std::string out;
  char line[320];
  std::snprintf(line, sizeof line, "%10s %10s %12s %12s %9s %7s %7s %7s %8s %9s %9s %9s %9s  %s\n",
                raw ? "packets/s" : "calls/s", "begun/s", "msg/s out", "msg/s in", "held",
                "slipped", "lost", "wrong", "refused", "p50 us", "p99 us", "p99.9 us", "max us",
                "");
  out += line;
  for (const step_result& s : course.steps()) {
    const histogram all = all_kinds(*s.seen);
    const double seconds = s.seconds > 0 ? s.seconds : 1;
    std::snprintf(
        line, sizeof line,
        "%10.0f %10.0f %12.0f %12.0f %9llu %7llu %7llu %7llu %8llu %9.1f %9.1f %9s %9.1f  %s\n",
        s.rate_to, static_cast<double>(s.window.begun) / seconds,
        static_cast<double>(s.window.sent) / seconds,
        static_cast<double>(s.window.received) / seconds, static_cast<unsigned long long>(s.held),
        static_cast<unsigned long long>(s.seen->calls_slipped),
        static_cast<unsigned long long>(s.seen->calls_lost),
        static_cast<unsigned long long>(s.seen->wrong()),
        static_cast<unsigned long long>(s.seen->calls_refused), us(all.quantile_ns(0.5)),
        us(all.quantile_ns(0.99)), p999_of(all, s.seen->knows_slowest()).c_str(), us(all.most_ns()),
        s.passed ? "passed" : "failed");
    out += line;
    const tally& t = *s.seen;
    if (t.calm_latency.count() != 0) {
      const histogram& calm = t.calm_latency;
      std::snprintf(line, sizeof line,
                    "           in %llu of %llu ms nothing waited for a processor: p50 %.1f us, "
                    "p99 %.1f us, p99.9 %s us, max %.1f us\n",
                    static_cast<unsigned long long>(t.windows - t.disturbed_windows),
                    static_cast<unsigned long long>(t.windows), us(calm.quantile_ns(0.5)),
                    us(calm.quantile_ns(0.99)), p999_of(calm, t.knows_calm_slowest()).c_str(),
                    us(calm.most_ns()));
      out += line;
    }
    if (!course.was_full(s)) out += "           fewer calls are held than was wanted\n";
    if (t.clean()) continue;
    json why = {{"lost", lost_of(t)}, {"wrong", wrong_of(t)}, {"statuses", statuses_of(t)}};
    why["late"] = t.late;
    why["repeated"] = t.repeated;
    why["trying_missing"] = t.trying_missing;
    why["broken_frames"] = t.broken_frames;
    out += "           " + why.dump() + "\n";
  }
  return out;
}

} // namespace linehunt::pktgen
