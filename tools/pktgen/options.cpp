// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/options.h"

#include "control/version.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <optional>
#include <unistd.h>

namespace linehunt::pktgen {

namespace {

// What a second or a run could have at most; more is a slip of the finger, and would not fit.
constexpr double highest_rate = 1e9, longest_s = 1e6, most_steps = 10'000;

// As it was typed; made into an `options` afterwards.
struct typed {
  std::string target, hold, ramp, sweep, search;
  std::vector<std::string> callers, destinations, kinds;
  std::optional<double> rate, seconds, warm_up_s, fill_rate, resolution, backlog_factor;
  std::optional<std::uint32_t> at_once, tries;
  std::uint32_t held = 0, max_calls = 0;
  bool no_verify = false;
};

[[noreturn]] void refuse(const std::string& why) {
  throw CLI::ValidationError(why);
}

// The text of a number for a message: 10000, 0.02.
std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

// Refuses nan as well, which compares with nothing.
void must_lie(const std::string& what, double value, double least, double most) {
  if (!(value >= least && value <= most))
    refuse(what + " must lie from " + text_of(least) + " to " + text_of(most));
}

// "A:B:C" as numbers.
std::vector<double> numbers_in(const std::string& text, std::size_t least, std::size_t most,
                               const char* shape) {
  std::vector<double> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || !std::isfinite(value) || value < 0 || (next != end && *next != ':'))
      refuse("'" + text + "' is not " + shape);
    out.push_back(value);
    if (next == end) break;
    at = next + 1;
  }
  if (out.size() < least || out.size() > most) refuse("'" + text + "' is not " + shape);
  return out;
}

void take_scene(const typed& given, options& out) {
  const auto device = parse_endpoint(given.target, 5060);
  if (!device) refuse("--target '" + given.target + "' is no address; write ADDRESS:PORT");
  out.cast.device = *device;
  for (const std::string& text : given.callers) {
    const auto at = parse_endpoint(text, 5060);
    if (!at) refuse("--caller '" + text + "' is no address; write ADDRESS:PORT");
    out.cast.callers.push_back(*at);
  }
  if (out.cast.callers.size() > 255) refuse("more than 255 callers");
  for (const std::string& text : given.kinds)
    if (const auto wrong = add_kind(out.cast, text)) refuse("--call: " + *wrong);
  for (const std::string& text : given.destinations)
    if (const auto wrong = add_destinations(out.cast, text)) refuse("--destination: " + *wrong);
  if (const auto wrong = what_is_wrong(out.cast)) refuse(*wrong);
}

// What says something of another option that is not there.
void take_what_belongs(const typed& given, options& out) {
  load_settings& load = out.load;
  if (given.search.empty() && (given.tries || given.resolution))
    refuse("--tries and --resolution are of --search; leave them out");
  if (given.fill_rate) must_lie("--fill-rate", *given.fill_rate, 0, highest_rate);
  if (given.fill_rate && given.held == 0)
    refuse("--fill-rate is how fast --held is reached; say --held as well");
  if (out.raw && given.held != 0) refuse("--raw holds no calls; leave out --held");
  if (!given.ramp.empty() && given.seconds)
    refuse("--ramp says itself how long it lasts; leave out --seconds");
  load.tries = given.tries.value_or(load.tries);
  load.resolution = given.resolution.value_or(load.resolution);
  load.fill_rate = given.fill_rate.value_or(load.fill_rate);
  load.seconds = given.seconds.value_or(load.seconds);
}

