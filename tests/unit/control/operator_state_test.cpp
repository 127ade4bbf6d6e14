// SPDX-License-Identifier: Apache-2.0
// What survives a reload, and what does not.
#include "control/daemon/operator_state.h"

#include <gtest/gtest.h>

namespace linehunt::operator_state_test {
namespace {

std::vector<destination_model> configured(std::int32_t vm = 50) {
  destination_model one;
  one.id = 1;
  one.group = 1;
  one.uri = "sip:192.0.2.21";
  one.resources = {{"vm", "vm", vm, {}}, {"pstn", "pstn", 32, {}}};
  return {one};
}

class operator_state_test : public ::testing::Test {
 protected:
  destination_model reload(std::vector<destination_model> next) {
    state.apply(next);
    return next.empty() ? destination_model{} : next.front();
  }
  // Disabled, and "vm" resized from 50 to 7.
  void expect_as_an_admin_said(const destination_model& seen) {
    EXPECT_FALSE(seen.enabled);
    EXPECT_TRUE(state.status(1).by_admin);
    ASSERT_EQ(seen.resources.size(), 2u);
    EXPECT_EQ(seen.resources[0].capacity, 7);
    EXPECT_EQ(seen.resources[1].capacity, 32);
  }
  operator_state state;
};

TEST_F(operator_state_test, nothing_changed_is_as_configured) {
  const auto seen = reload(configured());
  EXPECT_TRUE(seen.enabled);
  EXPECT_EQ(seen.resources[0].capacity, 50);
  EXPECT_EQ(state.capacity(1, "vm"), 50);
}

TEST_F(operator_state_test, status_survives_where_id_group_and_uri_are_the_same) {
  (void)reload(configured());
  state.set_by_admin(1, false);
  EXPECT_FALSE(reload(configured()).enabled);
  EXPECT_TRUE(state.status(1).by_admin);
  auto moved = configured();
  moved[0].uri = "sip:192.0.2.22";
  EXPECT_TRUE(reload(moved).enabled);

  (void)reload(configured());
  state.set_by_admin(1, false);
  auto regrouped = configured();
  regrouped[0].group = 2;
  EXPECT_TRUE(reload(regrouped).enabled);
}

TEST_F(operator_state_test, those_that_are_disabled_are_counted) {
  auto three = configured();
  three.push_back(three[0]);
  three.push_back(three[0]);
  three[0].id = 9;
  three[2].id = 5;
  (void)reload(three);
  EXPECT_EQ(state.disabled(), 0u);
  state.set_by_admin(9, false);
  state.set_by_admin(9, false);
  state.set_usable(9, true); // which an admin has disabled
  state.set_usable(5, false);
  state.set_usable(7, false); // nobody
  EXPECT_EQ(state.disabled(), 2u);
  three[2].uri = "sip:192.0.2.22";
  (void)reload(three);
  EXPECT_EQ(state.disabled(), 1u) << "it is another machine now";
  state.set_by_admin(9, true);
  EXPECT_EQ(state.disabled(), 0u);
}

TEST_F(operator_state_test, by_their_places_they_are_as_by_id) {
  auto two = configured();
  two.push_back(configured(20)[0]);
  two[0].id = 9;
  (void)reload(two);
  state.set_usable(1, false);
  state.set_capacity(9, "pstn", 3);
  EXPECT_TRUE(state.status_at(0).enabled);
  EXPECT_FALSE(state.status_at(1).enabled);
  EXPECT_EQ(state.capacity_at(0, 0), 50);
  EXPECT_EQ(state.capacity_at(0, 1), 3);
  EXPECT_EQ(state.capacity_at(1, 0), 20);
  two[1].resources[0].heartbeat = heartbeat_source{};
  (void)reload(two);
  state.set_by_heartbeat(1, "vm", 17);
  EXPECT_EQ(state.capacity_at(0, 1), 3) << "a reload leaves it";
  EXPECT_EQ(state.capacity_at(1, 0), 17);
  EXPECT_EQ(state.capacity_at(1, 1), 32);
  state.set_by_admin(1, false);
  const auto changes = state.changes();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].id, 1u) << "by id, whatever their order is";
  EXPECT_EQ(changes[1].id, 9u);
}

TEST_F(operator_state_test, failure_does_not_soften_what_an_admin_said) {
  (void)reload(configured());
  state.set_usable(1, false);
  EXPECT_FALSE(state.status(1).enabled);
  EXPECT_FALSE(state.status(1).by_admin);
  state.set_by_admin(1, false);
  state.set_usable(1, false);
  EXPECT_TRUE(state.status(1).by_admin);
  state.set_usable(1, true);
  EXPECT_FALSE(state.status(1).enabled) << "a probe does not overrule an admin";
  state.set_by_admin(1, true);
  EXPECT_TRUE(state.status(1).enabled);
  EXPECT_FALSE(state.status(1).by_admin);
}

