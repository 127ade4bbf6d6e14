// SPDX-License-Identifier: Apache-2.0
// What each configuration needs before it has a destination or a rule.
#pragma once

#include <string>

namespace linehunt::config {

// Six lines, and no device that is there.
inline const std::string one_port = R"([[port]]
name = "access"
device = "net_af_packet0,iface=eth1"
addresses = ["192.0.2.10/24"]
[[listen]]
address = "192.0.2.10"
)";

} // namespace linehunt::config
