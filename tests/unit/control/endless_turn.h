// SPDX-License-Identifier: Apache-2.0
// A turn that does not end: what a method answers at once is answered before dispatch returns.
#pragma once

#include "control/admin/turns.h"

namespace linehunt::admin {

[[nodiscard]] inline turns endless_turn() {
  return turns([](const turns::work&) {}, std::chrono::hours(1));
}

} // namespace linehunt::admin