TEST_F(operator_state_test, capacity_survives_until_the_configuration_says_something_new) {
  (void)reload(configured());
  state.set_capacity(1, "vm", 7);
  EXPECT_EQ(state.capacity(1, "vm"), 7);
  auto same = reload(configured());
  EXPECT_EQ(same.resources[0].capacity, 7);
  EXPECT_EQ(same.resources[1].capacity, 32);
  EXPECT_EQ(reload(configured()).resources[0].capacity, 7) << "also the second time";
  EXPECT_EQ(reload(configured(60)).resources[0].capacity, 60);
  EXPECT_EQ(reload(configured(60)).resources[0].capacity, 60);
}

// The capacity is the destination's, whatever its address is by now.
TEST_F(operator_state_test, capacity_goes_by_id) {
  (void)reload(configured());
  state.set_capacity(1, "vm", 7);
  auto moved = configured();
  moved[0].uri = "sip:192.0.2.22";
  EXPECT_EQ(reload(moved).resources[0].capacity, 7);
}

// A row that is missing for a while is no reason to send calls to a box in maintenance.
TEST_F(operator_state_test, what_an_admin_said_holds_when_a_destination_was_gone) {
  (void)reload(configured());
  state.set_by_admin(1, false);
  state.set_capacity(1, "vm", 7);
  const auto said = state.changes();
  for (int times = 0; times < 2; ++times) {
    EXPECT_EQ(reload({}).resources.size(), 0u);
    EXPECT_FALSE(state.knows(1));
    auto kept = state.changes();
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_TRUE(kept[0].gone);
    kept[0].gone = false;
    EXPECT_EQ(kept, said) << "for the next run, too";
  }
  expect_as_an_admin_said(reload(configured()));
  state.set_by_admin(1, true);
  (void)reload({});
  EXPECT_TRUE(reload(configured()).enabled) << "enabled again since";
}

TEST_F(operator_state_test, another_destination_under_an_id_that_was_gone_is_as_configured) {
  for (const bool regrouped : {false, true}) {
    (void)reload(configured());
    state.set_by_admin(1, false);
    state.set_capacity(1, "vm", 7);
    (void)reload({});
    auto other = configured();
    if (regrouped)
      other[0].group = 2;
    else
      other[0].uri = "sip:192.0.2.22";
    const auto seen = reload(other);
    EXPECT_TRUE(seen.enabled);
    EXPECT_EQ(seen.resources[0].capacity, 50);
    const auto back = reload(configured());
    EXPECT_FALSE(back.enabled) << "that is what was disabled";
    EXPECT_EQ(back.resources[0].capacity, 50) << "capacities go by id";
    state.set_by_admin(1, true);
  }
  (void)reload(configured());
  state.set_capacity(1, "vm", 7);
  (void)reload({});
  EXPECT_EQ(reload(configured(60)).resources[0].capacity, 60) << "the configuration says so";
}

// A group or URI that is changed by mistake, and corrected.
TEST_F(operator_state_test, disabled_holds_when_the_uri_is_as_it_was) {
  for (const bool regrouped : {false, true}) {
    (void)reload(configured());
    state.set_by_admin(1, false);
    auto mistaken = configured();
    if (regrouped)
      mistaken[0].group = 2;
    else
      mistaken[0].uri = "sip:192.0.2.22";
    for (int times = 0; times < 2; ++times)
      EXPECT_TRUE(reload(mistaken).enabled) << "it may be another box";
    const auto kept = state.changes();
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].uri, "sip:192.0.2.21") << "for the next run, too";
    state.set_by_admin(1, false); // the other one, besides
    EXPECT_EQ(state.changes().size(), 2u);
    operator_state next;
    next.remember(state.changes());
    for (operator_state* each : {&state, &next}) {
      auto right = configured();
      each->apply(right);
      EXPECT_FALSE(right[0].enabled);
      EXPECT_TRUE(each->status(1).by_admin);
      each->apply(mistaken);
      EXPECT_FALSE(mistaken[0].enabled);
      mistaken[0].enabled = true;
      each->set_by_admin(1, true);
    }
    (void)reload(configured());
    state.set_by_admin(1, true);
    EXPECT_TRUE(reload(mistaken).enabled);
    EXPECT_TRUE(reload(configured()).enabled) << "taken back";
    EXPECT_TRUE(state.changes().empty());
  }
}

TEST_F(operator_state_test, failures_do_not_outlive_a_destination) {
  (void)reload(configured());
  state.set_usable(1, false);
  (void)reload({});
  EXPECT_TRUE(reload(configured()).enabled);
  state.set_usable(1, false);
  state.set_capacity(1, "vm", 7);
  (void)reload({});
  const auto back = reload(configured());
  EXPECT_TRUE(back.enabled);
  EXPECT_EQ(back.resources[0].capacity, 7);
}

