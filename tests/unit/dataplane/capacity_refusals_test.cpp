// SPDX-License-Identifier: Apache-2.0
// Calls without room, told apart by group and resources.
#include "dataplane/capacity_refusals.h"

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

namespace linehunt::capacity_refusals_test {
namespace {

std::map<std::string, std::uint64_t> told_by(const capacity_refusals& table) {
  std::map<std::string, std::uint64_t> all;
  table.visit([&](const capacity_refusals::combination& what, std::uint64_t calls) {
    std::string name = std::to_string(what.group) + ":";
    for (std::size_t i = 0; i < what.resource_count; ++i)
      name += ' ' + std::to_string(what.resources[i]);
    EXPECT_TRUE(all.emplace(name, calls).second) << name;
  });
  return all;
}

void add(capacity_refusals& table, std::uint32_t group, const std::vector<resource_id>& resources) {
  table.add(group, resources);
}

TEST(capacity_refusals, are_told_apart_by_group_and_resources) {
  capacity_refusals table;
  EXPECT_TRUE(told_by(table).empty());
  add(table, 1, {3});
  add(table, 1, {3, 1});
  add(table, 2, {3});
  add(table, 1, {1, 3}); // the order says nothing
  add(table, 1, {});
  add(table, 1, {0});
  const std::map<std::string, std::uint64_t> expected{
      {"1: 3", 1}, {"1: 1 3", 2}, {"2: 3", 1}, {"1:", 1}, {"1: 0", 1}};
  EXPECT_EQ(told_by(table), expected);
  EXPECT_EQ(table.others(), 0u);
}

TEST(capacity_refusals, beyond_the_table_count_together) {
  capacity_refusals table;
  for (std::uint32_t group = 0; group < capacity_refusals::most + 5; ++group)
    add(table, group, {7});
  EXPECT_EQ(told_by(table).size(), capacity_refusals::most);
  EXPECT_EQ(table.others(), 5u);
  add(table, 0, {7});
  EXPECT_EQ(told_by(table).at("0: 7"), 2u);
}

} // namespace
} // namespace linehunt::capacity_refusals_test
