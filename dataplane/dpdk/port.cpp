// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/port.h"

#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/eal.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <string_view>
#include <utility>

namespace linehunt::dpdk {

namespace {

// These have as many queues as their arguments say, and spread packets over all of them.
bool has_fixed_queues(std::string_view driver) {
  static constexpr std::array<std::string_view, 4> drivers{"net_af_packet", "net_af_xdp",
                                                           "net_ring", "net_pcap"};
  return std::ranges::find(drivers, driver) != drivers.end();
}

// Two drivers take no notice of descriptors, but of an argument.
std::size_t packets_in_rx_queue(std::string_view device, std::size_t descriptors) {
  const auto number = [&](std::string_view key, unsigned long otherwise) {
    const std::string text = device_argument(device, key);
    return text.empty() ? otherwise : std::strtoul(text.c_str(), nullptr, 10);
  };
  if (device.starts_with("net_af_packet")) return number("framecnt", 512);
  if (device.starts_with("net_memif")) return std::size_t{1} << std::min(number("rsize", 10), 14UL);
  return descriptors;
}

// Where the device has no address of its own (net_ring): a locally administered one.
rte_ether_addr made_up_mac(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
  for (const char c : name)
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  rte_ether_addr mac{};
  for (std::size_t i = 0; i < sizeof mac.addr_bytes; ++i)
    mac.addr_bytes[i] = static_cast<std::uint8_t>(hash >> (8 * i));
  mac.addr_bytes[0] = 0x02;
  return mac;
}

} // namespace

port::port(port&& other) noexcept
    : setup_(std::move(other.setup_)), station_(std::move(other.station_)), device_(other.device_),
      rx_queues_(other.rx_queues_), tx_queues_(other.tx_queues_), is_pci_(other.is_pci_),
      rx_interrupts_(other.rx_interrupts_), opened_(std::exchange(other.opened_, false)),
      started_(std::exchange(other.started_, false)) {}

port::~port() {
  stop();
  if (!opened_) return;
  // A vdev is taken off its bus as well, so that one of that name can be opened again.
  const std::string name = setup_.device.substr(0, setup_.device.find(','));
  if (is_pci_ || rte_eal_hotplug_remove("vdev", name.c_str()) != 0) rte_eth_dev_close(device_);
}

error port::failed(const std::string& what, int code) const {
  return {"port '" + setup_.name + "' (" + setup_.device + "): " + what + ": " +
          rte_strerror(code < 0 ? -code : code)};
}

tl::expected<port, error> port::probe(const port_setup& setup, worker_id workers) {
  port p(setup);
  p.is_pci_ = is_pci_address(setup.device);
  std::string device_name = setup.device.substr(0, setup.device.find(','));
  if (p.is_pci_ && device_name.size() == 7) device_name.insert(0, "0000:");
  // A device that is there already (EAL has probed it, or the process made it) is used as it is.
  if (rte_eth_dev_get_port_by_name(device_name.c_str(), &p.device_) != 0) {
    if (auto missing = check_device(setup)) return tl::unexpected(*missing);
    const auto comma = setup.device.find(',');
    const std::string arguments =
        comma == std::string::npos ? std::string() : setup.device.substr(comma + 1);
    const int rc = p.is_pci_ ? rte_eal_hotplug_add("pci", device_name.c_str(), arguments.c_str())
                             : rte_eal_hotplug_add("vdev", device_name.c_str(), arguments.c_str());
    if (rc != 0)
      return tl::unexpected(p.failed("DPDK cannot open the device; check its name, its arguments, "
                                     "and that its driver is installed",
                                     rc));
    if (rte_eth_dev_get_port_by_name(device_name.c_str(), &p.device_) != 0)
      return tl::unexpected(p.failed("the device gave no Ethernet port", ENODEV));
    p.opened_ = true;
  } else {
    p.opened_ = p.is_pci_;
  }

  rte_eth_dev_info info{};
  if (const int rc = rte_eth_dev_info_get(p.device_, &info); rc != 0)
    return tl::unexpected(p.failed("cannot read the device's capabilities", rc));
  if (setup.mtu_bytes > info.max_mtu || setup.mtu_bytes < info.min_mtu)
    return tl::unexpected(error{"port '" + setup.name + "': mtu " +
                                std::to_string(setup.mtu_bytes) + " is outside what " +
                                setup.device + " takes (" + std::to_string(info.min_mtu) + " to " +
                                std::to_string(info.max_mtu) + ")"});

  // memif connects queue by queue, and an unconnected one would lose what is sent through it.
  const std::string_view driver = info.driver_name;
  const auto queues = [&](std::uint16_t most) {
    if (has_fixed_queues(driver)) return most;
    if (driver == "net_memif") return std::uint16_t{1};
    return std::min<std::uint16_t>(most, workers);
  };
  p.rx_queues_ = std::max<std::uint16_t>(1, queues(info.max_rx_queues));
  p.tx_queues_ = std::max<std::uint16_t>(1, queues(info.max_tx_queues));
  if (driver == "net_tap") p.rx_queues_ = p.tx_queues_ = std::min(p.rx_queues_, p.tx_queues_);

  station& us = p.station_;
  if (const int rc = rte_eth_macaddr_get(p.device_, &us.mac); rc != 0)
    return tl::unexpected(p.failed("cannot read the MAC address", rc));
  if (rte_is_zero_ether_addr(&us.mac) != 0) us.mac = made_up_mac(device_name);
  us.vlan = setup.vlan;
  us.mtu_bytes = setup.mtu_bytes;
  us.addresses = setup.addresses;
  us.link_local = link_local_of(us.mac);
  for (const ip_address& g : setup.gateways)
    us.gateway[g.is_v6 ? 1 : 0] = g;
  return p;
}

tl::expected<void, error> port::configure() {
  rte_eth_dev_info info{};
  if (const int rc = rte_eth_dev_info_get(device_, &info); rc != 0)
    return tl::unexpected(failed("cannot read the device's capabilities", rc));

  rte_eth_conf conf{};
  conf.rxmode.mtu = setup_.mtu_bytes;
  if (rx_queues_ > 1 && info.flow_type_rss_offloads != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf =
        (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP) & info.flow_type_rss_offloads;
  }
  constexpr std::uint64_t tx_wanted = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
  constexpr std::uint64_t rx_wanted = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
  const bool can = (info.tx_offload_capa & tx_wanted) == tx_wanted;
  if (setup_.checksum == checksum_mode::offload && !can)
    return tl::unexpected(error{"port '" + setup_.name + "': " + setup_.device +
                                " cannot fill checksums; set checksum to \"software\" or "
                                "\"automatic\""});
  station_.offload_checksums = can && (setup_.checksum == checksum_mode::offload ||
                                       (setup_.checksum == checksum_mode::automatic && is_pci_));
  if (station_.offload_checksums) {
    conf.txmode.offloads |= tx_wanted;
    conf.rxmode.offloads |= rx_wanted & info.rx_offload_capa;
  }

  // Interrupts only let an idle worker sleep longer; a device without them is polled.
  const bool try_interrupts = is_pci_ || std::string_view(info.driver_name) == "net_tap";
  conf.intr_conf.rxq = try_interrupts ? 1 : 0;
  int rc = rte_eth_dev_configure(device_, rx_queues_, tx_queues_, &conf);
  if (rc != 0 && try_interrupts) {
    conf.intr_conf.rxq = 0;
    rc = rte_eth_dev_configure(device_, rx_queues_, tx_queues_, &conf);
  }
  if (rc != 0) return tl::unexpected(failed("cannot be configured", rc));
  rx_interrupts_ = conf.intr_conf.rxq != 0;
  return {};
}

tl::expected<void, error> port::start(const std::vector<rte_mempool*>& pools) {
  if (auto configured = configure(); !configured) return configured;
  std::uint16_t tx_descriptors = setup_.tx_descriptors;
  std::uint16_t rx_descriptors = setup_.rx_descriptors;
  if (const int rc = rte_eth_dev_adjust_nb_rx_tx_desc(device_, &rx_descriptors, &tx_descriptors);
      rc != 0)
    return tl::unexpected(failed("no such number of descriptors", rc));
  const auto node = static_cast<unsigned>(rte_eth_dev_socket_id(device_));
  for (std::uint16_t q = 0; q < rx_queues_; ++q)
    if (const int rc = rte_eth_rx_queue_setup(device_, q, rx_descriptors, node, nullptr,
                                              pools[q % pools.size()]);
        rc != 0)
      return tl::unexpected(failed("rx queue " + std::to_string(q) + " cannot be set up", rc));
  for (std::uint16_t q = 0; q < tx_queues_; ++q)
    if (const int rc = rte_eth_tx_queue_setup(device_, q, tx_descriptors, node, nullptr); rc != 0)
      return tl::unexpected(failed("tx queue " + std::to_string(q) + " cannot be set up", rc));
  if (const int rc = rte_eth_dev_start(device_); rc != 0)
    return tl::unexpected(failed("cannot be started", rc));
  started_ = true;
  rx_queue_packets_ = packets_in_rx_queue(setup_.device, rx_descriptors);
  take_group_frames();
  return {};
}

// Neighbour solicitations come to a group address. Devices differ in what they can do about it.
void port::take_group_frames() const noexcept {
  const bool speaks_v6 =
      std::ranges::any_of(station_.addresses, [](const port_address& a) { return a.ip.is_v6; });
  if (!speaks_v6) return;
  if (rte_eth_allmulticast_enable(device_) != 0) (void)rte_eth_promiscuous_enable(device_);
}

void port::stop() noexcept {
  if (!std::exchange(started_, false)) return;
  (void)rte_eth_allmulticast_disable(device_);
  (void)rte_eth_promiscuous_disable(device_);
  (void)rte_eth_dev_stop(device_);
}

} // namespace linehunt::dpdk
