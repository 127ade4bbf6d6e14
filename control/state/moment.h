// SPDX-License-Identifier: Apache-2.0
// When something was written, as a later run can tell: by the time since the machine's start, which
// nobody sets, and after another start by the wall clock.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace linehunt {

using wall_clock = std::chrono::system_clock;

struct moment {
  moment() = default;
  moment(wall_clock::time_point at) : wall(std::chrono::floor<std::chrono::microseconds>(at)) {}
  [[nodiscard]] static moment now();

  std::chrono::sys_time<std::chrono::microseconds> wall{};
  std::string start{};             // the kernel's name of it, boot_id; empty: not known
  std::chrono::microseconds up{0}; // CLOCK_BOOTTIME, which goes on while it is suspended
};

// Below zero: the wall clock was set back, or is wrong.
[[nodiscard]] std::chrono::microseconds age_of(const moment& then, const moment& now);

// Why a file of that age is not read, which is below zero.
[[nodiscard]] std::string dated_ahead(const std::string& path, std::chrono::microseconds age);

// Among the members of `head`, which is an object.
void put_moment(const moment& written, nlohmann::json& head);
// Throws json::exception where it has none. Before it had more, the wall clock was all.
[[nodiscard]] moment moment_in(const nlohmann::json& head);

} // namespace linehunt
