// SPDX-License-Identifier: Apache-2.0
// One worker: every choice is the one that a plain reading of README.md, "How a destination is
// chosen", makes, over random destination sets with releases, resizes, disabling and all flags.
#include "ledger_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace linehunt::ledger_reference_test {
namespace {

// The rule, as slowly and as plainly as it can be written.
class reference {
 public:
  explicit reference(const snapshot& world) : world_(world) {
    for (const destination& d : world.destinations)
      for (const resource& r : d.resources)
        capacity[r.slot] = r.capacity;
  }

  struct answer {
    selection_outcome outcome = selection_outcome::no_destination;
    std::set<destination_index> best; // in order of index, which here is the operator's order
  };

  answer decide(const selection_request& q) {
    std::set<resource_id> names(q.resources.begin(), q.resources.end());
    if (std::ranges::none_of(world_.destinations,
                             [&](const destination& d) { return d.group == q.group; }))
      return {};
    if (names.size() != q.resources.size())
      return {.outcome = selection_outcome::unknown_resource, .best = {}};
    for (const resource_id name : names)
      if (std::ranges::none_of(world_.destinations, [&](const destination& d) {
            return d.group == q.group && slot_of(d, name) != no_index;
          }))
        return {.outcome = selection_outcome::unknown_resource, .best = {}};

    answer a;
    long long greatest = 0;
    for (const destination& d : world_.destinations) {
      if (d.group != q.group || disabled.contains(d.index) || d.addresses.empty() ||
          std::ranges::count(q.excluded_ids, d.id) > 0)
        continue;
      long long least = 1LL << 40;
      bool offers_all = true;
      for (const resource_id name : names) {
        const slot_index s = slot_of(d, name);
        if (s == no_index) {
          offers_all = false;
          break;
        }
        const long long cap = capacity[s], load = used[s];
        const long long relative = cap == 0 ? 0 : 100 - 100 * load / cap;
        least = std::min(least, q.flags.relative ? relative : cap - load);
      }
      if (!offers_all) continue;
      if (a.outcome == selection_outcome::no_destination)
        a.outcome = selection_outcome::no_capacity;
      if (least <= 0 && !q.flags.negative) continue;
      if (a.best.empty() || least > greatest) {
        greatest = least;
        a.best.clear();
      }
      if (least == greatest) a.best.insert(d.index);
      a.outcome = selection_outcome::selected;
    }
    return a;
  }

  static slot_index slot_of(const destination& d, resource_id name) {
    for (const resource& r : d.resources)
      if (r.name == name) return r.slot;
    return no_index;
  }

  std::map<slot_index, int> capacity, used;
  std::set<destination_index> disabled;

