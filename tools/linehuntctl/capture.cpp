// SPDX-License-Identifier: Apache-2.0
// linehuntctl capture: packets into a file, until a limit is reached or it is interrupted.
#include "dataplane/printable.h"
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/screen.h"
#include "tools/linehuntctl/table.h"

#include <fmt/format.h>

namespace linehunt::ctl {
namespace {

constexpr double look_interval_s = 0.2;

json parameters_of(const capture_wish& wish) {
  json all = json::object();
  if (!wish.name.empty()) all["name"] = wish.name;
  if (!wish.match.empty()) all["match"] = wish.match;
  if (!wish.port.empty()) all["port"] = wish.port;
  if (wish.seconds) all["seconds"] = *wish.seconds;
  if (wish.max_mb) all["max_mb"] = *wish.max_mb;
  if (wish.packets) all["packets"] = *wish.packets;
  if (wish.overwrite) all["overwrite"] = 1;
  return all;
}

bool runs(const json& state) {
  return state.value("state", "") == "running";
}

std::string file_of(const json& state) {
  return printable(state.value("file", ""));
}

// "1234 packets, 0.8 MB, 12 s", and what is missing.
std::string figures_of(const json& state) {
  const auto missed = state.value("missed", std::uint64_t{0});
  return fmt::format("{} packets, {:.1f} MB, {} s{}", state.value("packets", std::uint64_t{0}),
                     static_cast<double>(state.value("bytes", std::uint64_t{0})) / 1e6,
                     state.value("elapsed_ms", std::uint64_t{0}) / 1000,
                     missed == 0 ? "" : fmt::format(", {} missed", missed));
}

std::string reason_of(const json& state) {
  const std::string reason = state.value("reason", "");
  if (reason == "seconds") return fmt::format("after {} s", state.value("seconds", 0));
  if (reason == "max_mb") return fmt::format("at {} MB", state.value("max_mb", 0));
  if (reason == "packets") return fmt::format("at {} packets", state.value("max_packets", 0));
  return printable(reason);
}

outcome tell_end(const json& state, const output_style& style) {
  if (style.as_json)
    print(state);
  else if (state.value("state", "") == "none")
    print(std::string{"no capture yet\n"});
  else if (runs(state))
    print(fmt::format("{}: {}, goes on\n", file_of(state), figures_of(state)));
  else
    print(fmt::format("{}: {}, ended ({})\n", file_of(state), figures_of(state), reason_of(state)));
  const std::string error = state.value("error", "");
  if (error.empty()) return {};
  return tl::unexpected(fault{fault_kind::refused, printable(error)});
}

// In the place of the last one. "\x1b[K": nothing of that is left behind it.
void show_progress(const json& state, const output_style& style) {
  if (style.terminal && !style.as_json)
    print(fmt::format("\r{}, Ctrl-C ends it\x1b[K", figures_of(state)));
}

void clear_progress(const output_style& style) {
  if (style.terminal && !style.as_json) print(std::string{"\r\x1b[K"});
}

outcome told(connection& daemon, const output_style& style, std::string_view method) {
  const auto state = daemon.call(method);
  if (!state) return tl::unexpected(state.error());
  return tell_end(*state, style);
}

} // namespace

outcome capture(connection& daemon, const output_style& style, const capture_wish& wish) {
  if (wish.stop) return told(daemon, style, "capture_stop");
  if (wish.status) return told(daemon, style, "capture_status");
  const interruption watch; // from before it begins, so that none goes on unseen
  auto state = daemon.call("capture_start", parameters_of(wish));
  if (!state) return tl::unexpected(state.error());
  const std::string file = state->value("file", "");
  if (!style.as_json) print(fmt::format("captures to {}\n", printable(file)));
  while (runs(*state)) {
    show_progress(*state, style);
    const bool go_on = watch.pause(look_interval_s);
    // That one and no other: it may have ended, and somebody else begun the next.
    auto next =
        go_on ? daemon.call("capture_status") : daemon.call("capture_stop", json{{"file", file}});
    // Just ended by itself, or by somebody else.
    if (!next && !go_on) next = daemon.call("capture_status");
    if (!next) {
      clear_progress(style);
      return tl::unexpected(next.error());
    }
    if (next->value("file", "") != file) {
      clear_progress(style);
      return tl::unexpected(
          fault{fault_kind::refused,
                fmt::format("{} has ended, and somebody began another one", printable(file))});
    }
    state = std::move(next);
  }
  clear_progress(style);
  return tell_end(*state, style);
}

} // namespace linehunt::ctl
