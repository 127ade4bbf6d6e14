// SPDX-License-Identifier: Apache-2.0
// Spelling of DPDK devices.
#include "control/config/devices.h"

#include "dataplane/dpdk/device_check.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

// vdevs of DPDK 22.11 that carry packets.
constexpr std::array<std::string_view, 12> drivers{
    "net_af_packet", "net_af_xdp", "net_tap",         "net_memif",   "net_pcap",    "net_ring",
    "net_null",      "net_vhost",  "net_virtio_user", "virtio_user", "net_bonding", "net_failsafe"};

} // namespace

std::optional<std::string> misspelling(std::string_view device) {
  if (dpdk::is_pci_address(device)) return std::nullopt;
  const std::string_view name = device.substr(0, device.find(','));
  const std::string_view driver = name.substr(0, name.find_last_not_of("0123456789") + 1);
  if (std::ranges::find(drivers, driver) == drivers.end())
    return fmt::format("'{}' is no device that DPDK knows; write for example "
                       "net_af_xdp0,iface=eth1, net_af_packet0,iface=eth1, net_tap0,iface=tap0 or "
                       "a PCI address such as 0000:3b:00.0",
                       device);
  if (name.size() == driver.size())
    return fmt::format("device '{}' has no number behind its driver; write '{}0'", device, driver);
  return std::nullopt;
}

} // namespace linehunt::config
