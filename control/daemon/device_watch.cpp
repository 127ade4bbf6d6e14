// SPDX-License-Identifier: Apache-2.0
// See device_watch.h.
#include "control/daemon/device_watch.h"

#include <algorithm>
#include <fmt/format.h>

namespace linehunt {

std::optional<std::string> device_watch::look(const std::vector<dpdk::port_report>& ports) {
  if (lost_) return std::nullopt;
  const auto lost = std::ranges::find_if(
      ports, [](const auto& p) { return p.device != dpdk::device_state::present; });
  if (lost == ports.end()) return std::nullopt;
  lost_ = true;
  if (lost->device == dpdk::device_state::removed)
    return fmt::format("port {}: its device was removed; put it back (dpdk-devbind.py --status-dev "
                       "net); linehunt ends, and opens it anew as systemd starts it again for two "
                       "minutes, and then by systemctl reset-failed and start",
                       lost->name);
  return fmt::format("port {}: its device has failed or was reset by the host, and wants to be "
                     "opened anew; linehunt ends for that: start it again where systemd does not",
                     lost->name);
}

} // namespace linehunt
