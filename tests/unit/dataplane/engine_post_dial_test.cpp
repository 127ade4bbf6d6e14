// SPDX-License-Identifier: Apache-2.0
// Post-dial delay: from the INVITE to a destination to its first sign of life, once for each.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_post_dial_test {
namespace {

struct engine_post_dial : ::testing::Test {
  engine_world world;

  sent_message start(const call_parts& parts = {}) {
    EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    return world.take().at(1);
  }
  const post_dial_delay& of(std::size_t position) {
    return world.engine().post_dial_delays()[position];
  }
  std::uint64_t counted(std::size_t position) {
    std::uint64_t total = 0;
    for (const auto& count : of(position).counts)
      total += count;
    return total;
  }
};

TEST_F(engine_post_dial, ringing_counts_once) {
  const auto sent = start();
  ASSERT_EQ(sent.to, at("192.0.2.11:5060"));
  world.wait_ms(100);
  (void)world.give(response(sent.bytes, 100, ""), sent.to);
  EXPECT_EQ(counted(0), 0u) << "100 Trying is hop by hop";
  world.wait_ms(100);
  (void)world.give(response(sent.bytes, 180, "a"), sent.to);
  world.wait_ms(100);
  (void)world.give(response(sent.bytes, 183, "a"), sent.to);
  (void)world.give(response(sent.bytes, 200, "a"), sent.to);
  EXPECT_EQ(counted(0), 1u);
  EXPECT_EQ(of(0).counts[4], 1u); // above 100 ms, up to 250 ms
  EXPECT_EQ(of(0).sum_us, 200'000u);
}

TEST_F(engine_post_dial, an_answer_without_ringing_counts) {
  const auto sent = start();
  (void)world.give(response(sent.bytes, 200, "a"), sent.to);
  EXPECT_EQ(of(0).counts[0], 1u);
}

TEST_F(engine_post_dial, a_failure_does_not_and_the_next_one_begins_anew) {
  const auto first = start();
  world.wait_ms(1000);
  (void)world.take(); // retransmissions
  (void)world.give(response(first.bytes, 503, "bad"), first.to);
  const auto second = world.take().at(1);
  ASSERT_EQ(second.to, at("192.0.2.14:5060"));
  world.wait_ms(20);
  (void)world.give(response(second.bytes, 180, "good"), second.to);
  EXPECT_EQ(counted(0), 0u);
  EXPECT_EQ(counted(3), 1u);
  EXPECT_EQ(of(3).sum_us, 20'000u);
  EXPECT_EQ(of(0).moved_on, 1u);
  EXPECT_EQ(of(3).moved_on, 0u);
}

TEST(post_dial_delay, bounds_belong_to_their_bucket) {
  post_dial_delay d;
  d.add(0);
  d.add(10'000);
  d.add(10'001);
  d.add(60'000'000);
  d.add(60'000'001);
  EXPECT_EQ(d.counts[0], 2u);
  EXPECT_EQ(d.counts[1], 1u);
  EXPECT_EQ(d.counts[post_dial_bounds_ms.size() - 1], 1u);
  EXPECT_EQ(d.counts[post_dial_bounds_ms.size()], 1u);
  EXPECT_EQ(d.sum_us, 120'020'002u);
  d.add_moved_on();
  EXPECT_EQ(d.moved_on, 1u);
  d.clear();
  EXPECT_EQ(d.moved_on, 0u);
  EXPECT_EQ(d.counts[0], 0u);
  EXPECT_EQ(d.sum_us, 0u);
}

// A destination that is new starts at nothing, also with the number of one that has gone.
TEST_F(engine_post_dial, numbers_are_used_again) {
  const auto sent = start();
  (void)world.give(response(sent.bytes, 180, "a"), sent.to);
  ASSERT_EQ(counted(0), 1u);
  snapshot_model model = study_case();
  world.reload(model);
  EXPECT_EQ(counted(0), 1u) << "it stays over a reload";
  const destination_model gone = model.destinations.front();
  model.destinations.erase(model.destinations.begin());
  world.reload(model);
  model.destinations.insert(model.destinations.begin(), gone);
  world.reload(model);
  EXPECT_EQ(counted(0), 0u);
}

// It rings when its number is another one's.
TEST_F(engine_post_dial, another_destination_has_the_number_when_it_answers_late) {
  const auto first = start();
  ASSERT_EQ(first.to, at("192.0.2.11:5060"));
  world.wait_ms(5'050);
  ASSERT_EQ(world.take().back().to, at("192.0.2.14:5060")) << "it has gone on";
  world.replace_first(study_case());
  ASSERT_EQ(world.give(response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  EXPECT_EQ(counted(0), 0u) << "the other one has answered nothing";
}

} // namespace
} // namespace linehunt::test::engine_post_dial_test
