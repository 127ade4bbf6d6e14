// SPDX-License-Identifier: Apache-2.0
// linehuntctl drain: no new calls, or again; and waiting until the last has ended.
#include "tools/linehuntctl/commands.h"
#include "tools/linehuntctl/screen.h"

#include <fmt/format.h>

namespace linehunt::ctl {
namespace {

constexpr double poll_interval_s = 0.2;

tl::expected<std::uint64_t, fault> calls_left(connection& daemon) {
  const auto answer = daemon.call("get_statistics", {{"statistics", {"dialog:active_dialogs"}}});
  if (!answer) return tl::unexpected(answer.error());
  return answer->value("dialog:active_dialogs", std::uint64_t{0});
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
  auto left = calls_left(daemon);
  if (!left) return tl::unexpected(left.error());
  const interruption watch;
  while (wish.wait && *left != 0) {
    if (!watch.pause(poll_interval_s))
      return tl::unexpected(fault{fault_kind::refused,
                                  fmt::format("interrupted, {} calls are in progress; it goes on "
                                              "draining until linehuntctl drain --undo",
                                              *left)});
    left = calls_left(daemon);
    if (!left) return tl::unexpected(left.error());
  }
  if (style.as_json)
    print(json{{"draining", true}, {"calls", *left}});
  else if (*left == 0)
    print(std::string{"no new calls, and none in progress\n"});
  else
    print(fmt::format("no new calls, {} in progress\n", *left));
  return {};
}

} // namespace linehunt::ctl
