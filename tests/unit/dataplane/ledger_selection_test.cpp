// SPDX-License-Identifier: Apache-2.0
// Selection as README.md writes it ("How a destination is chosen"), with all flags and one worker.
#include "ledger_world.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <numeric>

namespace linehunt::ledger_selection_test {
namespace {

using test::add_destination;

constexpr resource_id transc = 0, pstn = 1, vm = 2, conf = 3;

// The seed's example: four boxes in group 1.
snapshot seed_world() {
  snapshot world;
  add_destination(world, 1, {{transc, 30}, {pstn, 32}});
  add_destination(world, 1, {{vm, 100}, {transc, 10}});
  add_destination(world, 1, {{vm, 50}, {conf, 300}});
  add_destination(world, 1, {{vm, 10}, {conf, 10}, {transc, 10}, {pstn, 32}});
  return world;
}

class ledger_selection : public testing::Test {
 protected:
  ledger_selection() { ledger.adopt(world); }

  selection_outcome select(std::vector<resource_id> resources, balance_flags flags = {},
                           std::vector<std::uint32_t> excluded = {}, std::uint32_t group = 1) {
    held = {};
    return ledger.select(
        {.group = group, .resources = resources, .flags = flags, .excluded_ids = excluded}, 1,
        held);
  }
  void count(destination_index d, resource_id name, int times) {
    for (int i = 0; i < times; ++i) {
      holding lines;
      ledger.count(d, std::array{name}, lines);
    }
  }

