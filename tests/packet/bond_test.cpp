// SPDX-License-Identifier: Apache-2.0
// A bond of net_ring ports.
#include "dataplane/dpdk/port.h"
#include "running_balancer.h"

#include <gtest/gtest.h>
#include <stdexcept>

namespace linehunt::test {
namespace {

constexpr std::uint16_t slow_protocols = 0x8809; // IEEE 802.3 57A

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
  const auto lacpdu = [](std::string_view f) { return ethertype_of(f) == slow_protocols; };
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(link.take_one(lacpdu)) << "LACPDU " << i;
  EXPECT_EQ((*started)->report(0).tx_packets, 0u);
}

TEST(bond, keeps_mbufs_in_the_queues_of_its_cards) {
  const auto kept = [](const std::string& members) {
    dpdk::port_setup setup;
    setup.name = "lan";
    setup.device = "net_bonding1,mode=1," + members;
    setup.rx_descriptors = 1024;
    setup.tx_descriptors = 512;
    const auto port = dpdk::port::probe(setup, 3);
    return port ? port->mbufs_kept() : throw std::runtime_error(port.error().message);
  };
  EXPECT_EQ(kept("slave=0000:3b:00.0,slave=0000:3b:00.1,primary=0000:3b:00.0"),
            2u * 3 * (1024 + 512));
  EXPECT_EQ(kept("slave=net_tap0,slave=net_tap1"), 0u) << "which copies";
}

} // namespace
} // namespace linehunt::test
