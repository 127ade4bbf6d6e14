// SPDX-License-Identifier: Apache-2.0
// How often one call may pass us: a proxy behind us may send it back, each time as a call of its
// own (RFC 3261 16.3 calls that a spiral). Whoever sends it once more has lost it in a loop.
#pragma once

#include <cstddef>

namespace linehunt::calls {

inline constexpr std::size_t max_passes = 4;

} // namespace linehunt::calls
