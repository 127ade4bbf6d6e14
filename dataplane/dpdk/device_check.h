// SPDX-License-Identifier: Apache-2.0
// Says what is wrong with a configured device before DPDK does, in an operator's words.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <optional>
#include <string_view>

namespace linehunt::dpdk {

// "0000:01:00.0" or "01:00.0", with or without arguments.
[[nodiscard]] bool is_pci_address(std::string_view device) noexcept;
// Nothing: as far as can be seen from outside, the device is there.
[[nodiscard]] std::optional<error> check_device(const port_setup& setup);

} // namespace linehunt::dpdk