  snapshot world = seed_world();
  load_ledger ledger{{.max_slots = 32, .max_destinations = 16, .max_waiters = 4}, 7};
  holding held;
};

TEST_F(ledger_selection, seed_example_goes_to_the_largest_minimum) {
  count(0, transc, 10);
  count(0, pstn, 18);
  count(3, transc, 9);
  count(3, pstn, 16);
  ASSERT_EQ(select({transc, pstn}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 0u); // minimum 14 against 1
  EXPECT_EQ(held.slot_count, 2);
  EXPECT_EQ(ledger.view(0).used, 11);
  EXPECT_EQ(ledger.view(1).used, 19);
  ledger.release(held);
  EXPECT_EQ(ledger.view(0).used, 10);
  EXPECT_EQ(ledger.view(1).used, 18);
}

TEST_F(ledger_selection, first_in_order_wins_a_tie) {
  ASSERT_EQ(select({vm}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 1u); // 100 against 50 and 10
  ledger.resize(2, 50);
  ledger.release(held);
  ASSERT_EQ(select({vm}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 1u);
  ledger.release(held);
  count(1, vm, 1);
  ASSERT_EQ(select({vm}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 2u);
}

TEST_F(ledger_selection, random_tie_reaches_every_best_and_no_other) {
  ledger.resize(2, 50);
  std::map<destination_index, int> chosen;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(select({vm}, {.random_tie = true}), selection_outcome::selected);
    ++chosen[held.destination];
    ledger.release(held);
  }
  EXPECT_EQ(chosen.size(), 2u);
  EXPECT_GT(chosen[1], 900);
  EXPECT_GT(chosen[2], 900);
}

TEST(ledger_selection_large, random_tie_after_one_of_the_best_has_gone_down) {
  snapshot many;
  const std::map<destination_index, int> best{{0, 0}, {1, 0}, {2, 0}, {40, 0}, {69, 0}};
  for (destination_index d = 0; d < 70; ++d) // enough for a tournament
    add_destination(many, 1, {{vm, best.contains(d) ? 10 : 5}});
  for (const destination_index down : {0u, 1u, 40u, 69u}) {
    load_ledger ledger{{.max_slots = 70, .max_destinations = 70, .max_waiters = 4}, 7};
    ledger.adopt(many);
    std::map<destination_index, int> chosen;
    const auto select_one = [&] {
      holding lines;
      ASSERT_EQ(ledger.select({.group = 1,
                               .resources = std::array{vm},
                               .flags = {.random_tie = true},
                               .excluded_ids = {}},
                              1, lines),
                selection_outcome::selected);
      ++chosen[lines.destination];
      ledger.release(lines);
    };
    select_one(); // the order is made
    chosen.clear();
    holding line;
    ledger.count(down, std::array{vm}, line);
    for (int i = 0; i < 2000; ++i)
      select_one();
    EXPECT_EQ(chosen.size(), best.size() - 1);
    for (const auto& [d, times] : chosen) {
      EXPECT_TRUE(best.contains(d) && d != down) << d;
      EXPECT_GT(times, 400) << d; // of 500
      EXPECT_LT(times, 600) << d;
    }
  }
}

// Behind each group lies what another one has more of.
TEST(ledger_selections, every_place_of_a_group_of_every_size_can_win) {
  for (std::uint32_t size = 1; size <= 35; ++size) {
    snapshot groups;
    for (std::uint32_t d = 0; d < size; ++d)
      add_destination(groups, 1, {{vm, 5}, {conf, 5}});
    for (int d = 0; d < 20; ++d)
      add_destination(groups, 2, {{vm, 9}, {conf, 9}});
    load_ledger ledger{{.max_slots = 110, .max_destinations = 55}, 7};
    ledger.adopt(groups);
    for (std::uint32_t place = 0; place < size; ++place) {
      ledger.resize(2 * place, 6);
      ledger.resize(2 * place + 1, 7);
      holding lines;
      ASSERT_EQ(
          ledger.select(
              {.group = 1, .resources = std::array{conf, vm}, .flags = {}, .excluded_ids = {}}, 1,
              lines),
          selection_outcome::selected);
      ASSERT_EQ(lines.destination, place) << "of " << size;
      ledger.release(lines);
      ledger.resize(2 * place, 5);
      ledger.resize(2 * place + 1, 5);
    }
  }
}

TEST(ledger_selections, the_greatest_capacity_and_what_is_above_none_are_compared) {
  constexpr int greatest = std::numeric_limits<std::int32_t>::max();
  snapshot two;
  add_destination(two, 1, {{vm, greatest}});
  add_destination(two, 1, {{vm, 0}});
  load_ledger ledger{{.max_slots = 2, .max_destinations = 2}, 7};
  ledger.adopt(two);
  const auto choose = [&](balance_flags flags) {
    holding lines;
    EXPECT_EQ(
        ledger.select({.group = 1, .resources = std::array{vm}, .flags = flags, .excluded_ids = {}},
                      1, lines),
        selection_outcome::selected);
    return lines.destination;
  };
  EXPECT_EQ(choose({}), 0u);
  ledger.set_enabled(0, false);
  EXPECT_EQ(choose({.negative = true}), 1u);
  EXPECT_EQ(choose({.negative = true}), 1u);
  EXPECT_EQ(ledger.view(1).used, 2);
  ledger.set_enabled(0, true);
  ledger.resize(0, 0); // one above none against two
  EXPECT_EQ(choose({.negative = true}), 0u);
}

TEST_F(ledger_selection, relative_compares_per_cent_free) {
  count(0, transc, 15); // 50 % of 30, 15 lines
  count(1, transc, 4);  // 60 % of 10, 6 lines
  count(3, transc, 5);
  ASSERT_EQ(select({transc}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 0u);
  ledger.release(held);
  ASSERT_EQ(select({transc}, {.relative = true}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 1u);
}

TEST_F(ledger_selection, relative_rounds_the_load_down) {
  // 100 - 100 * 1 / 300 = 100 - 0: a load below one per cent does not show.
  count(2, conf, 1);
  ASSERT_EQ(select({conf}, {.relative = true}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 2u);
}

TEST_F(ledger_selection, relative_of_no_capacity_is_zero) {
  ledger.resize(5, 0); // conf of the third
  ledger.resize(7, 0); // conf of the fourth
  EXPECT_EQ(select({conf}, {.relative = true}), selection_outcome::no_capacity);
}

TEST_F(ledger_selection, negative_takes_what_has_no_free_line) {
  ledger.resize(0, 1);
  ledger.resize(3, 0);
  ledger.resize(8, 0);
  ASSERT_EQ(select({transc}), selection_outcome::selected);
  EXPECT_EQ(select({transc}), selection_outcome::no_capacity);
  ASSERT_EQ(select({transc}, {.negative = true}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 0u); // all have 0 free
  EXPECT_EQ(ledger.view(0).used, 2);
  ASSERT_EQ(select({transc}, {.negative = true}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 1u); // 0 against -1
}

TEST_F(ledger_selection, failures_are_told_apart) {
  EXPECT_EQ(select({9}), selection_outcome::unknown_resource);
  EXPECT_EQ(select({vm, vm}), selection_outcome::unknown_resource);
  EXPECT_EQ(select({vm}, {}, {}, 2), selection_outcome::no_destination);
  EXPECT_EQ(select({vm, conf, pstn, transc}), selection_outcome::selected); // only the fourth
  EXPECT_EQ(select({conf, pstn}, {}, {4}), selection_outcome::no_destination);
  ledger.set_enabled(3, false);
  EXPECT_EQ(select({conf, pstn}), selection_outcome::no_destination);
  ledger.set_enabled(3, true);
  ledger.resize(9, 0); // pstn of the fourth
  EXPECT_EQ(select({conf, pstn}), selection_outcome::no_capacity);
  EXPECT_EQ(held.slot_count, 0);
}

TEST_F(ledger_selection, resource_of_another_group_is_unknown) {
  add_destination(world, 2, {{9, 5}});
  ledger.adopt(world);
  EXPECT_EQ(select({9}), selection_outcome::unknown_resource);
  EXPECT_EQ(select({9}, {}, {}, 2), selection_outcome::selected);
}

TEST_F(ledger_selection, unresolved_destination_is_no_candidate) {
  world.destinations[0].addresses.clear();
  ledger.adopt(world);
  ASSERT_EQ(select({pstn}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 3u);
}

TEST_F(ledger_selection, excluded_ids_are_passed_over) {
  ASSERT_EQ(select({vm}, {}, {2}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 2u);
  ASSERT_EQ(select({vm}, {}, {2, 3}), selection_outcome::selected);
  EXPECT_EQ(held.destination, 3u);
  EXPECT_EQ(select({vm}, {}, {2, 3, 4}), selection_outcome::no_destination);
}

TEST_F(ledger_selection, the_preferred_one_comes_first_as_long_as_it_is_a_candidate_with_a_line) {
  const auto prefer = [&](destination_index d, std::vector<resource_id> resources,
                          balance_flags flags = {}, std::vector<std::uint32_t> excluded = {},
                          std::uint32_t group = 1) {
    held = {};
    EXPECT_EQ(ledger.select({.group = group,
                             .resources = resources,
                             .flags = flags,
                             .excluded_ids = excluded,
                             .preferred = d},
                            1, held),
              selection_outcome::selected);
    return held.destination;
  };
  EXPECT_EQ(prefer(3, {vm}), 3u); // 10 lines against 100 and 50
  EXPECT_EQ(held.slot_count, 1);
  EXPECT_EQ(ledger.view(7).used, 0) << "the others are as they were";
  EXPECT_EQ(ledger.view(6).used, 1);
  EXPECT_EQ(prefer(3, {vm}, {.relative = true, .random_tie = true}), 3u);
  EXPECT_EQ(prefer(0, {vm}), 1u) << "does not offer it";
  EXPECT_EQ(prefer(3, {vm}, {}, {4}), 1u) << "excluded";
  EXPECT_EQ(prefer(9, {vm}), 1u) << "not configured";
  ledger.resize(6, 2);
  EXPECT_EQ(prefer(3, {vm}), 1u) << "full";
  EXPECT_EQ(prefer(3, {vm}, {.negative = true}), 3u);
  EXPECT_EQ(ledger.view(6).used, 3);
  ledger.resize(6, 10);
  EXPECT_EQ(prefer(3, {}), 3u);
  ledger.set_enabled(3, false);
  EXPECT_EQ(prefer(3, {vm}), 1u);
  EXPECT_EQ(prefer(3, {}), 0u);
  ledger.set_enabled(3, true);
  EXPECT_EQ(prefer(3, {vm}), 3u);
  add_destination(world, 2, {{vm, 5}});
  ledger.adopt(world);
  EXPECT_EQ(prefer(3, {vm}, {}, {}, 2), 4u) << "of another group";
}

// As a call has that has been to 32 destinations, and was passed over by as many for their
// overload.
TEST_F(ledger_selection, a_call_that_has_tried_many_may_wait_for_a_line) {
  load_ledger guest{{.self = 1, .workers = 2, .max_slots = 32, .max_destinations = 16}, 7};
  guest.adopt(world);
  std::vector<std::uint32_t> tried(64);
  std::iota(tried.begin(), tried.end(), 1000u);
  EXPECT_EQ(
      guest.select({.group = 1, .resources = std::array{vm}, .flags = {}, .excluded_ids = tried}, 1,
                   held),
      selection_outcome::pending);
}

// Of a group that is so large that its best is looked up.
TEST(ledger_selections, no_excluded_one_is_chosen_of_many) {
  snapshot many;
  for (int i = 0; i < 200; ++i)
    add_destination(many, 1, {{vm, 1000 - i}});
  load_ledger ledger{{.max_slots = 200, .max_destinations = 200}, 7};
  ledger.adopt(many);
  std::vector<std::uint32_t> tried;
  for (std::uint32_t id = 1; id < 80; ++id) {
    tried.push_back(id);
    holding held;
    ASSERT_EQ(
        ledger.select({.group = 1, .resources = std::array{vm}, .flags = {}, .excluded_ids = tried},
                      1, held),
        selection_outcome::selected);
    EXPECT_EQ(held.destination, id) << "the next in order; its id is one more";
    ledger.release(held);
  }
}

TEST_F(ledger_selection, count_goes_above_capacity_and_leaves_out_what_is_not_offered) {
  count(3, conf, 11);
  EXPECT_EQ(ledger.view(7).used, 11);
  holding lines;
  ledger.count(0, std::array<resource_id, 3>{vm, pstn, 77}, lines);
  EXPECT_EQ(lines.slot_count, 1);
  EXPECT_EQ(lines.slots[0], 1u);
  ledger.count(12, std::array{vm}, lines);
  EXPECT_EQ(lines.destination, no_index);
  EXPECT_EQ(lines.slot_count, 0);
}

TEST_F(ledger_selection, release_empties_the_holding) {
  ASSERT_EQ(select({vm}), selection_outcome::selected);
  ledger.release(held);
  ledger.release(held);
  EXPECT_EQ(held.destination, no_index);
  EXPECT_EQ(ledger.view(2).used, 0);
}

TEST_F(ledger_selection, loads_and_status_survive_a_reload) {
  ASSERT_EQ(select({vm}), selection_outcome::selected);
  ledger.set_enabled(0, false);
  ledger.resize(1, 5);
  snapshot next = seed_world();
  next.destinations.erase(next.destinations.begin() + 1); // the one that the call is on
  next.destinations[1].resources[1].capacity = 200;       // conf of the third
  ledger.adopt(next);
  EXPECT_FALSE(ledger.enabled(0));
  EXPECT_FALSE(ledger.enabled(1)); // gone
  EXPECT_EQ(ledger.capacity(1), 5) << "the snapshot says what it said before";
  EXPECT_EQ(ledger.capacity(5), 200);
  EXPECT_EQ(ledger.view(2).used, 1);
  ledger.release(held);
  EXPECT_EQ(ledger.view(2).used, 0);
  ledger.adopt(seed_world());
  EXPECT_TRUE(ledger.enabled(1));
  EXPECT_EQ(ledger.capacity(2), 100);
}

TEST_F(ledger_selection, a_resource_that_is_gone_cannot_be_resized) {
  world.destinations[0].resources.pop_back(); // pstn
  ledger.adopt(world);
  ledger.resize(1, 5);
  EXPECT_EQ(ledger.capacity(1), 0);
  EXPECT_EQ(ledger.view(1).pool, 0);
}

TEST_F(ledger_selection, another_uri_is_another_destination) {
  ledger.set_enabled(0, false);
  world.destinations[0].uri = "sip:203.0.113.9";
  ledger.adopt(world);
  EXPECT_TRUE(ledger.enabled(0));
}

} // namespace
} // namespace linehunt::ledger_selection_test
