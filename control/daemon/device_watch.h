// SPDX-License-Identifier: Apache-2.0
// Whether the devices of all ports are there. One that is not comes back by another start only.
// Belongs to the control thread.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <optional>
#include <string>
#include <vector>

namespace linehunt {

class device_watch {
 public:
  // The first time that one is lost: which, what happened, and what to do.
  [[nodiscard]] std::optional<std::string> look(const std::vector<dpdk::port_report>& ports);
  [[nodiscard]] bool lost() const noexcept { return lost_; }

 private:
  bool lost_ = false;
};

} // namespace linehunt
