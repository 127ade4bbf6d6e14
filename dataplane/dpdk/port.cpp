// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/port.h"

#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/hugepage_check.h"
#include "dataplane/dpdk/kernel_interface.h"
#include "dataplane/dpdk/memif_socket.h"
#include "dataplane/dpdk/umem.h"
#include "dataplane/dpdk/xdp_sockets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <net/if.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <string_view>
#include <utility>

namespace linehunt::dpdk {

namespace {

constexpr std::uint16_t usual_mtu_bytes = 1500;

// These have as many queues as their arguments say, and spread packets over all of them.
bool has_fixed_queues(std::string_view driver) {
  static constexpr std::array<std::string_view, 4> drivers{"net_af_packet", "net_af_xdp",
                                                           "net_ring", "net_pcap"};
  return std::ranges::find(drivers, driver) != drivers.end();
}

// The interface that a tap makes in the kernel has the device's address as well, and each end would
// take the other's frames for its own. The device hands over all frames, whomever they are for.
rte_ether_addr beside(rte_ether_addr mac) {
  mac.addr_bytes[0] = (mac.addr_bytes[0] ^ 0x10) | RTE_ETHER_LOCAL_ADMIN_ADDR;
  return mac;
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

// As DPDK calls it.
std::string full_name(std::string name) {
  if (is_pci_address(name) && name.size() == 7) name.insert(0, "0000:");
  return name;
}

// In DPDK's interrupt thread. What was removed stays so.
int note_loss(std::uint16_t, rte_eth_event_type event, void* state, void*) {
  auto& now = *static_cast<std::atomic<device_state>*>(state);
  auto before = device_state::present;
  if (event == RTE_ETH_EVENT_INTR_RMV)
    now.store(device_state::removed, std::memory_order_relaxed);
  else
    now.compare_exchange_strong(before, device_state::needs_reset, std::memory_order_relaxed);
  return 0;
}

// The same thread. A card on vfio-pci that is pulled out, or bound to another driver, stays until
// we let it go; that it shall go is told to its bus, and not to its port.
void note_removal(const char*, rte_dev_event_type event, void* state) {
  if (event == RTE_DEV_EVENT_REMOVE)
    static_cast<std::atomic<device_state>*>(state)->store(device_state::removed,
                                                          std::memory_order_relaxed);
}

// On uio_pci_generic it goes without a word.
bool is_on_its_bus(const std::string& pci_address) {
  std::error_code failure;
  return std::filesystem::exists("/sys/bus/pci/devices/" + pci_address, failure) || failure;
}

constexpr std::array losses{RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_INTR_RMV};

} // namespace

port::port(port&& other) noexcept
    : setup_(std::move(other.setup_)), station_(std::move(other.station_)), device_(other.device_),
      rx_queues_(other.rx_queues_), tx_queues_(other.tx_queues_),
      rx_queue_packets_(other.rx_queue_packets_), xdp_sockets_(std::move(other.xdp_sockets_)),
      interface_(other.interface_), device_state_(std::move(other.device_state_)),
      is_pci_(other.is_pci_), is_bond_(other.is_bond_), rx_interrupts_(other.rx_interrupts_),
      filters_vlan_(other.filters_vlan_), opened_(std::exchange(other.opened_, false)),
      started_(std::exchange(other.started_, false)) {}

port::~port() {
  stop();
  if (!opened_) return;
  // A vdev is taken off its bus as well, so that one of that name can be opened again.
  const std::string name = device_name();
  if (is_pci_ || rte_eal_hotplug_remove("vdev", name.c_str()) != 0) rte_eth_dev_close(device_);
}

std::string port::device_name() const {
  return setup_.device.substr(0, setup_.device.find(','));
}

error port::failed(const std::string& what, int code) const {
  std::string line = "port '" + setup_.name + "' (" + setup_.device + "): " + what + ": " +
                     rte_strerror(code < 0 ? -code : code);
  // The queues of a card are on its own node, whichever that of its workers is.
  if (is_pci_ && (code == ENOMEM || code == -ENOMEM)) {
    const auto cards = cards_of(setup_);
    line +=
        "; " + how_to_get_more(rte_eal_has_hugepages() != 0, cards.empty() ? -1 : cards[0].node);
  }
  return {line};
}

tl::expected<port, error> port::probe(const port_setup& setup, worker_id workers) {
  port p(setup);
  p.is_pci_ = is_pci_address(setup.device);
  const std::string device_name = full_name(p.device_name());
  // A device that is there already (EAL has probed it, or the process made it) is used as it is.
  if (rte_eth_dev_get_port_by_name(device_name.c_str(), &p.device_) != 0) {
    if (auto missing = check_device(setup)) return tl::unexpected(*missing);
    if (auto barred = check_rights(setup)) return tl::unexpected(*barred);
    remove_left_memif_socket(setup.device);
    const auto comma = setup.device.find(',');
    const std::string arguments =
        comma == std::string::npos ? std::string() : setup.device.substr(comma + 1);
    const int rc = p.is_pci_ ? rte_eal_hotplug_add("pci", device_name.c_str(), arguments.c_str())
                             : rte_eal_hotplug_add("vdev", device_name.c_str(), arguments.c_str());
    if (rc != 0) {
      error wrong = p.failed("DPDK cannot open the device; check its name, its arguments, and that "
                             "its driver is installed; a card without an IOMMU also needs "
                             "hugepages = true",
                             rc);
      if (rte_eal_has_hugepages() != 0)
        if (const auto missing = check_hugepages(cards_of(setup), memory_of_node))
          wrong.message += "; " + missing->message;
      return tl::unexpected(wrong);
    }
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
  p.is_bond_ = driver == "net_bonding";
  const auto queues = [&](std::uint16_t most) {
    if (has_fixed_queues(driver)) return most;
    if (driver == "net_memif") return std::uint16_t{1};
    return std::min<std::uint16_t>(most, workers);
  };
  p.rx_queues_ = std::max<std::uint16_t>(1, queues(info.max_rx_queues));
  p.tx_queues_ = std::max<std::uint16_t>(1, queues(info.max_tx_queues));
  if (driver == "net_vmxnet3") p.rx_queues_ = std::bit_floor(p.rx_queues_);
  if (driver == "net_tap") p.rx_queues_ = p.tx_queues_ = std::min(p.rx_queues_, p.tx_queues_);

  station& us = p.station_;
  if (const int rc = rte_eth_macaddr_get(p.device_, &us.mac); rc != 0)
    return tl::unexpected(p.failed("cannot read the MAC address", rc));
  if (rte_is_zero_ether_addr(&us.mac) != 0) us.mac = made_up_mac(device_name);
  if (driver == "net_tap" && device_argument(setup.device, "remote").empty())
    us.mac = beside(us.mac);
  us.vlan = setup.vlan;
  us.mtu_bytes = setup.mtu_bytes;
  us.addresses = setup.addresses;
  us.link_local = link_local_of(us.mac);
  for (const ip_address& g : setup.gateways)
    us.gateway[g.is_v6 ? 1 : 0] = g;
  return p;
}

void port::know_of(const port& other) {
  if (!setup_.check_source) return;
  for (const port_address& a : other.setup_.addresses)
    station_.elsewhere.push_back({a.ip, a.prefix_bits});
}

tl::expected<void, error> port::configure(bool interrupts) {
  rte_eth_dev_info info{};
  if (const int rc = rte_eth_dev_info_get(device_, &info); rc != 0)
    return tl::unexpected(failed("cannot read the device's capabilities", rc));

  rte_eth_conf conf{};
  // What others send may be longer than what our own way out bears.
  conf.rxmode.mtu = std::clamp<std::uint32_t>(std::max(setup_.mtu_bytes, usual_mtu_bytes),
                                              info.min_mtu, info.max_mtu);
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
                                "\"auto\""});
  station_.offload_checksums = can && (setup_.checksum == checksum_mode::offload ||
                                       (setup_.checksum == checksum_mode::automatic && is_pci_));
  if (station_.offload_checksums) {
    conf.txmode.offloads |= tx_wanted;
    conf.rxmode.offloads |= rx_wanted & info.rx_offload_capa;
  }

