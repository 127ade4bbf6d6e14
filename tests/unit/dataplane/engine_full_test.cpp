// SPDX-License-Identifier: Apache-2.0
// Full tables: who is refused, who makes room, and what is not passed on.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_full_test {
namespace {

verdict begin_call(engine_world& world, const std::string& call_id) {
  call_parts parts;
  parts.call_id = call_id;
  return world.give(invite(parts), caller_address);
}

TEST(engine_full, a_call_table_is_answered_503_with_retry_after) {
  auto limits = engine_world::small();
  limits.max_calls = 2;
  engine_world tiny(study_case(), limits);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(begin_call(tiny, std::to_string(i) + "@x"),
              i < 2 ? verdict::request_forwarded : verdict::rejected_table_full);
  }
  const auto last = tiny.take().back();
  EXPECT_EQ(status_of(last.bytes), 503);
  EXPECT_EQ(header(last.bytes, "Retry-After"), "5");
}

TEST(engine_full, a_transaction_table_gives_up_the_oldest_unanswered) {
  auto limits = engine_world::small();
  limits.max_transactions = 3;
  engine_world tiny(study_case(), limits);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(begin_call(tiny, std::to_string(i) + "@x"), verdict::request_forwarded);
    const auto there = tiny.take().at(1);
    // The oldest of all rings, and is not given up.
    if (i == 0) (void)tiny.give(response(there.bytes, 180, "t"), there.to);
  }
  EXPECT_EQ(begin_call(tiny, "third@x"), verdict::rejected_table_full) << "those two are young";
  tiny.wait_ms(1000);
  (void)tiny.take();
  EXPECT_EQ(begin_call(tiny, "fourth@x"), verdict::request_forwarded);
  const auto sent = tiny.take();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(status_of(sent[0].bytes), 503);
  EXPECT_EQ(header(sent[0].bytes, "Call-ID"), "1@x");
  EXPECT_EQ(tiny.total_load(), 3);
}

// However long the call has waited for others before.
TEST(engine_full, a_transaction_table_spares_an_attempt_that_is_young) {
  auto limits = engine_world::small();
  limits.max_transactions = 2;
  auto model = study_case();
  for (auto& rule : model.rules)
    rule.failover.code_class[5] = true;
  engine_world tiny(model, limits);
  ASSERT_EQ(begin_call(tiny, "old@x"), verdict::request_forwarded);
  const auto first = tiny.take().at(1);
  tiny.wait_ms(2000);
  (void)tiny.take();
  ASSERT_EQ(tiny.give(response(first.bytes, 500, "t"), first.to), verdict::response_consumed);
  tiny.wait_ms(100);
  ASSERT_EQ(begin_call(tiny, "mute@x"), verdict::request_forwarded);
  (void)tiny.take();
  tiny.wait_ms(300);
  EXPECT_EQ(begin_call(tiny, "third@x"), verdict::rejected_table_full)
      << "both were sent to somebody less than T1 ago";
  EXPECT_EQ(status_of(tiny.take_one().bytes), 503);
}

// Without a record its ACK and BYE could not be told from a stranger's: whoever sent the 2xx ends
// what nobody acknowledges.
TEST(engine_full, a_2xx_of_another_dialog_without_room_is_not_passed_on) {
  auto limits = engine_world::small();
  limits.max_calls = 1;
  engine_world tiny(study_case(), limits);
  const auto call = establish(tiny);
  EXPECT_EQ(tiny.give(response(call.invite_at_callee, 200, "fork"), call.callee),
            verdict::dropped_excess_dialog);
  EXPECT_TRUE(tiny.take().empty());
}

TEST(engine_full, a_call_that_has_ended_makes_room_for_another_dialog) {
  auto limits = engine_world::small();
  limits.max_calls = 2;
  engine_world tiny(study_case(), limits);
  call_parts over;
  over.call_id = "over@x";
  const auto before = establish(tiny, over);
  ASSERT_EQ(tiny.give(within(before.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  const auto bye = tiny.take_one();
  ASSERT_EQ(tiny.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  (void)tiny.take();
  const auto call = establish(tiny);
  ASSERT_EQ(tiny.give(response(call.invite_at_callee, 200, "fork"), call.callee),
            verdict::response_forwarded);
  const auto ok = tiny.take_one();
  dialog_request ack;
  ack.method = "ACK";
  EXPECT_EQ(tiny.give(within(ok.bytes, ack), caller_address), verdict::request_forwarded);
}

} // namespace
} // namespace linehunt::test::engine_full_test
