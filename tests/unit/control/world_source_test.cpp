// SPDX-License-Identifier: Apache-2.0
// What is remembered from one snapshot to the next: what drains, and whose a number has been.
#include "control/daemon/world_source.h"

#include "control/config/load_file.h"
#include "one_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::world_source_test {
namespace {

using ::testing::IsEmpty;

const std::string head = config::one_port + R"([[rule]]
reply = "404 No"
)";

std::string box(int id, const std::string& resources, int group = 1, int last_byte = 21) {
  return "[[destination]]\nid = " + std::to_string(id) + "\ngroup = " + std::to_string(group) +
         "\nuri = \"sip:192.0.2." + std::to_string(last_byte) + "\"\nresources = \"" + resources +
         "\"\n";
}

class world_source_test : public ::testing::Test {
 protected:
  std::unique_ptr<const snapshot> build(const std::string& destinations) {
    config::diagnostics out("t.toml");
    const auto whole = config::load_text(
        head + destinations, [](const auto&) { return std::nullopt; }, out);
    auto world = whole ? source.build(*whole, out) : nullptr;
    EXPECT_TRUE(world) << ::testing::PrintToString(out.lines());
    return world;
  }
  // As if workers had settled at once what no call holds, and no other calls were there.
  void release(const std::function<bool(slot_index)>& held) {
    source.release_settled(
        held, [](destination_index) { return false; },
        [](std::vector<slot_index> unheld) { return unheld; });
  }
  world_source source{engine_limits{}};
};

// What workers raise goes by number, and is read a moment later.
TEST_F(world_source_test, number_of_an_event_is_that_of_another_machine_after_some_reloads) {
  const auto generation_of = [](const snapshot& world) {
    return static_cast<std::uint16_t>(world.generation);
  };
  const std::string second_box = box(2, "vm=6");
  const auto first = build(box(1, "vm=5") + second_box);
  const destination_index one = first->destinations[0].index, two = first->destinations[1].index;
  EXPECT_TRUE(source.is_still(one, generation_of(*first)));
  EXPECT_FALSE(source.is_still(99, generation_of(*first)));
  (void)build(box(1, "vm=7") + second_box);
  EXPECT_TRUE(source.is_still(one, generation_of(*first))) << "a capacity is no other machine";
  const auto third = build(box(1, "vm=5", 1, 77) + second_box);
  EXPECT_EQ(third->destinations[0].index, one);
  EXPECT_FALSE(source.is_still(one, generation_of(*first)));
  EXPECT_TRUE(source.is_still(one, generation_of(*third)));
  EXPECT_TRUE(source.is_still(two, generation_of(*first)));
  const auto fourth = build(box(1, "vm=5", 2, 77) + second_box);
  EXPECT_FALSE(source.is_still(one, generation_of(*third)));
  EXPECT_TRUE(source.is_still(one, generation_of(*fourth)));
  (void)build(second_box);
  EXPECT_FALSE(source.is_still(one, generation_of(*fourth))) << "it is gone";
  release([](slot_index) { return false; });
  const auto sixth = build(second_box + box(3, "vm=5"));
  EXPECT_FALSE(source.is_still(sixth->destinations[1].index, generation_of(*fourth)))
      << "another id has its number";
}

TEST_F(world_source_test, resource_that_calls_hold_is_draining_until_they_end) {
  const auto first = build(box(1, "vm=5; conf=1; pstn=2"));
  const slot_index conf = first->destinations[0].resources[1].slot;
  const slot_index pstn = first->destinations[0].resources[2].slot;
  (void)build(box(1, "vm=5; pstn=2"));
  (void)build(box(1, "vm=5"));
  const auto draining = source.draining_resources(1);
  ASSERT_EQ(draining.size(), 2u);
  EXPECT_EQ(draining[0].model.label, "conf");
  EXPECT_EQ(draining[0].slot, conf);
  EXPECT_EQ(draining[1].slot, pstn);
  EXPECT_THAT(source.draining_resources(2), IsEmpty());
  EXPECT_THAT(source.draining(), IsEmpty());
  release([&](slot_index s) { return s == pstn; });
  ASSERT_EQ(source.draining_resources(1).size(), 1u);
  EXPECT_EQ(source.draining_resources(1)[0].slot, pstn);
  (void)build(box(1, "pstn=2"));
  ASSERT_EQ(source.draining_resources(1).size(), 1u) << "vm, in its place";
  EXPECT_EQ(source.draining_resources(1)[0].model.name, "vm");
}

