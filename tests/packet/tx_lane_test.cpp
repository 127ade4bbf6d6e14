// SPDX-License-Identifier: Apache-2.0
// A worker's own tx queue, of a port whose driver refuses some of the frames that it is to prepare.
#include "dataplane/dpdk/tx_lane.h"
#include "packet_bed.h"
#include "wire.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <optional>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::test {
namespace {

using frames = std::vector<std::string>;

// As a driver does of a frame whose offloads it cannot do.
std::uint16_t refuse_those_with_r(void*, rte_mbuf** packets, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count; ++i)
    if (bytes_of(*packets[i]).front() == 'r') {
      rte_errno = EINVAL;
      return i;
    }
  return count;
}

class refusing_port : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(rte_eth_dev_get_port_by_name(link.device().c_str(), &device), 0);
    const rte_eth_conf plain{};
    ASSERT_EQ(rte_eth_dev_configure(device, 1, 1, &plain), 0);
    ASSERT_EQ(rte_eth_rx_queue_setup(device, 0, 64, SOCKET_ID_ANY, nullptr, &pool()), 0);
    ASSERT_EQ(rte_eth_tx_queue_setup(device, 0, 64, SOCKET_ID_ANY, nullptr), 0);
    ASSERT_EQ(rte_eth_dev_start(device), 0);
    rte_eth_fp_ops[device].tx_pkt_prepare = refuse_those_with_r;
    lane.emplace(device, std::uint16_t{0}, true, false, counters);
    mbufs_before = mbufs_out();
  }
  void TearDown() override {
    EXPECT_EQ(mbufs_out(), mbufs_before);
    (void)rte_eth_dev_stop(device);
  }
  frames sent_of(std::string_view which) {
    for (const char each : which)
      lane->add(to_mbuf(std::string(60, each)));
    lane->flush();
    frames sent;
    for (const std::string& bytes : link.take())
      sent.push_back(bytes.substr(0, 1));
    return sent;
  }

  wire link{"refusing", 1, 64};
  std::uint16_t device = 0;
  dpdk::worker_counters counters;
  std::optional<dpdk::tx_lane> lane;
  std::uint64_t mbufs_before = 0;
};

TEST_F(refusing_port, drops_what_it_refuses_alone) {
  EXPECT_EQ(sent_of("rabrrcr"), (frames{"a", "b", "c"}));
  EXPECT_EQ(counters.tx_packets, 3u);
  EXPECT_EQ(counters.tx_dropped, 4u);
}

TEST_F(refusing_port, sends_nothing_of_what_it_refuses_all) {
  EXPECT_EQ(sent_of("rrr"), frames{});
  EXPECT_EQ(counters.tx_packets, 0u);
  EXPECT_EQ(counters.tx_dropped, 3u);
}

} // namespace
} // namespace linehunt::test
