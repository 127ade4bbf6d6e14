// SPDX-License-Identifier: Apache-2.0
// The version of this build.
#pragma once

#include <string_view>

namespace linehunt {

inline constexpr std::string_view version = LINEHUNT_VERSION;

} // namespace linehunt
