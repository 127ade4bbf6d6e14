// SPDX-License-Identifier: Apache-2.0
// Says what is wrong with a configured device before DPDK does, in an operator's words.
#pragma once

#include "dataplane/dpdk/kernel_interface.h"
#include "dataplane/dpdk/runtime.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::dpdk {

// "0000:01:00.0" or "01:00.0", with or without arguments.
[[nodiscard]] bool is_pci_address(std::string_view device) noexcept;
// af_packet and af_xdp, which share an interface of the kernel.
[[nodiscard]] bool is_of_interface(std::string_view device) noexcept;
// The value of `key` in "name,key=value,key=value"; empty where it is not there.
[[nodiscard]] std::string device_argument(std::string_view device, std::string_view key);
// Of a bond, as its arguments name them: "net_bonding0,slave=0000:3b:00.0,slave=net_tap0".
[[nodiscard]] std::vector<std::string> bond_members(std::string_view device);
// PCI addresses that a vdev's arguments name, each once: "slave=0000:3b:00.0" of a bond,
// "dev(0000:3b:00.0)" of net_failsafe.
[[nodiscard]] std::vector<std::string> pci_members(std::string_view device);
// af_packet receives into slots of this size, and wants mbufs as large; 0 for other devices.
[[nodiscard]] std::size_t af_packet_slot_bytes(std::string_view device);
// How many packets an rx queue really holds, where so many descriptors are asked for: some drivers
// take less without a word, others take no notice of them, but of an argument.
[[nodiscard]] std::size_t packets_in_rx_queue(std::string_view driver, std::string_view device,
                                              std::size_t descriptors);
// Nothing: as far as can be seen from outside, the device is there.
[[nodiscard]] std::optional<error> check_device(const port_setup& setup);
// Nothing: this process may open it. Of af_packet and af_xdp, which say no more than what the
// kernel does.
[[nodiscard]] std::optional<error> check_rights(const port_setup& setup);
// Of af_xdp, where the interface receives on queues that nobody polls: what lands there goes to the
// kernel. An operator may have seen to it that nothing does, so it is no error. af_packet sees what
// comes on any queue.
[[nodiscard]] std::optional<error> check_queues(const port_setup& setup);
[[nodiscard]] std::optional<error> check_queues(const port_setup& setup, rx_channels there);
// Of af_packet and af_xdp, where the kernel has an address of the port itself.
[[nodiscard]] std::optional<error> check_kernel_addresses(const port_setup& setup);

} // namespace linehunt::dpdk
