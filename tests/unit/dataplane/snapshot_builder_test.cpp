// SPDX-License-Identifier: Apache-2.0
#include "dataplane/snapshot_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::snapshot_builder_test {
namespace {

using ::testing::HasSubstr;

destination_model model_of(std::uint32_t id, std::string_view resources, const char* address) {
  destination_model d;
  std::vector<std::string> errors;
  d.id = id;
  d.group = 1;
  d.resources = parse_resources(resources, errors);
  EXPECT_TRUE(errors.empty());
  d.addresses = {*parse_endpoint(address, 5060)};
  d.uri = "sip:" + std::string(address);
  return d;
}

// The four boxes of the load-balancing tutorial.
snapshot_model seed() {
  snapshot_model m;
  m.listeners = {{*parse_endpoint("192.0.2.1", 5060), 0, ""}};
  m.destinations = {model_of(1, "transc=30; pstn=32", "192.0.2.11"),
                    model_of(2, "vm=100; transc=10", "192.0.2.12"),
                    model_of(3, "vm=50; conf=300", "192.0.2.13"),
                    model_of(4, "vm=10;conf=10;transc=10;pstn=32", "192.0.2.14")};
  rule_model rule;
  rule.resources = {"pstn"};
  m.rules = {rule};
  return m;
}

std::vector<std::string> errors_of(const snapshot_model& m, index_book& book) {
  std::vector<build_error> errors;
  EXPECT_EQ(build_snapshot(m, book, errors), nullptr);
  std::vector<std::string> messages;
  for (const build_error& e : errors)
    messages.push_back(e.message);
  return messages;
}

TEST(snapshot_builder, the_seeds_example) {
  index_book book(10, 20);
  std::vector<build_error> errors;
  snapshot_model m = seed();
  m.workers = 3;
  const auto world = build_snapshot(m, book, errors);
  ASSERT_NE(world, nullptr);
  ASSERT_EQ(world->destinations.size(), 4u);
  EXPECT_EQ(world->listeners[0].sent_by, "192.0.2.1:5060");
  const destination& fourth = world->destinations[3];
  EXPECT_EQ(fourth.id, 4u);
  EXPECT_EQ(fourth.index, 3u);
  EXPECT_EQ(fourth.home, 0);
  EXPECT_EQ(fourth.resources.size(), 4u);
  EXPECT_EQ(world->resource_names[fourth.resources[3].name], "pstn");
  EXPECT_EQ(fourth.resources[3].name, world->destinations[0].resources[1].name);
  EXPECT_NE(fourth.resources[3].slot, world->destinations[0].resources[1].slot);
  EXPECT_EQ(fourth.resources[3].capacity, 32);
  EXPECT_EQ(world->destination_from(*parse_endpoint("192.0.2.13", 5060), 1)->id, 3u);
  ASSERT_NE(world->rules, nullptr);
  EXPECT_EQ(world->rules->models().size(), 1u);
}

TEST(snapshot_builder, numbers_and_homes_stay_over_a_reload) {
  index_book book(10, 20);
  std::vector<build_error> errors;
  snapshot_model m = seed();
  m.workers = 2;
  const auto before = build_snapshot(m, book, errors);
  m.destinations.erase(m.destinations.begin());
  const auto after = build_snapshot(m, book, errors);
  ASSERT_TRUE(before && after);
  for (std::size_t i = 0; i < 3; ++i) {
    const destination& old = before->destinations[i + 1];
    const destination& now = after->destinations[i];
    EXPECT_EQ(old.index, now.index);
    EXPECT_EQ(old.home, now.home);
    for (std::size_t r = 0; r < old.resources.size(); ++r)
      EXPECT_EQ(old.resources[r].slot, now.resources[r].slot);
  }
}

TEST(snapshot_builder, failure_leaves_the_book_and_says_everything) {
  index_book book(10, 20);
  snapshot_model m = seed();
  m.destinations.push_back(model_of(2, "new=1", "192.0.2.15"));
  m.destinations.push_back(model_of(6, "vm=1", "2001:db8::6"));
  rule_condition broken;
  broken.pattern = "a(";
  m.rules[0].conditions = {broken};
  EXPECT_THAT(errors_of(m, book),
              testing::ElementsAre(HasSubstr("destination 2: this id is there twice"),
                                   HasSubstr("no listener reaches [2001:db8::6]:5060"),
                                   HasSubstr("\"a(\": ")));
  EXPECT_TRUE(book.resource_names().empty());
  EXPECT_EQ(book.retired(), 0u);
}

TEST(snapshot_builder, limits_are_named) {
  index_book few_destinations(3, 20), few_slots(10, 5);
  EXPECT_THAT(
      errors_of(seed(), few_destinations),
      testing::ElementsAre(HasSubstr("destination 4: no room for more than 3 destinations")));
  EXPECT_THAT(errors_of(seed(), few_slots),
              testing::Each(HasSubstr("no room for more than 5 resources")));
}

TEST(snapshot_builder, routes_are_sorted_longest_first) {
  snapshot_model m = seed();
  m.listeners.push_back({*parse_endpoint("198.51.100.1", 5060), 1, "edge.example:5060"});
  m.routes = {{*parse_prefix("0.0.0.0/0"), 0}, {*parse_prefix("192.0.2.0/28"), 1}};
  index_book book(10, 20);
  std::vector<build_error> errors;
  const auto world = build_snapshot(m, book, errors);
  ASSERT_NE(world, nullptr);
  EXPECT_EQ(world->routes[0].net.length_bits, 28);
  EXPECT_EQ(world->destinations[0].listener, 1);
  EXPECT_EQ(world->listeners[1].sent_by, "edge.example:5060");
}

// Rules that ask for a resource which no destination has any more.
TEST(snapshot_builder, resource_that_is_gone_is_unknown) {
  index_book book(10, 20);
  std::vector<build_error> errors;
  snapshot_model m = seed();
  ASSERT_NE(build_snapshot(m, book, errors), nullptr);
  std::erase_if(m.destinations, [](const destination_model& d) { return d.id == 1 || d.id == 4; });
  const auto world = build_snapshot(m, book, errors);
  ASSERT_NE(world, nullptr);
  const sip::message_view message{};
  const sip::routing_view view{};
  const rule_decision decision = world->rules->decide({&message, &view, {}, world.get()}, 0);
  EXPECT_EQ(decision.rule, &world->rules->models()[0]);
  EXPECT_TRUE(decision.unknown_resource);
}

} // namespace
} // namespace linehunt::snapshot_builder_test