TEST_F(operator_state_test, no_more_are_remembered_than_there_is_memory_for) {
  std::vector<destination_model> many(operator_state::most_remembered + 1);
  for (std::uint32_t id = 1; destination_model & each : many)
    each.id = id++;
  state.apply(many);
  for (const destination_model& each : many)
    state.set_by_admin(each.id, false);
  (void)reload({});
  ASSERT_EQ(state.changes().size(), operator_state::most_remembered);
  EXPECT_EQ(state.changes().front().id, 2u);
}

TEST_F(operator_state_test, unknown_numbers_do_nothing) {
  (void)reload(configured());
  state.set_by_admin(2, false);
  state.set_usable(2, false);
  state.set_capacity(1, "fax", 3);
  EXPECT_EQ(state.capacity(1, "fax"), 0);
  EXPECT_TRUE(reload(configured()).enabled);
}

std::vector<destination_model> following(const std::string& host) {
  auto all = configured();
  all[0].resources[0].capacity = capacity_before_heartbeat;
  all[0].resources[0].heartbeat = heartbeat_source{"", "ClueCon", host, 8021};
  return all;
}

TEST_F(operator_state_test, capacity_of_a_heartbeat_stays_as_long_as_it_follows_the_same_one) {
  EXPECT_EQ(reload(following("pbx1")).resources[0].capacity, 1000);
  state.set_by_heartbeat(1, "vm", 70);
  EXPECT_EQ(reload(following("pbx1")).resources[0].capacity, 70);
  EXPECT_EQ(reload(following("pbx2")).resources[0].capacity, 1000);
  state.set_by_heartbeat(1, "vm", 60);
  EXPECT_EQ(reload(configured()).resources[0].capacity, 50) << "it follows nobody any more";
  state.set_by_heartbeat(1, "vm", 9);
  state.set_by_heartbeat(1, "conf", 9);
  state.set_by_heartbeat(2, "vm", 9);
  EXPECT_EQ(state.capacity(1, "vm"), 50);
}

TEST_F(operator_state_test, next_heartbeat_overrules_an_operator) {
  (void)reload(following("pbx1"));
  state.set_by_heartbeat(1, "vm", 70);
  state.set_capacity(1, "vm", 3);
  EXPECT_EQ(reload(following("pbx1")).resources[0].capacity, 3);
  state.set_by_heartbeat(1, "vm", 80);
  EXPECT_EQ(reload(following("pbx1")).resources[0].capacity, 80);
}

TEST_F(operator_state_test, the_next_run_remembers_what_an_admin_said) {
  (void)reload(configured());
  state.set_by_admin(1, false);
  state.set_capacity(1, "vm", 7);
  const std::vector<operator_change> kept{{1, 1, "sip:192.0.2.21", true, {{"vm", 50, 7}}}};
  ASSERT_EQ(state.changes(), kept);

  state = {};
  state.remember(kept);
  EXPECT_FALSE(state.knows(1));
  EXPECT_EQ(state.changes(), kept) << "also before its destination is seen";
  EXPECT_EQ(reload({}).id, 0u);
  EXPECT_EQ(state.changes(), kept) << "a database may be late";
  expect_as_an_admin_said(reload(configured()));
  EXPECT_EQ(state.changes(), kept);
}

// As a reload has it: "disabled" is of the box, a capacity is the id's.
TEST_F(operator_state_test, another_uri_after_a_restart_is_another_uri_after_a_reload) {
  const std::vector<operator_change> kept{{1, 1, "sip:192.0.2.21", true, {{"vm", 50, 7}}}};
  state.remember(kept);
  (void)reload({});
  EXPECT_EQ(state.changes(), kept) << "a database may be late";
  auto moved = configured();
  moved.front().uri = "sip:192.0.2.99";
  const auto seen = reload(moved);
  EXPECT_TRUE(seen.enabled);
  EXPECT_EQ(seen.resources[0].capacity, 7);
  EXPECT_EQ(state.changes(),
            (std::vector<operator_change>{{1, 1, "sip:192.0.2.99", false, {{"vm", 50, 7}}, false},
                                          {1, 1, "sip:192.0.2.21", true, {}, true}}));
  (void)reload({});
  EXPECT_EQ(reload(configured()).resources[0].capacity, 50)
      << "another one under an id that was gone";
}

TEST_F(operator_state_test, what_was_gone_before_a_restart_is_as_if_it_were_gone_now) {
  state.remember({{1, 1, "sip:192.0.2.21", true, {{"vm", 50, 7}}, true}});
  auto other = configured();
  other.front().uri = "sip:192.0.2.99";
  EXPECT_EQ(reload(other).resources[0].capacity, 50);
  EXPECT_FALSE(reload(configured()).enabled);
}

TEST_F(operator_state_test, failures_and_what_was_taken_back_are_nothing_to_keep) {
  (void)reload(configured());
  state.set_usable(1, false);
  EXPECT_TRUE(state.changes().empty());
  state.set_by_admin(1, false);
  state.set_by_admin(1, true);
  EXPECT_TRUE(state.changes().empty());
}

} // namespace
} // namespace linehunt::operator_state_test