void take_load(const typed& given, options& out) {
  load_settings& load = out.load;
  const int shapes = given.rate.has_value() + !given.ramp.empty() + given.at_once.has_value() +
                     !given.sweep.empty() + !given.search.empty();
  if (shapes != 1) refuse("one of --rate, --ramp, --at-once, --sweep and --search is needed");
  take_what_belongs(given, out);
  if (given.rate) {
    load.rate = *given.rate;
    must_lie("--rate", load.rate, 0, highest_rate);
    if (load.rate == 0) refuse("--rate must be above 0");
  } else if (!given.ramp.empty()) {
    const auto n = numbers_in(given.ramp, 3, 3, "FROM:TO:SECONDS");
    load.shape = load_shape::ramp;
    load.rate = n[0];
    load.rate_to = n[1];
    load.seconds = n[2];
    if (n[2] <= 0 || n[0] + n[1] <= 0)
      refuse("--ramp takes some seconds, and ends or begins above 0");
  } else if (given.at_once) {
    load.shape = load_shape::at_once;
    load.at_once = *given.at_once;
    if (load.at_once <= given.held)
      refuse(given.held == 0
                 ? "--at-once must be above 0"
                 : "--at-once must be above --held, since held calls are in progress as well");
  } else if (!given.sweep.empty()) {
    const auto n = numbers_in(given.sweep, 3, 3, "FROM:TO:STEPS");
    load.shape = load_shape::sweep;
    load.rate = n[0];
    load.rate_to = n[1];
    if (n[0] <= 0) refuse("--sweep begins above 0");
    must_lie("the number of steps of --sweep", n[2], 1, most_steps);
    if (n[2] != std::floor(n[2])) refuse("the number of steps of --sweep must be a whole one");
    load.step_count = static_cast<std::uint32_t>(n[2]);
  } else {
    const auto n = numbers_in(given.search, 2, 2, "FROM:HIGHEST");
    load.shape = load_shape::search;
    load.rate = n[0];
    load.rate_to = n[1];
    if (n[0] <= 0 || n[1] < n[0]) refuse("--search begins above 0 and goes upwards");
  }
  must_lie("a rate", std::max(load.rate, load.rate_to), 0, highest_rate);
  must_lie("--seconds", load.seconds, 0, longest_s);
  if (given.warm_up_s) must_lie("--warm-up", *given.warm_up_s, 0, longest_s);
  must_lie("--resolution", load.resolution, 0.0001, 1);
  const bool has_steps = load.shape == load_shape::search || load.shape == load_shape::sweep;
  if (load.seconds == 0 && has_steps)
    refuse("--seconds 0 has no end; --search and --sweep need steps that end");
  if (load.total != 0 && has_steps)
    refuse("--total is of the whole run, and would cut the later steps of --search and --sweep "
           "short; say with --seconds how long each step is");
  if (load.total != 0 && load.total <= given.held)
    refuse("--total must be above --held, since calls that fill up to --held count as well");
  load.warm_up_s = given.warm_up_s.value_or(load.total != 0 ? 0 : 1);
}

void take_calls(const typed& given, options& out) {
  call_settings& calls = out.calls;
  double longest_hold_s = 0;
  if (!given.hold.empty()) {
    if (given.held != 0) refuse("--hold and --held exclude each other");
    const auto n = numbers_in(given.hold, 1, 2, "SECONDS or FROM:TO");
    must_lie("--hold", n.back(), 0, longest_s);
    if (n.back() < n.front()) refuse("--hold goes from the shorter to the longer");
    calls.hold_ms = static_cast<std::uint32_t>(n.front() * 1000);
    calls.hold_spread_ms = static_cast<std::uint32_t>((n.back() - n.front()) * 1000);
    longest_hold_s = n.back();
  }
  out.load.deadline_s = calls.deadline_ms * 1e-3;
  out.load.calls_end = out.load.wind_up || given.hold.empty();
  calls.held = given.held;
  out.load.held = given.held;
  const load_settings& load = out.load;
  const double highest = std::max(load.rate, load.rate_to);
  const double needed =
      load.shape == load_shape::at_once
          ? load.at_once
          : given.held + highest * (longest_hold_s + calls.deadline_ms * 1e-3) + 1000;
  constexpr double most = 100e6;
  if (given.max_calls == 0 && needed > most)
    refuse("that many calls are never in progress; say --max-calls");
  calls.max_calls =
      given.max_calls != 0 ? given.max_calls : static_cast<std::uint32_t>(std::ceil(needed));
  if (calls.max_calls <= given.held) refuse("--max-calls must be above --held");
}

void take_others(const typed& given, options& out) {
  must_lie("--patience", out.patience_s, 0, longest_s);
  if (given.backlog_factor && out.watched.empty())
    refuse("--backlog-factor is of the waits of what --watch names; say --watch as well");
  out.backlog_factor = given.backlog_factor.value_or(out.backlog_factor);
  must_lie("--backlog-factor", out.backlog_factor, 1, 1000);
  out.verify = !given.no_verify;
  // Now, and not when hours of work are to be written there.
  if (!out.json_file.empty() && !std::ofstream(out.json_file, std::ios::app))
    refuse("--json: " + out.json_file +
           " cannot be written; does its folder exist, and may you write there?");
}

} // namespace