 private:
  const snapshot& world_;
};

snapshot random_world(std::mt19937& random, std::uint32_t most) {
  snapshot world;
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const std::uint32_t destinations = 1 + below(most);
  for (std::uint32_t d = 0; d < destinations; ++d) {
    std::vector<std::pair<resource_id, int>> resources;
    for (resource_id name = 0; name < 5; ++name)
      if (below(3) != 0)
        resources.emplace_back(name, static_cast<int>(below(below(3) == 0 ? 200 : 8)));
    test::add_destination(world, 1 + below(3), resources);
    if (below(15) == 0) world.destinations.back().addresses.clear();
  }
  return world;
}

void compare(std::uint32_t most_destinations, std::size_t wanted, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::size_t choices = 0;
  std::map<selection_outcome, std::size_t> outcomes;
  while (choices < wanted) {
    const snapshot world = random_world(random, most_destinations);
    load_ledger ledger({.max_slots = 5 * most_destinations,
                        .max_destinations = most_destinations,
                        .max_waiters = 4},
                       random());
    ledger.adopt(world);
    reference plain(world);
    std::vector<holding> calls;
    for (int i = 0; i < 250; ++i, ++choices) {
      std::vector<resource_id> resources;
      for (std::uint32_t n = 1 + below(3); n > 0; --n)
        resources.push_back(static_cast<resource_id>(below(40) == 0 ? 9 : below(5)));
      std::vector<std::uint32_t> excluded;
      while (below(4) == 0)
        excluded.push_back(1 + below(most_destinations));
      const selection_request q{.group = 1 + below(50) % 4,
                                .resources = resources,
                                .flags = {.relative = below(3) == 0,
                                          .random_tie = below(4) == 0,
                                          .negative = below(10) == 0},
                                .excluded_ids = excluded};
      const reference::answer expected = plain.decide(q);
      holding held;
      const selection_outcome outcome = ledger.select(q, static_cast<waiter>(i), held);
      ASSERT_EQ(outcome, expected.outcome) << "choice " << choices;
      ++outcomes[outcome];
      if (outcome == selection_outcome::selected) {
        if (q.flags.random_tie)
          ASSERT_TRUE(expected.best.contains(held.destination)) << "choice " << choices;
        else
          ASSERT_EQ(held.destination, *expected.best.begin()) << "choice " << choices;
        ASSERT_EQ(held.slot_count, resources.size());
        for (std::uint8_t s = 0; s < held.slot_count; ++s)
          ++plain.used[held.slots[s]];
        calls.push_back(held);
      }
      while (!calls.empty() && below(3) == 0) {
        holding& ended = calls[below(calls.size())];
        for (std::uint8_t s = 0; s < ended.slot_count; ++s)
          --plain.used[ended.slots[s]];
        ledger.release(ended);
        std::swap(ended, calls.back());
        calls.pop_back();
      }
      const destination& d = world.destinations[below(world.destinations.size())];
      if (below(20) == 0) {
        const bool enabled = below(2) == 0;
        ledger.set_enabled(d.index, enabled);
        if (enabled)
          plain.disabled.erase(d.index);
        else
          plain.disabled.insert(d.index);
      }
      if (below(20) == 0 && !d.resources.empty()) {
        const slot_index s = d.resources[below(d.resources.size())].slot;
        plain.capacity[s] = static_cast<int>(below(12));
        ledger.resize(s, plain.capacity[s]);
      }
      if (below(20) == 0) {
        const resource_id name = static_cast<resource_id>(below(5));
        holding counted;
        ledger.count(d.index, std::array{name}, counted);
        ASSERT_EQ(counted.slot_count, reference::slot_of(d, name) == no_index ? 0 : 1);
        if (counted.slot_count == 1) {
          ++plain.used[counted.slots[0]];
          calls.push_back(counted);
        }
      }
      for (const auto& [s, lines] : plain.used) {
        ASSERT_EQ(ledger.view(s).used, lines);
        ASSERT_EQ(ledger.view(s).pool, ledger.capacity(s) - lines);
        ASSERT_EQ(ledger.published_used()[s].load(), lines);
      }
    }
    for (holding& held : calls)
      ledger.release(held);
    for (slot_index s = 0; s < 5 * most_destinations; ++s)
      ASSERT_EQ(ledger.view(s).used, 0);
  }
  // The test is worth something only if it saw every outcome.
  EXPECT_GT(outcomes[selection_outcome::selected], wanted / 3);
  EXPECT_GT(outcomes[selection_outcome::no_destination], wanted / 50);
  EXPECT_GT(outcomes[selection_outcome::unknown_resource], wanted / 50);
  if (most_destinations < 64) {
    EXPECT_GT(outcomes[selection_outcome::no_capacity], wanted / 50);
  }
}

TEST(ledger_reference, ten_thousand_choices_are_the_plain_rule) {
  compare(20, 10'000, 20240229);
}

// Up to fifty in a group: looked through in several turns of sixteen.
TEST(ledger_reference, ten_thousand_choices_of_many_are_the_plain_rule) {
  compare(150, 10'000, 20261130);
}

// Groups from 64 destinations on are not looked through but kept in order.
TEST(ledger_reference, large_groups_choose_the_same) {
  compare(600, 8'000, 7);
}

} // namespace
} // namespace linehunt::ledger_reference_test
