// SPDX-License-Identifier: Apache-2.0
// What the check of a configuration says of it, on a machine that has each device.
#pragma once

#include "control/config/load_file.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::config {

inline std::vector<std::string> told(std::string_view text) {
  diagnostics out("t.toml");
  (void)load_text(
      text, [](const auto&) { return std::nullopt; }, out);
  return out.lines();
}

} // namespace linehunt::config
