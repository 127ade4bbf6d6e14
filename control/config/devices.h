// SPDX-License-Identifier: Apache-2.0
// Does a network device that the configuration names exist? Knows how DPDK writes PCI addresses
// and vdevs, but not DPDK.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::config {

// What exists on this machine; tests bring their own.
struct device_catalog {
  std::function<bool(const std::string& name)> has_interface;
  std::function<bool(const std::string& address)> has_pci;
};
[[nodiscard]] device_catalog this_machine();

// What is wrong with `device` and what to do; nothing where it is fine.
[[nodiscard]] std::optional<std::string> fault_of(std::string_view device,
                                                  const device_catalog& devices);

// "0000:3b:00.0" or "3b:00.0", as lspci prints it.
[[nodiscard]] bool is_pci_address(std::string_view device) noexcept;

} // namespace linehunt::config