TEST_F(world_source_test, draining_resources_go_with_their_destination_and_come_back_with_it) {
  const auto first = build(box(1, "vm=5; conf=1") + box(2, "vm=6"));
  const slot_index vm = first->destinations[0].resources[0].slot;
  const slot_index conf = first->destinations[0].resources[1].slot;
  (void)build(box(1, "vm=5") + box(2, "vm=6"));
  (void)build(box(2, "vm=6"));
  EXPECT_THAT(source.draining_resources(1), IsEmpty());
  ASSERT_EQ(source.draining().size(), 1u);
  ASSERT_EQ(source.draining()[0].slots, (std::vector{vm, conf}));
  ASSERT_EQ(source.draining()[0].model.resources.size(), 2u);
  EXPECT_EQ(source.draining()[0].model.resources[1].name, "conf");
  (void)build(box(1, "conf=1") + box(2, "vm=6"));
  EXPECT_THAT(source.draining(), IsEmpty());
  ASSERT_EQ(source.draining_resources(1).size(), 1u);
  EXPECT_EQ(source.draining_resources(1)[0].slot, vm);
}

// Calls hold lines of one of its resources; the number of the other is somebody else's.
TEST_F(world_source_test, draining_destination_has_no_number_that_went_to_another_one) {
  const auto first = build(box(1, "vm=5; fax=5") + box(2, "vm=6"));
  const slot_index vm = first->destinations[0].resources[0].slot;
  const slot_index fax = first->destinations[0].resources[1].slot;
  (void)build(box(2, "vm=6"));
  const auto held = [vm](slot_index s) { return s == vm; };
  const auto has_calls = [](destination_index) { return true; };
  source.release_settled(held, has_calls, [](const auto&) { return std::vector<slot_index>{}; });
  ASSERT_EQ(source.draining().size(), 1u);
  EXPECT_EQ(source.draining()[0].slots, (std::vector{vm, fax})) << "not settled everywhere yet";
  source.release_settled(held, has_calls, [](auto unheld) { return unheld; });
  const auto third = build(box(2, "vm=6; conf=9"));
  EXPECT_EQ(third->destinations[0].resources[1].slot, fax);
  ASSERT_EQ(source.draining().size(), 1u);
  EXPECT_EQ(source.draining()[0].slots, std::vector{vm});
  ASSERT_EQ(source.draining()[0].model.resources.size(), 1u);
  EXPECT_EQ(source.draining()[0].model.resources[0].name, "vm");
  (void)build(box(2, "vm=6") + box(1, "vm=5; fax=5"));
  EXPECT_THAT(source.draining_resources(1), IsEmpty());
  ASSERT_EQ(source.draining_resources(2).size(), 1u);
  EXPECT_EQ(source.draining_resources(2)[0].slot, fax);
}

TEST_F(world_source_test, addresses_that_come_from_names_are_known) {
  source.resolve_by([](const std::string&) {
    return dns::found_addresses{{endpoint{*parse_ip("192.0.2.31"), 5060}}, {{0, 1}}};
  });
  const auto world = build(box(2, "vm=5") + "[[destination]]\nid = 1\ngroup = 1\n"
                                            "uri = \"sip:box.test\"\nresources = \"vm=5\"\n");
  ASSERT_EQ(world->destinations.size(), 2u);
  for (std::size_t place = 0; place < 2; ++place) {
    EXPECT_FALSE(world->destinations[place].addresses.empty());
    EXPECT_EQ(source.has_name(place), world->destinations[place].uri == "sip:box.test");
  }
}

} // namespace
} // namespace linehunt::world_source_test