  // A virtual function gets tagged frames of those VLANs alone that it has asked for.
  filters_vlan_ =
      setup_.vlan != 0 && is_pci_ && (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) != 0;
  if (filters_vlan_) conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_FILTER;

  rx_interrupts_ = interrupts && (is_pci_ || std::string_view(info.driver_name) == "net_tap");
  conf.intr_conf.rxq = rx_interrupts_ ? 1 : 0;
  conf.intr_conf.rmv = (*info.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0 ? 1 : 0;
  if (const int rc = rte_eth_dev_configure(device_, rx_queues_, tx_queues_, &conf); rc != 0)
    return tl::unexpected(failed("cannot be configured", rc));
  return {};
}

// Interrupts only let an idle worker sleep longer. Some devices have none, or too few, which some
// drivers say when they are configured and others when they are started.
tl::expected<void, error> port::start(const std::vector<rte_mempool*>& pools, bool interrupts) {
  std::vector<int> of_others;
  if (is_af_xdp(setup_.device)) of_others = open_xdp_sockets();
  auto started = start_once(pools, interrupts);
  if (!started && rx_interrupts_) started = start_once(pools, false);
  if (!started) return started;
  started_ = true;
  watch_device();
  if (is_af_xdp(setup_.device))
    std::ranges::set_difference(open_xdp_sockets(), of_others, std::back_inserter(xdp_sockets_));
  // The drivers of DPDK 22.11 on an interface of the kernel say that the link is up, whatever it
  // is.
  if (is_af_xdp(setup_.device) || setup_.device.starts_with("net_af_packet"))
    interface_ = if_nametoindex(device_argument(setup_.device, "iface").c_str());
  if (filters_vlan_)
    if (const int rc = rte_eth_dev_vlan_filter(device_, setup_.vlan, 1); rc != 0)
      return tl::unexpected(
          failed("cannot let VLAN " + std::to_string(setup_.vlan) + " through", rc));
  take_group_frames();
  return {};
}

tl::expected<void, error> port::start_once(const std::vector<rte_mempool*>& pools,
                                           bool interrupts) {
  if (auto configured = configure(interrupts); !configured) return configured;
  std::uint16_t tx_descriptors = setup_.tx_descriptors;
  std::uint16_t rx_descriptors = setup_.rx_descriptors;
  if (const int rc = rte_eth_dev_adjust_nb_rx_tx_desc(device_, &rx_descriptors, &tx_descriptors);
      rc != 0)
    return tl::unexpected(failed("no such number of descriptors", rc));
  int node = rte_eth_dev_socket_id(device_);
  // A processor socket without memory modules, say: then that of any other.
  if (const auto there = memory_of_node(node); there && !there->usable) node = SOCKET_ID_ANY;
  const auto socket = static_cast<unsigned>(node);
  rte_eth_dev_info info{};
  if (const int rc = rte_eth_dev_info_get(device_, &info); rc != 0)
    return tl::unexpected(failed("cannot read the device's capabilities", rc));
  rte_eth_rxconf rx = info.default_rxconf;
  // Else a queue that nobody empties in time holds up those of the other workers.
  if (is_pci_ && rx_queues_ > 1) rx.rx_drop_en = 1;
  for (std::uint16_t q = 0; q < rx_queues_; ++q)
    if (const int rc = rte_eth_rx_queue_setup(device_, q, rx_descriptors, socket, &rx,
                                              pools[q % pools.size()]);
        rc != 0)
      return tl::unexpected(failed("rx queue " + std::to_string(q) + " cannot be set up", rc));
  for (std::uint16_t q = 0; q < tx_queues_; ++q)
    if (const int rc = rte_eth_tx_queue_setup(device_, q, tx_descriptors, socket, nullptr); rc != 0)
      return tl::unexpected(failed("tx queue " + std::to_string(q) + " cannot be set up", rc));
  if (const int rc = rte_eth_dev_start(device_); rc != 0)
    return tl::unexpected(failed("cannot be started", rc));
  if (is_bond_) take_bond_mac();
  rx_queue_packets_ = packets_in_rx_queue(info.driver_name, setup_.device, rx_descriptors);
  return {};
}

// A bond has that of its arguments or its first member once it is configured, and that of its
// primary member once it is started.
void port::take_bond_mac() {
  rte_ether_addr mac{};
  if (rte_eth_macaddr_get(device_, &mac) == 0 && rte_is_zero_ether_addr(&mac) == 0)
    station_.mac = mac;
  else
    (void)rte_eth_dev_default_mac_addr_set(device_, &station_.mac);
  station_.link_local = link_local_of(station_.mac);

  // With LACP the driver of DPDK 22.11 tells it to none of them (https://bugs.dpdk.org, 1426), so
  // that cards other than the primary one would drop what is for us.
  if (device_argument(setup_.device, "mode") != "4") return;
  for (const std::string& name : bond_members(setup_.device)) {
    std::uint16_t member = 0;
    if (rte_eth_dev_get_port_by_name(full_name(name).c_str(), &member) != 0 ||
        rte_eth_macaddr_get(member, &mac) != 0 || rte_is_same_ether_addr(&mac, &station_.mac) != 0)
      continue;
    if (rte_eth_dev_mac_addr_add(member, &station_.mac, 0) != 0)
      (void)rte_eth_promiscuous_enable(device_);
  }
}

// Devices differ in what they can do about groups; a virtual function may be told that all of them
// are fine and get none but those named, and of a long list only the first ones.
void port::take_group_frames() const {
  constexpr std::size_t named_at_most = 28; // ixgbe's virtual functions: 30
  // With LACP the driver drops every group frame else, those to everybody (ARP) included.
  if (is_bond_) {
    if (rte_eth_allmulticast_enable(device_) != 0) (void)rte_eth_promiscuous_enable(device_);
    return;
  }
  std::vector<rte_ether_addr> groups = group_macs(station_);
  if (groups.empty()) return;
  const bool named = rte_eth_dev_set_mc_addr_list(device_, groups.data(),
                                                  static_cast<std::uint32_t>(groups.size())) == 0;
  if (named && groups.size() <= named_at_most) return;
  if (rte_eth_allmulticast_enable(device_) != 0 && !named)
    (void)rte_eth_promiscuous_enable(device_);
}

std::size_t port::mbufs_kept() const noexcept {
  // The driver's own numbers of those that wait for frames, and that were sent; its tx ring is as
  // long as that of rx.
  if (is_af_xdp(setup_.device))
    return std::size_t{rx_queues_} * 2048 +
           std::size_t{tx_queues_} * (std::size_t{setup_.rx_descriptors} + 2048);
  // A bond has queues of its own number on each of its cards. Other drivers copy, or give back at
  // once.
  const std::size_t cards = is_pci_ ? 1 : pci_members(setup_.device).size();
  return cards * (std::size_t{rx_queues_} * setup_.rx_descriptors +
                  std::size_t{tx_queues_} * setup_.tx_descriptors);
}

void port::watch_device() noexcept {
  for (const auto event : losses)
    (void)rte_eth_dev_callback_register(device_, event, note_loss, device_state_.get());
  if (is_pci_)
    (void)rte_dev_event_callback_register(full_name(device_name()).c_str(), note_removal,
                                          device_state_.get());
}

// Not while one of them is running, which is soon over.
void port::forget_device() noexcept {
  for (const auto event : losses)
    while (rte_eth_dev_callback_unregister(device_, event, note_loss, device_state_.get()) ==
           -EAGAIN)
      rte_pause();
  while (is_pci_ && rte_dev_event_callback_unregister(full_name(device_name()).c_str(),
                                                      note_removal, device_state_.get()) == -EAGAIN)
    rte_pause();
}

port_report port::report() const noexcept {
  port_report r;
  r.name = setup_.name;
  r.device = device_state_->load(std::memory_order_relaxed);
  if (is_pci_ && !is_on_its_bus(full_name(device_name()))) r.device = device_state::removed;
  r.numa_node = rte_eth_dev_socket_id(device_);
  rte_eth_stats stats{};
  if (rte_eth_stats_get(device_, &stats) == 0) {
    r.rx_missed = stats.imissed;
    r.rx_errors = stats.ierrors;
    r.rx_no_buffer = stats.rx_nombuf;
    r.tx_errors = stats.oerrors;
  }
  if (!xdp_sockets_.empty()) {
    const xdp_drops drops = dropped_by_kernel(xdp_sockets_);
    r.rx_missed = drops.rx_ring_full;
    r.rx_no_buffer += drops.no_buffer;
  }
  rte_eth_link link{};
  if (interface_ != 0)
    r.link_up = interface_is_up(interface_);
  else if (rte_eth_link_get_nowait(device_, &link) == 0)
    r.link_up = link.link_status != 0;
  return r;
}

void port::stop() noexcept {
  if (!std::exchange(started_, false)) return;
  forget_device();
  (void)rte_eth_allmulticast_disable(device_);
  (void)rte_eth_promiscuous_disable(device_);
  (void)rte_eth_dev_stop(device_);
}

} // namespace linehunt::dpdk
