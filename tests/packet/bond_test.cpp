// SPDX-License-Identifier: Apache-2.0
// A bond of net_ring ports.
#include "running_balancer.h"

#include <chrono>
#include <gtest/gtest.h>

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

} // namespace
} // namespace linehunt::test
