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
// Redraws the list, with rates and the use of workers above it, until it is interrupted.
outcome watch(connection& daemon, const output_style& style, double interval_s, bool with_head);
outcome status(connection& daemon, const output_style& style, std::uint32_t id,
               std::optional<bool> enable);
outcome resize(connection& daemon, const output_style& style, std::uint32_t id,
               const std::string& resource, std::int32_t capacity);
outcome stats(connection& daemon, const output_style& style, const std::vector<std::string>& names,
              bool zeros);
outcome calls(connection& daemon, const output_style& style, const std::string& call_id);
outcome end(connection& daemon, const output_style& style, const std::string& call_id);
outcome reload(connection& daemon, const output_style& style);
// Prints events as they come, until the daemon ends or it is interrupted.
outcome events(connection& daemon, const output_style& style);
outcome version(connection& daemon, const output_style& style);

// The table of `list` for what lb_list answered.
[[nodiscard]] std::string list_text(const json& answer, bool bars);
void print(const std::string& text);
void print(const json& answer);

} // namespace linehunt::ctl