tl::expected<options, int> read_options(int argc, char** argv) {
  options out;
  typed given;
  out.port.file_prefix = "pktgen-" + std::to_string(getpid());
  out.calls.seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());

  CLI::App app("Plays callers and destinations of SIP calls on a DPDK port, and checks and times "
               "every message that comes through the device under test",
               "linehunt-pktgen");
  app.set_version_flag("--version", std::string(version));
  app.footer(
      "Arguments behind -- go to DPDK's EAL. SIGINT and SIGTERM end the step at hand and all "
      "calls; a second one leaves the calls where they are. Exit status: 0 every step passed and "
      "calls ended (a search: a rate was found), 1 not, 2 usage, 3 the port or the device under "
      "test is not there.\n"
      "Example:\n  linehunt-pktgen --device net_memif0,role=client,socket=/run/m.sock "
      "--target 10.9.0.1:5060 \\\n    --caller 10.9.0.10:5060 --call pstn=4930####### "
      "--call vm=VM_####### \\\n    --destination 10.9.0.21:5060=pstn,vm --rate 1000 "
      "--held 5000 --seconds 10");
  app.add_option("--device", out.port.device, "vdev with its arguments, or a PCI address");
  app.add_option("--target", given.target, "ADDRESS:PORT of the device under test")->required();
  app.add_option("--caller", given.callers, "ADDRESS:PORT that calls come from; repeatable")
      ->required();
  app.add_option("--destination", given.destinations,
                 "ADDRESS:PORT[-LAST]=RESOURCE,... that calls go to; repeatable")
      ->required();
  app.add_option("--call", given.kinds,
                 "RESOURCE=USER: a kind of call, # are varied digits; repeatable, evenly mixed")
      ->required();
  app.add_option("--rate", given.rate, "calls a second");
  app.add_option("--ramp", given.ramp, "FROM:TO:SECONDS, calls a second");
  app.add_option("--at-once", given.at_once, "closed loop: so many calls in progress");
  app.add_option("--sweep", given.sweep, "FROM:TO:STEPS, calls a second");
  app.add_option("--search", given.search,
                 "FROM:HIGHEST: the highest rate at which nothing is lost");
  app.add_option("--resolution", given.resolution,
                 "of --search: it ends where the lowest rate that failed is above the highest that "
                 "passed by no more than this share (0.02)");
  app.add_option("--tries", given.tries, "of --search: so often must a rate fail (1)")
      ->check(CLI::Range(1, 10));
  app.add_option("--seconds", given.seconds,
                 "measured, for each step; 0: no end (10; a ramp says it itself)");
  app.add_option("--warm-up", given.warm_up_s, "seconds before each step that do not count (1)");
  app.add_option("--total", out.load.total, "end after so many calls");
  app.add_option("--held", given.held, "keep so many calls answered; the oldest ends first");
  app.add_option("--fill-rate", given.fill_rate,
                 "calls a second at most until --held is reached; else what goes");
  app.add_flag("!--no-wind-up", out.load.wind_up, "leave the held calls where they are");
  app.add_option("--hold", given.hold, "SECONDS or FROM:TO that a call lasts once answered (0)");
  app.add_option("--deadline-ms", out.calls.deadline_ms, "what has not come by then is lost")
      ->check(CLI::Range(1, 15'000))
      ->capture_default_str();
  app.add_flag("--lossy", out.calls.lossy,
               "a request may come 500 ms or more after it was sent, when the device repeats it; "
               "else its first copy is lost");
  app.add_option("--max-calls", given.max_calls, "records; else what the load needs");
  app.add_option("--seed", out.calls.seed, "of all that varies; else the time");
  app.add_flag("--raw", out.raw,
               "packets of the same sizes, for a device that sends them back (5tswap)");
  app.add_flag("--no-checksums", given.no_verify, "do not verify those of what arrives");
  app.add_option("--core", out.port.core, "processor of the loop")->capture_default_str();
  app.add_flag("--hugepages", out.port.hugepages, "else ordinary memory");
  app.add_option("--memory-mb", out.port.memory_mb, "for DPDK")->capture_default_str();
  app.add_option("--mbufs", out.port.mbufs)->capture_default_str();
  app.add_option("--descriptors", out.port.descriptors, "of each queue")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
  app.add_flag("--drop-when-full", out.port.drop_when_full,
               "drop what the port does not take, as a wire would; else it waits");
  app.add_option("--file-prefix", out.port.file_prefix, "of DPDK");
  app.add_option("--patience", out.patience_s, "seconds to wait for the link and the device")
      ->capture_default_str();
  app.add_option("--watch", out.watched,
                 "thread of the device under test, by its number, on this machine: latencies are "
                 "told apart by whether it, or the generator, had to wait for its processor; "
                 "repeatable");
  app.add_option("--backlog-factor", given.backlog_factor,
                 "of --watch: so many times as long as a wait its effects last (5)");
  app.add_option("--json", out.json_file, "write the result to this file");
  app.add_flag("--quiet", out.quiet, "no line a second");

  std::vector<char*> ours(argv, argv + argc);
  if (const auto dashes = std::find_if(ours.begin(), ours.end(),
                                       [](const char* a) { return std::string_view(a) == "--"; });
      dashes != ours.end()) {
    for (auto a = dashes + 1; a != ours.end(); ++a)
      out.port.eal.emplace_back(*a);
    ours.erase(dashes, ours.end());
  }
  try {
    app.parse(static_cast<int>(ours.size()), ours.data());
    take_scene(given, out);
    take_load(given, out);
    take_calls(given, out);
    take_others(given, out);
  } catch (const CLI::Success& asked) {
    return tl::unexpected(app.exit(asked));
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(stderr, "linehunt-pktgen: %s (see linehunt-pktgen --help)\n", wrong.what());
    return tl::unexpected(2);
  }
  return out;
}

} // namespace linehunt::pktgen
