// SPDX-License-Identifier: Apache-2.0
// Look-up of network devices: PCI addresses in sysfs, interfaces in this network namespace.
#include "control/config/devices.h"

#include "control/config/diagnostics.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <net/if.h>
#include <vector>

namespace linehunt::config {
namespace {

// vdevs of DPDK 22.11 that carry packets, and the argument that names a kernel interface.
struct vdev_driver {
  std::string_view prefix;
  std::string_view interface_argument; // must be there and exist; empty: none
};
constexpr std::array drivers{
    vdev_driver{"net_af_packet", "iface"},
    vdev_driver{"net_af_xdp", "iface"},
    vdev_driver{"net_tap", ""},
    vdev_driver{"net_memif", ""},
    vdev_driver{"net_pcap", ""},
    vdev_driver{"net_ring", ""},
    vdev_driver{"net_null", ""},
    vdev_driver{"net_vhost", ""},
    vdev_driver{"net_virtio_user", ""},
    vdev_driver{"virtio_user", ""},
    vdev_driver{"net_bonding", ""},
    vdev_driver{"net_failsafe", ""},
};

bool all_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

std::optional<std::string_view> argument(std::string_view device, std::string_view name) {
  std::size_t from = device.find(',');
  while (from != std::string_view::npos) {
    const std::size_t to = device.find(',', from + 1);
    const std::string_view item =
        device.substr(from + 1, to == std::string_view::npos ? to : to - from - 1);
    if (const std::size_t equals = item.find('=');
        equals != std::string_view::npos && item.substr(0, equals) == name)
      return item.substr(equals + 1);
    from = to;
  }
  return std::nullopt;
}

std::string_view driver_names() {
  return "net_af_xdp0,iface=eth1, net_af_packet0,iface=eth1, net_tap0,iface=tap0 or a PCI address "
         "such as 0000:3b:00.0";
}

} // namespace

bool is_pci_address(std::string_view device) noexcept {
  // A PCI device may bring arguments of its driver after a comma.
  device = device.substr(0, device.find(','));
  if (device.size() == 12 && device[4] == ':' && all_hex(device.substr(0, 4)))
    device.remove_prefix(5);
  return device.size() == 7 && device[2] == ':' && device[5] == '.' &&
         all_hex(device.substr(0, 2)) && all_hex(device.substr(3, 2)) && device[6] >= '0' &&
         device[6] <= '7';
}

device_catalog this_machine() {
  return {
      .has_interface = [](const std::string& name) { return ::if_nametoindex(name.c_str()) != 0; },
      .has_pci =
          [](const std::string& address) {
            std::error_code ignored;
            return std::filesystem::exists("/sys/bus/pci/devices/" + address, ignored);
          },
  };
}

std::optional<std::string> fault_of(std::string_view device, const device_catalog& devices) {
  if (is_pci_address(device)) {
    std::string address{device.substr(0, device.find(','))};
    if (address.size() == 7) address = "0000:" + address;
    if (devices.has_pci(address)) return std::nullopt;
    return fmt::format("device '{}' is missing: no such PCI device in /sys/bus/pci/devices; list "
                       "them with 'dpdk-devbind.py --status-dev net'",
                       device);
  }
  const std::string_view name = device.substr(0, device.find(','));
  const std::string_view bare = name.substr(0, name.find_last_not_of("0123456789") + 1);
  const auto* driver = std::ranges::find(drivers, bare, &vdev_driver::prefix);
  if (driver == drivers.end()) {
    return fmt::format("'{}' is no device that DPDK knows; write {}", device, driver_names());
  }
  if (name.size() == bare.size()) {
    return fmt::format("device '{}' has no number after its driver; write '{}0'", device, bare);
  }
  if (driver->interface_argument.empty()) return std::nullopt;
  const auto interface = argument(device, driver->interface_argument);
  if (!interface || interface->empty()) {
    return fmt::format("device '{}' names no interface; write '{},{}=eth1'", device, name,
                       driver->interface_argument);
  }
  if (devices.has_interface(std::string{*interface})) return std::nullopt;
  return fmt::format("device '{}' is missing: no network interface '{}' in this network "
                     "namespace; list them with 'ip link'",
                     device, *interface);
}

} // namespace linehunt::config
