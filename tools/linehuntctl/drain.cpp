// SPDX-License-Identifier: Apache-2.0
// linehuntctl drain: no new calls, or again; and waiting until the last has ended.
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/screen.h"

#include <fmt/format.h>
#include <optional>

namespace linehunt::ctl {
namespace {

constexpr double poll_interval_s = 0.2;

struct progress {
  bool draining = false;
  std::uint64_t calls = 0;
};

tl::expected<progress, fault> progress_of(connection& daemon) {
  const auto answer = daemon.call("get_statistics",
                                  {{"statistics", {"linehunt:draining", "dialog:active_dialogs"}}});
  if (!answer) return tl::unexpected(answer.error());
  const auto figure = [&](const char* name) {
    const auto found = answer->find(name);
    return found != answer->end() && found->is_number_unsigned()
               ? std::optional{found->get<std::uint64_t>()}
               : std::nullopt;
  };
  const auto draining = figure("linehunt:draining"), calls = figure("dialog:active_dialogs");
  if (!draining || !calls)
    return tl::unexpected(fault{fault_kind::refused,
                                "the daemon does not tell whether it drains, or how many calls are "
                                "in progress; use the linehuntctl of its version"});
  return progress{*draining != 0, *calls};
}

} // namespace

outcome drain(connection& daemon, const output_style& style, const drain_wish& wish) {
  const auto answer = daemon.call("drain", {{"on", wish.undo ? 0 : 1}});
  if (!answer) return tl::unexpected(answer.error());
  if (wish.undo) {
    if (style.as_json)
      print(*answer);
    else
      print(std::string{"new calls are taken again\n"});
    return {};
  }
  auto now = progress_of(daemon);
  const interruption watch;
  while (now && now->draining && wish.wait && now->calls != 0) {
    if (!watch.pause(poll_interval_s))
      return tl::unexpected(fault{fault_kind::refused,
                                  fmt::format("interrupted, {} calls are in progress; it goes on "
                                              "draining until linehuntctl drain --undo",
                                              now->calls)});
    now = progress_of(daemon);
  }
  if (!now) return tl::unexpected(now.error());
  if (!now->draining)
    return tl::unexpected(
        fault{fault_kind::refused,
              fmt::format("somebody has it take new calls again, {} are in progress", now->calls)});
  if (style.as_json)
    print(json{{"draining", true}, {"calls", now->calls}});
  else if (now->calls == 0)
    print(std::string{"no new calls, and none in progress\n"});
  else
    print(fmt::format("no new calls, {} in progress\n", now->calls));
  return {};
}

} // namespace linehunt::ctl
