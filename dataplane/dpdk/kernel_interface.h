// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a network interface of its own. Asked by ioctl and not read in /sys,
// which may show another network namespace than ours.
#pragma once

#include <string>

namespace linehunt::dpdk {

// Bytes; 0: it does not say.
[[nodiscard]] int interface_mtu(const std::string& name) noexcept;

// By its number (if_nametoindex), which outlives another name. Up, and with a carrier; one that is
// gone is not. True where the kernel cannot be asked.
[[nodiscard]] bool interface_is_up(unsigned index) noexcept;

} // namespace linehunt::dpdk
