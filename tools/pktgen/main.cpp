// SPDX-License-Identifier: Apache-2.0
// linehunt-pktgen. Exit status 0 all went through, 1 not, 2 usage, 3 no port or no device.
#include "tools/pktgen/big_pages.h"
#include "tools/pktgen/burst_loop.h"
#include "tools/pktgen/options.h"
#include "tools/pktgen/port.h"
#include "tools/pktgen/raw_player.h"
#include "tools/pktgen/report.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>

namespace linehunt::pktgen {
namespace {

constexpr int exit_not_clean = 1;
constexpr int exit_cannot_start = 3;

std::atomic<unsigned> signals{0}; // counted by their handlers, read by the loop

int cannot(const std::string& why) {
  std::fprintf(stderr, "linehunt-pktgen: %s\n", why.c_str());
  return exit_cannot_start;
}

// Of the machine. `monotonic_s` of the result is this where `began_s` is 0, so that others can tell
// what happened meanwhile.
double monotonic_s() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

nlohmann::json described(const options& o, const port& on) {
  return {{"device", o.port.device},
          {"driver", on.driver()},
          {"raw", o.raw},
          {"seed", o.calls.seed},
          {"target", std::string(to_text(o.cast.device))},
          {"callers", o.cast.callers.size()},
          {"destinations", o.cast.destinations.size()},
          {"kinds", o.cast.kinds.size()},
          {"held_wanted", o.calls.held},
          {"deadline_ms", o.calls.deadline_ms},
          {"records", o.calls.max_calls},
          {"bytes_per_call", call_player::bytes_per_call},
          {"checksums_verified", o.verify},
          {"monotonic_s", monotonic_s() - static_cast<double>(on.clock().now()) * 1e-9}};
}

bool write_json(const options& o, const port& on, const session& course, const burst_loop& loop,
                const disturbances& noise, unsigned mbufs_before, unsigned mbufs_after) {
  nlohmann::json out = described(o, on);
  out["steps"] = nlohmann::json::array();
  for (const step_result& s : course.steps())
    out["steps"].push_back(to_json(s));
  if (const auto found = course.found()) out["highest_rate_passed"] = *found;
  out["outside"] = to_json(course.outside());
  out["frames"] = {{"received", loop.counts().received},
                   {"foreign", loop.counts().foreign},
                   {"broken", loop.counts().broken},
                   {"tx_full_turns", on.full_turns()},
                   {"tx_dropped", on.dropped()}};
  if (noise.watching())
    out["disturbances"] = {
        {"device_waited_ms", static_cast<double>(noise.device_waited()) * 1e-6},
        {"generator_waited_ms", static_cast<double>(noise.generator_waited()) * 1e-6}};
  out["mbufs"] = {{"before", mbufs_before}, {"after", mbufs_after}};
  std::ofstream file(o.json_file);
  file << out.dump(1) << '\n';
  return static_cast<bool>(file.flush());
}

std::unique_ptr<traffic> players(const options& o, outbox& out, tally& count, memory_source& memory,
                                 time_ns now) {
  if (o.raw)
    return std::make_unique<raw_player>(message_sizes(o.cast), o.calls.deadline_ms, out, count);
  return std::make_unique<call_player>(o.cast, o.calls, out, count, memory, now);
}

int run(const options& o) {
  auto opened = port::open(o.port);
  if (!opened) return cannot(opened.error());
  port& on = **opened;
  if (const auto link = on.wait_for_link(o.patience_s); !link) return cannot(link.error());
  neighbourhood around(o.cast, on.mac());
  // What swaps addresses has none of its own to ask for.
  tl::expected<mac_address, std::string> device = broadcast_mac;
  if (!o.raw) device = on.find_device(around, o.patience_s);
  if (!device) return cannot(device.error());
  const frame_writer frames(o.cast, on.mac(), *device);
  on.use(&frames);
  on.release();
  const unsigned mbufs_before = on.mbufs_in_use();

  big_pages memory;
  tally ignored;
  std::unique_ptr<traffic> who;
  try {
    who = players(o, on, ignored, memory, on.clock().now());
  } catch (const std::bad_alloc&) {
    return cannot("not enough memory for " + std::to_string(o.calls.max_calls) + " calls of " +
                  std::to_string(call_player::bytes_per_call) + " bytes; lower --max-calls");
  }
  disturbances noise;
  if (!o.watched.empty())
    if (const std::string wrong = noise.watch(o.watched, o.backlog_factor); !wrong.empty())
      return cannot("--watch: " + wrong);
  session course(o.load, *who);
  bool ran = false;
  {
    progress told(o.quiet);
    burst_loop loop(on, around, o.cast, *who, course, told, o.verify);
    ran = loop.run(signals, noise);
    on.release();
    if (!o.json_file.empty() &&
        !write_json(o, on, course, loop, noise, mbufs_before, on.mbufs_in_use()))
      return cannot("cannot write " + o.json_file);
  }
  std::fputs(to_text(course, o.raw).c_str(), stdout);
  if (course.left_calls())
    std::fprintf(stderr, "linehunt-pktgen: %llu calls are left in the device\n",
                 static_cast<unsigned long long>(who->live()));
  if (!ran) return cannot("the port takes nothing any more; did the other side end?");
  if (o.load.shape == load_shape::search)
    std::printf("highest rate without loss: %.0f a second\n", course.found().value_or(0));
  return course.went_through() ? 0 : exit_not_clean;
}

} // namespace
} // namespace linehunt::pktgen

int main(int argc, char** argv) {
  using namespace linehunt::pktgen;
  const auto given = read_options(argc, argv);
  if (!given) return given.error();
  std::signal(SIGINT, [](int) { ++signals; });
  std::signal(SIGTERM, [](int) { ++signals; });
  return run(*given);
}
