// SPDX-License-Identifier: Apache-2.0
// See write_trouble.h.
#include "control/state/write_trouble.h"

#include <spdlog/spdlog.h>
#include <utility>

namespace linehunt {

void write_trouble::note(const std::string& failure) {
  if (failure.empty()) {
    if (std::exchange(told_, false)) spdlog::info("{} is written again", file_);
  } else if (!std::exchange(told_, true)) {
    spdlog::error("{} cannot be written: {}; it is tried again, and until then a restart would "
                  "forget {}",
                  file_, failure, forgotten_);
  }
}

} // namespace linehunt
