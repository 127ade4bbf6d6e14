// SPDX-License-Identifier: Apache-2.0
// Which destination a call is at, by its number: counted for each, and nobody else's as long as the
// call lives, also where it holds no line.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_number_test {
namespace {

// Most calls need nothing, so they go to the first destination that is left.
snapshot_model without_lines() {
  snapshot_model model = study_case();
  model.rules[2] = models::balancing("^fax", {"pstn"});
  model.rules[2].action = rule_action::add;
  model.rules.push_back(models::balancing("^[0-9]+$", {}));
  return model;
}

struct engine_number : ::testing::Test {
  engine_world world{without_lines()};

  sent_message start(const call_parts& parts = {}) {
    EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    return world.take().at(1);
  }
  std::vector<std::uint64_t> calls() {
    std::vector<std::uint64_t> first;
    for (std::size_t d = 0; d < 4; ++d)
      first.push_back(world.engine().destination_calls()[d]);
    return first;
  }
  void replace_first() { world.replace_first(without_lines()); }
  destination_index kept_at() {
    models::kept_calls kept = world.copy();
    EXPECT_EQ(kept.size(), 1u);
    return kept.size() == 1 ? kept[0].destination : no_index - 1;
  }
};

using counts = std::vector<std::uint64_t>;

TEST_F(engine_number, call_is_counted_where_it_is_until_it_ends) {
  const auto first = start();
  ASSERT_EQ(first.to, at("192.0.2.11"));
  EXPECT_EQ(calls(), (counts{1, 0, 0, 0})) << "it rings";
  (void)world.give(response(first.bytes, 503, "a"), first.to);
  const auto second = world.take().at(1);
  ASSERT_EQ(second.to, at("192.0.2.12"));
  EXPECT_EQ(calls(), (counts{0, 1, 0, 0})) << "it has gone on";
  (void)world.give(response(second.bytes, 200, "b"), second.to);
  const auto ok = world.take_one();
  EXPECT_EQ(calls(), (counts{0, 1, 0, 0})) << "it is answered";
  (void)world.give(within(ok.bytes, {}), caller_address);
  const auto bye = world.take_one();
  EXPECT_EQ(calls(), (counts{0, 1, 0, 0})) << "it leaves";
  (void)world.give(response(bye.bytes, 200, ""), bye.to);
  EXPECT_EQ(calls(), counts(4));
  world.wait_ms(33'000);
  EXPECT_EQ(calls(), counts(4)) << "once";
}

TEST_F(engine_number, call_with_lines_is_counted_with_them) {
  world.reload(study_case());
  const auto there = start();
  EXPECT_EQ(calls(), (counts{1, 0, 0, 0}));
  (void)world.give(response(there.bytes, 486, "a"), there.to);
  EXPECT_EQ(calls(), counts(4));
}

TEST_F(engine_number, call_that_is_answered_late_is_counted_there) {
  const auto first = start();
  world.wait_ms(5'050);
  EXPECT_EQ(calls(), (counts{0, 1, 0, 0}));
  ASSERT_EQ(world.give(response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  EXPECT_EQ(calls(), (counts{1, 0, 0, 0}));
}

TEST_F(engine_number, call_is_counted_where_it_was_after_a_restart) {
  (void)establish(world);
  ASSERT_EQ(world.restart(without_lines()), 1u);
  EXPECT_EQ(calls(), (counts{1, 0, 0, 0}));
}

TEST_F(engine_number, answered_call_is_not_the_next_owners) {
  (void)establish(world);
  replace_first();
  EXPECT_EQ(kept_at(), no_index);
  EXPECT_EQ(calls(), (counts{1, 0, 0, 0}));
  world.reload(without_lines());
  EXPECT_EQ(kept_at(), 0u) << "it has come back";
}

TEST_F(engine_number, ringing_call_is_not_the_next_owners) {
  const auto there = start();
  replace_first();
  (void)world.give(response(there.bytes, 200, "a"), there.to);
  EXPECT_EQ(kept_at(), no_index);
}

TEST_F(engine_number, answer_of_who_was_given_up_is_not_the_next_owners) {
  const auto first = start();
  world.wait_ms(5'050);
  replace_first();
  EXPECT_EQ(calls(), (counts{0, 1, 0, 0})) << "nobody is there any more";
  ASSERT_EQ(world.give(response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  EXPECT_EQ(kept_at(), no_index);
  EXPECT_EQ(calls(), counts(4));
}

TEST_F(engine_number, number_goes_to_another_one_when_the_call_has_ended) {
  const auto there = start();
  (void)world.give(response(there.bytes, 486, "a"), there.to);
  (void)world.take();
  replace_first();
  snapshot_model model = without_lines();
  model.destinations = {models::machine(5, "conf=1")};
  world.reload(model);
  call_parts another;
  another.call_id = "18@caller.example";
  another.branch = "z9hG4bKcaller2";
  (void)start(another);
  EXPECT_EQ(calls(), (counts{1, 0, 0, 0}));
}

// As a call that holds a line there.
TEST_F(engine_number, earlier_address_that_answers_after_a_reload_took_it_away_keeps_the_call) {
  snapshot_model model = without_lines();
  model.destinations[0].addresses = {at("192.0.2.11"), at("192.0.2.61")};
  world.reload(model);
  const auto first = start();
  world.wait_ms(5'050);
  ASSERT_EQ(world.take().back().to, at("192.0.2.61"));
  snapshot_model less = model;
  less.destinations.erase(less.destinations.begin());
  world.reload(less);
  ASSERT_EQ(world.give(response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  EXPECT_EQ(calls(), (counts{1, 0, 0, 0}));
  world.reload(model);
  EXPECT_EQ(kept_at(), 0u);
}

} // namespace
} // namespace linehunt::test::engine_number_test
