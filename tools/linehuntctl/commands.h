// SPDX-License-Identifier: Apache-2.0
// The commands of linehuntctl, one source file each.
#pragma once

#include "tools/linehuntctl/connection.h"

#include <optional>
#include <string>
#include <vector>

namespace linehunt::ctl {

struct output_style {
  bool as_json = false;
  bool terminal = false; // stdout is one: bars, colours, redrawing
};

using outcome = tl::expected<void, fault>;

outcome list(connection& daemon, const output_style& style);
// The list again and again; `top` with rates and the use of workers above it. Until so many frames
// are drawn (0: no end), or it is interrupted.
struct repetition {
  double interval_s = 1;
  unsigned frames = 0;
};
outcome watch(connection& daemon, const output_style& style, const repetition& how);
outcome top(connection& daemon, const output_style& style, const repetition& how);
outcome status(connection& daemon, const output_style& style, std::uint32_t id,
               std::optional<bool> enable);
outcome resize(connection& daemon, const output_style& style, std::uint32_t id,
               const std::string& resource, std::int32_t capacity);
outcome stats(connection& daemon, const output_style& style, const std::vector<std::string>& names,
              bool zeros);
// Which of the live calls are shown; those that are absent do not matter.
struct call_filter {
  std::string call_id; // empty: any
  std::string party;   // a part of the From or To URI
  std::optional<std::uint32_t> destination;
  std::optional<bool> answered;
  std::optional<std::int64_t> older_s, younger_s;
};
outcome calls(connection& daemon, const output_style& style, const call_filter& wanted);
outcome end(connection& daemon, const output_style& style, const std::string& call_id);
struct drain_wish {
  bool undo = false;
  bool wait = false; // until no call is in progress
};
outcome drain(connection& daemon, const output_style& style, const drain_wish& wish);
// What is absent is as the daemon has it.
struct capture_wish {
  std::string name, match, port;
  std::optional<std::uint64_t> seconds, max_mb, packets;
  bool overwrite = false;
  bool stop = false, status = false; // of the one that runs, instead
};
outcome capture(connection& daemon, const output_style& style, const capture_wish& wish);
// An empty level: says which it is.
outcome log(connection& daemon, const output_style& style, const std::string& level);
outcome reload(connection& daemon, const output_style& style);
// Prints events as they come, until the daemon ends, it is interrupted, or nobody can have them.
outcome events(connection& daemon, const output_style& style);
outcome version(connection& daemon, const output_style& style);

// Its word for a destination of what lb_list answered, and the table for all of them.
[[nodiscard]] std::string state_of(const json& destination);
[[nodiscard]] std::string list_text(const json& answer, bool bars);
// To standard output, at once. Nothing more is written after something was lost, as to a full disk;
// the exit status tells. What goes on without end asks and ends.
void print(const std::string& text);
void print(const json& answer);
[[nodiscard]] bool output_is_lost() noexcept;
[[nodiscard]] std::string line_of(const json& answer); // one, with its end

} // namespace linehunt::ctl
