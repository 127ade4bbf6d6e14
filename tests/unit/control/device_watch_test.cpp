// SPDX-License-Identifier: Apache-2.0
// What is said of a port whose device is lost.
#include "control/daemon/device_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::device_watch_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Optional;

std::vector<dpdk::port_report> core_is(dpdk::device_state state) {
  std::vector<dpdk::port_report> ports(2);
  ports[0].name = "access";
  ports[1].name = "core";
  ports[1].device = state;
  return ports;
}

TEST(device_watch, says_which_port_has_lost_its_device) {
  device_watch removed;
  EXPECT_EQ(removed.look(core_is(dpdk::device_state::present)), std::nullopt);
  EXPECT_FALSE(removed.lost());
  EXPECT_THAT(removed.look(core_is(dpdk::device_state::removed)),
              Optional(AllOf(HasSubstr("port core"), HasSubstr("removed"), HasSubstr("devbind"))));
  EXPECT_TRUE(removed.lost());
  device_watch reset;
  EXPECT_THAT(reset.look(core_is(dpdk::device_state::needs_reset)),
              Optional(AllOf(HasSubstr("port core"), HasSubstr("reset"), HasSubstr("start"))));
  EXPECT_TRUE(reset.lost());
}

TEST(device_watch, says_it_once) {
  device_watch devices;
  EXPECT_TRUE(devices.look(core_is(dpdk::device_state::needs_reset)));
  EXPECT_FALSE(devices.look(core_is(dpdk::device_state::removed)));
  EXPECT_FALSE(devices.look(core_is(dpdk::device_state::present)));
  EXPECT_TRUE(devices.lost()) << "it is not opened anew by itself";
}

} // namespace
} // namespace linehunt::device_watch_test
