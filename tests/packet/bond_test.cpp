// SPDX-License-Identifier: Apache-2.0
// A bond of net_ring ports.
#include "dataplane/dpdk/port.h"
#include "running_balancer.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <iterator>
#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <stdexcept>
#include <utility>

namespace linehunt::test {
namespace {

constexpr std::uint16_t slow_protocols = 0x8809; // IEEE 802.3 57A

bool is_lacpdu(std::string_view frame) {
  return ethertype_of(frame) == slow_protocols;
}

// What a switch says that agrees to everything (IEEE 802.1AX 6.4.2): its own port as the actor, and
// the asker's as the partner.
std::string agreement_to(std::string_view lacpdu) {
  constexpr std::size_t actor = 18, partner = 38, params_and_state = 15;
  constexpr std::size_t system = 2, state = 14; // within those
  std::string out(lacpdu);
  out.replace(6, 6, raw(peer_mac));
  out.replace(partner, params_and_state, lacpdu.substr(actor, params_and_state));
  out.replace(actor + system, 6, raw(peer_mac));
  out[actor + state] = 0x3f; // active, short timeouts, aggregated, in sync, collects, distributes
  return out;
}

mac_bytes bytes_of_mac(const rte_ether_addr& mac) {
  mac_bytes out{};
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), out.begin());
  return out;
}

mac_bytes mac_of(std::uint16_t device) {
  rte_ether_addr mac{};
  if (rte_eth_macaddr_get(device, &mac) != 0) throw std::runtime_error("no MAC");
  return bytes_of_mac(mac);
}

std::uint16_t device_called(const std::string& name) {
  std::uint16_t device = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &device) != 0)
    throw std::runtime_error("no " + name);
  return device;
}

dpdk::port running_port(const std::string& device) {
  dpdk::port_setup setup;
  setup.name = "lan";
  setup.device = device;
  setup.addresses = {{ip("192.0.2.1"), 24}};
  auto port = dpdk::port::probe(setup, 1);
  if (!port) throw std::runtime_error(port.error().message);
  if (auto done = port->start({&pool()}, false); !done)
    throw std::runtime_error(done.error().message);
  return std::move(*port);
}

TEST(bond, speaks_lacp_while_nothing_is_sent) {
  wire link("member", 1);
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  port.name = "lan";
  port.device = "net_bonding0,mode=4,slave=" + link.device();
  setup.ports = {port}; // without an address: nothing is announced
  setup.cores = {0};
  setup.mbufs = 1024;
  const auto started = dpdk::runtime::start(setup, std::make_unique<snapshot>());
  ASSERT_TRUE(started) << started.error().message;
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(link.take_one(is_lacpdu)) << "LACPDU " << i;
  EXPECT_EQ((*started)->report(0).tx_packets, 0u);
}

TEST(bond, answers_to_everybody_and_receives_what_is_sent_to_its_mac) {
  wire link("member", 1);
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  port.name = "lan";
  port.device = "net_bonding2,mode=4,slave=" + link.device();
  port.addresses = {{ip("192.0.2.1"), 24}};
  setup.ports = {port};
  setup.cores = {0};
  setup.mbufs = 1024;
  const auto started = dpdk::runtime::start(setup, std::make_unique<snapshot>());
  ASSERT_TRUE(started) << started.error().message;

  // Nothing is received before the switch has agreed, which takes some seconds.
  const std::string question =
      arp_frame(1, peer_mac, ip("192.0.2.10"), {}, ip("192.0.2.1"), {broadcast_mac, peer_mac, 0});
  std::string answer;
  unsigned turn = 0;
  EXPECT_TRUE(eventually([&] {
    if (turn++ % 100 == 0) link.put(question);
    for (const std::string& frame : link.take())
      if (is_lacpdu(frame))
        link.put(agreement_to(frame));
      else if (frame.starts_with(raw(peer_mac)))
        answer = frame;
    return !answer.empty();
  }));
  const mac_bytes mac = mac_of(device_called("net_bonding2"));
  EXPECT_EQ(hex(answer), hex(arp_frame(2, mac, ip("192.0.2.1"), peer_mac, ip("192.0.2.10"),
                                       {peer_mac, mac, 0})));

  link.put(udp_frame(endpoint_of("192.0.2.10:5060"), endpoint_of("192.0.2.1:5060"), "\r\n\r\n",
                     {mac, peer_mac, 0}));
  EXPECT_TRUE(eventually([&] {
    const auto report = (*started)->report(0); // nobody listens in an empty world
    return report.verdicts[static_cast<std::size_t>(verdict::dropped_other_port)] == 1;
  }));
}

TEST(bond, has_the_mac_of_its_arguments_as_all_its_cards) {
  wire one("one", 1), other("other", 1);
  const auto port = running_port("net_bonding3,mode=4,mac=02:00:00:00:00:77,slave=" + one.device() +
                                 ",slave=" + other.device());
  const mac_bytes wanted{0x02, 0, 0, 0, 0, 0x77};
  EXPECT_EQ(bytes_of_mac(port.us().mac), wanted);
  EXPECT_EQ(port.us().link_local, ip("fe80::ff:fe00:77"));
  EXPECT_EQ(mac_of(port.device()), wanted);
  EXPECT_EQ(mac_of(device_called(one.device())), wanted);
  EXPECT_EQ(mac_of(device_called(other.device())), wanted);
  EXPECT_EQ(rte_eth_allmulticast_get(port.device()), 1);
}

TEST(bond, has_a_made_up_mac_where_its_cards_have_none) {
  wire link("member", 1);
  const auto port = running_port("net_bonding4,mode=4,slave=" + link.device());
  EXPECT_NE(bytes_of_mac(port.us().mac), mac_bytes{});
  EXPECT_EQ(mac_of(port.device()), bytes_of_mac(port.us().mac));
}

TEST(bond, has_the_mac_of_its_primary_card) {
  (void)pool(); // EAL runs
  const std::array names{"net_null1", "net_null2"};
  for (const char* const name : names)
    ASSERT_EQ(rte_vdev_init(name, ""), 0);
  {
    const mac_bytes primary = mac_of(device_called(names[1]));
    const auto port =
        running_port("net_bonding5,mode=1,slave=net_null1,slave=net_null2,primary=net_null2");
    EXPECT_EQ(bytes_of_mac(port.us().mac), primary);
    EXPECT_EQ(mac_of(port.device()), primary);
  }
  for (const char* const name : names)
    (void)rte_vdev_uninit(name);
}

TEST(bond, keeps_mbufs_in_the_queues_of_its_cards) {
  const auto kept = [](const std::string& members) {
    dpdk::port_setup setup;
    setup.name = "lan";
    setup.device = "net_bonding1,mode=1," + members;
    setup.rx_descriptors = 1024;
    setup.tx_descriptors = 512;
    // A device that is there already is not asked for its cards, which are not.
    EXPECT_EQ(rte_vdev_init("net_bonding1", ("mode=1," + members).c_str()), 0);
    std::size_t mbufs = 0;
    {
      const auto port = dpdk::port::probe(setup, 3);
      if (!port) throw std::runtime_error(port.error().message);
      mbufs = port->mbufs_kept();
    }
    (void)rte_vdev_uninit("net_bonding1");
    return mbufs;
  };
  EXPECT_EQ(kept("slave=0000:3b:00.0,slave=0000:3b:00.1,primary=0000:3b:00.0"),
            2u * 3 * (1024 + 512));
  EXPECT_EQ(kept("slave=net_tap0,slave=net_tap1"), 0u) << "which copies";
}

} // namespace
} // namespace linehunt::test
