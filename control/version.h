// SPDX-License-Identifier: Apache-2.0
// The version of this build, with its commit where it was built by tools/package. Knows nothing of
// what is compiled with it, which stays the same for another commit.
#pragma once

#include <string_view>

namespace linehunt {

extern const std::string_view version; // "0.1.0", "0.1.0+git20260401.120000.0123456789"

} // namespace linehunt
