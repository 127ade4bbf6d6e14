// SPDX-License-Identifier: Apache-2.0
#include "dataplane/snapshot.h"

#include <gtest/gtest.h>
#include <random>
#include <string>

namespace linehunt::snapshot_test {
namespace {

endpoint at(const std::string& text) {
  return *parse_endpoint(text, 5060);
}

void add(snapshot& world, std::uint32_t id, std::uint32_t group, const std::string& address) {
  destination d;
  d.id = id;
  d.index = id;
  d.group = group;
  d.addresses = {at(address)};
  world.destinations.push_back(d);
}

std::uint32_t id_from(const snapshot& world, const std::string& source, std::uint32_t group) {
  const destination* d = world.destination_from(at(source), group);
  return d ? d->id : 0;
}

TEST(snapshot, listener_by_route_then_by_family) {
  snapshot world;
  world.listeners = {{at("192.0.2.1:5060"), 0, ""},
                     {at("198.51.100.1:5060"), 1, ""},
                     {at("[2001:db8::1]:5060"), 0, ""}};
  world.routes = {{*parse_prefix("198.51.100.0/24"), 1}, {*parse_prefix("198.51.0.0/16"), 0}};
  listener_index index = 99;
  EXPECT_EQ(world.listener_for(*parse_ip("198.51.100.7"), index), &world.listeners[1]);
  EXPECT_EQ(index, 1);
  EXPECT_EQ(world.listener_for(*parse_ip("198.51.7.7"), index), &world.listeners[0]);
  EXPECT_EQ(world.listener_for(*parse_ip("203.0.113.1"), index), &world.listeners[0]);
  EXPECT_EQ(world.listener_for(*parse_ip("2001:db8:5::1"), index), &world.listeners[2]);
  EXPECT_EQ(index, 2);
  world.listeners.pop_back();
  EXPECT_EQ(world.listener_for(*parse_ip("2001:db8:5::1"), index), nullptr);
}

TEST(snapshot, is_local_compares_address_and_port) {
  snapshot world;
  world.listeners = {{at("192.0.2.1:5060"), 0, ""}};
  EXPECT_TRUE(world.is_local(at("192.0.2.1:5060")));
  EXPECT_FALSE(world.is_local(at("192.0.2.1:5061")));
  EXPECT_FALSE(world.is_local(at("192.0.2.2:5060")));
}

TEST(snapshot, destination_from_source) {
  snapshot world;
  add(world, 1, 1, "192.0.2.1:5060");
  add(world, 2, 2, "192.0.2.1:5060");
  add(world, 3, 1, "192.0.2.3:0"); // any port
  add(world, 4, 1, "192.0.2.3:7000");
  add(world, 5, 3, "[2001:db8::5]:5060");
  world.index_sources();
  EXPECT_EQ(id_from(world, "192.0.2.1:5060", 1), 1u);
  EXPECT_EQ(id_from(world, "192.0.2.1:5060", 2), 2u);
  EXPECT_EQ(id_from(world, "192.0.2.1:5060", 0), 1u); // any group: the first in order
  EXPECT_EQ(id_from(world, "192.0.2.1:5061", 0), 0u);
  EXPECT_EQ(id_from(world, "192.0.2.1:0", 2), 2u); // any port is asked for
  EXPECT_EQ(id_from(world, "192.0.2.3:7000", 1), 3u);
  EXPECT_EQ(id_from(world, "192.0.2.3:9", 1), 3u);
  EXPECT_EQ(id_from(world, "192.0.2.3:9", 2), 0u);
  EXPECT_EQ(id_from(world, "[2001:db8::5]:5060", 3), 5u);
  EXPECT_EQ(id_from(world, "[2001:db8::6]:5060", 3), 0u);
}

TEST(snapshot, destination_from_source_as_a_plain_walk_would) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    snapshot world;
    for (std::uint32_t id = 1; id <= 60; ++id)
      add(world, id, 1 + random() % 4,
          "192.0.2." + std::to_string(random() % 20) + ":" + std::to_string(random() % 4));
    world.index_sources();
    for (int i = 0; i < 500; ++i) {
      const endpoint source{*parse_ip("192.0.2." + std::to_string(random() % 22)),
                            static_cast<std::uint16_t>(random() % 5)};
      const auto group = static_cast<std::uint32_t>(random() % 6);
      const destination* expected = nullptr;
      for (const destination& d : world.destinations) {
        const endpoint& a = d.addresses[0];
        const bool port = a.port == 0 || source.port == 0 || a.port == source.port;
        if (expected || a.ip != source.ip || !port || (group != 0 && group != d.group)) continue;
        expected = &d;
      }
      ASSERT_EQ(world.destination_from(source, group), expected);
    }
  }
}

} // namespace
} // namespace linehunt::snapshot_test
