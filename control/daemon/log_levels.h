// SPDX-License-Identifier: Apache-2.0
// OpenSIPS' log levels (-3 alert, -2 critical, -1 error, 1 warning, 2 notice, 3 info, 4 debug) and
// those of spdlog.
#pragma once

#include <spdlog/common.h>

namespace linehunt {

// We log no notices: who asks for them gets warnings and what is worse.
[[nodiscard]] constexpr spdlog::level::level_enum spdlog_level(int level) noexcept {
  if (level >= 4) return spdlog::level::debug;
  if (level == 3) return spdlog::level::info;
  if (level >= 1) return spdlog::level::warn;
  return level >= -1 ? spdlog::level::err : spdlog::level::critical;
}

[[nodiscard]] constexpr int opensips_level(spdlog::level::level_enum level) noexcept {
  switch (level) {
  case spdlog::level::trace:
  case spdlog::level::debug:
    return 4;
  case spdlog::level::info:
    return 3;
  case spdlog::level::warn:
    return 1;
  case spdlog::level::err:
    return -1;
  case spdlog::level::critical:
    return -2;
  default:
    return -3;
  }
}

} // namespace linehunt
