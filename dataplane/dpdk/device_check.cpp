// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/device_check.h"

#include "dataplane/dpdk/station.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <net/if.h>
#include <string>

namespace linehunt::dpdk {

namespace {

namespace fs = std::filesystem;

// What a call of the kernel failed for, and what to do.
std::string told(int cause) {
  std::string text = std::strerror(cause);
  if (cause == EPERM) text += "; start it as root, or with CAP_NET_RAW and CAP_NET_ADMIN";
  if (cause == EMFILE) text += "; raise LimitNOFILE= of the unit, or `ulimit -n`";
  return text;
}

// af_packet copies frames into slots of `framesz` bytes, 2048 unless said, and silently drops what
// is longer; some 100 bytes of a slot are the kernel's.
std::optional<error> check_slots(const port_setup& setup) {
  const std::size_t slot = af_packet_slot_bytes(setup.device);
  if (setup.mtu_bytes + 18u + 100u <= slot) return std::nullopt;
  return error{"port '" + setup.name + "': mtu " + std::to_string(setup.mtu_bytes) +
               " does not fit af_packet's slots of " + std::to_string(slot) +
               " bytes; add framesz=16384,blocksz=16384 to device"};
}

std::optional<error> check_interface(const port_setup& setup, const std::string& driver) {
  const std::string name = device_argument(setup.device, "iface");
  if (name.empty())
    return error{"port '" + setup.name + "': " + driver + " needs an interface; write " +
                 "device = \"" + driver + ",iface=NAME\""};
  const int cause = if_nametoindex(name.c_str()) == 0 ? errno : 0;
  if (cause != 0 && cause != ENODEV)
    return error{"port '" + setup.name + "': cannot look for the network interface '" + name +
                 "': " + told(cause)};
  if (cause != 0)
    return error{"port '" + setup.name + "': there is no network interface '" + name +
                 "'; create it, or name another in device (`ip link` lists them)"};
  if (const int mtu = interface_mtu(name); mtu > 0 && mtu < setup.mtu_bytes)
    return error{"port '" + setup.name + "': mtu is " + std::to_string(setup.mtu_bytes) +
                 ", but interface '" + name + "' has " + std::to_string(mtu) +
                 "; lower mtu, or `ip link set " + name + " mtu " +
                 std::to_string(setup.mtu_bytes) + "`"};
  return std::nullopt;
}

std::optional<error> check_pci(const port_setup& setup, std::string address) {
  if (address.size() == 7) address.insert(0, "0000:");
  const fs::path device = fs::path("/sys/bus/pci/devices") / address;
  std::error_code ignored;
  if (!fs::exists(device, ignored))
    return error{"port '" + setup.name + "': there is no PCI device " + address +
                 "; `dpdk-devbind.py --status-dev net` lists them"};
  const std::string driver = fs::read_symlink(device / "driver", ignored).filename().string();
  // mlx4, mlx5 and mana stay with their kernel driver; all others need a userspace one.
  static constexpr std::array<std::string_view, 6> usable{"vfio-pci",  "uio_pci_generic", "igb_uio",
                                                          "mlx4_core", "mlx5_core",       "mana"};
  for (const std::string_view u : usable)
    if (driver == u) return std::nullopt;
  // vfio-pci takes no card without an IOMMU, in kernels as Debian 12 has them.
  const bool has_iommu = fs::exists(device / "iommu_group", ignored);
  const std::string wanted = has_iommu ? "vfio-pci" : "uio_pci_generic";
  return error{"port '" + setup.name + "': PCI device " + address + " is bound to " +
               (driver.empty() ? std::string("no driver") : "'" + driver + "'") + "; `modprobe " +
               wanted + "; dpdk-devbind.py --bind=" + wanted + " " + address + "` hands it over" +
               (has_iommu ? "" : ", or with an IOMMU (intel_iommu=on) vfio-pci")};
}

// What stands behind the device's name, between commas.
template <class Visit>
void for_each_argument(std::string_view device, const Visit& visit) {
  for (std::size_t at = device.find(','); at != std::string_view::npos;) {
    const std::size_t begin = at + 1;
    at = device.find(',', begin);
    visit(device.substr(begin, at - begin));
  }
}

std::vector<std::string> arguments_of(std::string_view device, std::string_view key) {
  std::vector<std::string> out;
  for_each_argument(device, [&](std::string_view item) {
    if (item.size() > key.size() && item.starts_with(key) && item[key.size()] == '=')
      out.emplace_back(item.substr(key.size() + 1));
  });
  return out;
}

// In the base in which its driver reads it; 0: that of its prefix, 0x or 0.
unsigned long device_number(std::string_view device, std::string_view key, unsigned long otherwise,
                            int base = 10) {
  const std::string text = device_argument(device, key);
  return text.empty() ? otherwise : std::strtoul(text.c_str(), nullptr, base);
}

} // namespace

bool is_of_interface(std::string_view device) noexcept {
  return device.starts_with("net_af_packet") || device.starts_with("net_af_xdp");
}

std::string device_argument(std::string_view device, std::string_view key) {
  const auto all = arguments_of(device, key);
  return all.empty() ? std::string{} : all.front();
}

std::vector<std::string> bond_members(std::string_view device) {
  return arguments_of(device, "slave");
}

std::vector<std::string> pci_members(std::string_view device) {
  std::vector<std::string> out;
  for_each_argument(device, [&](std::string_view item) {
    if (item.starts_with("dev(")) { // its ')' comes behind arguments, where it has some
      item.remove_prefix(4);
      if (item.ends_with(')')) item.remove_suffix(1);
    } else {
      item.remove_prefix(item.find('=') + 1); // none: npos + 1 is 0
    }
    // A bond's `primary` is one of its members.
    if (is_pci_address(item) && std::ranges::find(out, item) == out.end()) out.emplace_back(item);
  });
  return out;
}

std::size_t af_packet_slot_bytes(std::string_view device) {
  return device.starts_with("net_af_packet") ? device_number(device, "framesz", 2048) : 0;
}

std::size_t packets_in_rx_queue(std::string_view driver, std::string_view device,
                                std::size_t descriptors) {
  const auto number = [&](std::string_view key, unsigned long otherwise) {
    return device_number(device, key, otherwise);
  };
  // The ring is the other side's: of 256 in QEMU and in virtio_user, unless said.
  constexpr std::size_t usual_virtio_ring = 256;
  if (driver == "net_af_packet") return number("framecnt", 512);
  if (driver == "net_memif") return std::size_t{1} << std::min(number("rsize", 10), 14UL);
  if (driver == "net_virtio_user")
    return std::min(descriptors, device_number(device, "queue_size", usual_virtio_ring, 0));
  if (driver == "net_virtio" || driver == "net_vhost")
    return std::min(descriptors, usual_virtio_ring);
  return descriptors;
}

bool is_pci_address(std::string_view device) noexcept {
  std::string_view d = device.substr(0, device.find(','));
  const auto hex = [&](std::size_t at, std::size_t n) {
    if (at + n > d.size()) return false;
    for (std::size_t i = at; i < at + n; ++i)
      if (std::isxdigit(static_cast<unsigned char>(d[i])) == 0) return false;
    return true;
  };
  if (d.size() == 12 && hex(0, 4) && d[4] == ':') d.remove_prefix(5);
  return d.size() == 7 && hex(0, 2) && d[2] == ':' && hex(3, 2) && d[5] == '.' && hex(6, 1);
}

std::optional<error> check_device(const port_setup& setup) {
  if (setup.device.empty())
    return error{"port '" + setup.name +
                 "': no device; name a PCI address or a DPDK vdev such as "
                 "\"net_af_packet0,iface=eth1\""};
  const std::string name = setup.device.substr(0, setup.device.find(','));
  if (is_pci_address(setup.device)) return check_pci(setup, name);
  for (const std::string& card : pci_members(setup.device))
    if (auto missing = check_pci(setup, card)) return missing;
  if (name.starts_with("net_af_packet"))
    if (auto too_long = check_slots(setup)) return too_long;
  if (is_of_interface(name)) return check_interface(setup, name);
  std::error_code ignored;
  if (name.starts_with("net_tap") && !fs::exists("/dev/net/tun", ignored))
    return error{"port '" + setup.name + "': /dev/net/tun is missing; `modprobe tun`"};
  if (name.starts_with("net_pcap"))
    if (const std::string file = device_argument(setup.device, "rx_pcap");
        !file.empty() && !fs::exists(file, ignored))
      return error{"port '" + setup.name + "': there is no file '" + file + "'"};
  return std::nullopt;
}

std::optional<error> check_rights(const port_setup& setup) {
  const int refusal = is_of_interface(setup.device) ? packet_socket_refusal() : 0;
  if (refusal == 0) return std::nullopt;
  return error{"port '" + setup.name +
               "': cannot open a socket for the frames of an interface: " + told(refusal)};
}

std::optional<error> check_queues(const port_setup& setup) {
  return check_queues(setup, interface_rx_channels(device_argument(setup.device, "iface")));
}

std::optional<error> check_queues(const port_setup& setup, rx_channels there) {
  if (!setup.device.starts_with("net_af_xdp")) return std::nullopt;
  const auto number = [&](std::string_view key, unsigned long otherwise) {
    return device_number(setup.device, key, otherwise);
  };
  const unsigned long first = number("start_queue", 0), polled = number("queue_count", 1);
  const unsigned long queues = there.combined + there.rx;
  if (polled >= queues) return std::nullopt;
  const std::string name = device_argument(setup.device, "iface");
  const std::string count = std::to_string(polled);
  const std::string command =
      first == 0 ? "`ethtool -L " + name + (there.combined != 0 ? " combined " : " rx ") + count
                 : "`ethtool -X " + name + " start " + std::to_string(first) + " equal " + count;
  return error{"port '" + setup.name + "': interface '" + name + "' receives on " +
               std::to_string(queues) + " queues, of which device polls " + count +
               "; what lands on the others is lost without being counted. " + command +
               "`, or write start_queue=0,queue_count=" + std::to_string(queues) + " in device"};
}

std::optional<error> check_kernel_addresses(const port_setup& setup) {
  if (!is_of_interface(setup.device)) return std::nullopt;
  for (const port_address& own : setup.addresses) {
    // Each link has link-local ones of its own (RFC 4291 2.5.6); which interface of the kernel's is
    // on the same VLAN, or is a bridge of this one, is not looked for.
    const bool of_link = is_link_local(own.ip);
    if (of_link && setup.vlan != 0) continue;
    const auto there =
        kernel_address_of(own.ip, of_link ? device_argument(setup.device, "iface") : std::string{});
    if (!there) continue;
    const std::string text{std::string_view{to_text(own.ip)}};
    return error{"port '" + setup.name + "': the kernel has " + text + " itself, on interface '" +
                 there->interface +
                 "', and answers beside linehunt; give the port an address of its own, or "
                 "`ip address del " +
                 text + "/" + std::to_string(there->prefix_bits) + " dev " + there->interface +
                 "`"};
  }
  return std::nullopt;
}

} // namespace linehunt::dpdk
