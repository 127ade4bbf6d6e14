// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a network interface of its own. Asked by ioctl and not read in /sys,
// which may show another network namespace than ours.
#pragma once

#include "dataplane/address.h"

#include <optional>
#include <string>

namespace linehunt::dpdk {

// Bytes; 0: it does not say.
[[nodiscard]] int interface_mtu(const std::string& name) noexcept;

// Queues on which it may receive, as `ethtool -l` has them; 0: it does not say.
struct rx_channels {
  unsigned combined = 0; // with tx
  unsigned rx = 0;       // beside those
};
[[nodiscard]] rx_channels interface_rx_channels(const std::string& name) noexcept;

// Where the kernel has that address itself, of all its interfaces or of the named one. nullopt:
// nowhere, or it does not say.
struct kernel_address {
  std::string interface;
  unsigned prefix_bits = 0;
};
[[nodiscard]] std::optional<kernel_address> kernel_address_of(const ip_address& address,
                                                              const std::string& only_on);

// By its number (if_nametoindex), which outlives another name. Up, and with a carrier; one that is
// gone is not. True where the kernel cannot be asked.
[[nodiscard]] bool interface_is_up(unsigned index) noexcept;

// Whether this process may read frames of an interface, as af_packet and af_xdp do: 0, or the errno
// that the kernel gives.
[[nodiscard]] int packet_socket_refusal() noexcept;

} // namespace linehunt::dpdk
