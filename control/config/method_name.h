// SPDX-License-Identifier: Apache-2.0
// Names of SIP methods as people write them.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>

namespace linehunt::config {

// All methods that are registered are in upper case, and others are other methods (RFC 3261 7.1).
[[nodiscard]] inline std::string in_upper_case(std::string method) {
  std::ranges::transform(method, method.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return method;
}

} // namespace linehunt::config
