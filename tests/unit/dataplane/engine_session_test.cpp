// SPDX-License-Identifier: Apache-2.0
// The session timer (RFC 4028): a call whose session is not refreshed in time is ended.
#include "ending_call.h"

namespace linehunt::test::engine_session_test {
namespace {

using engine_session = ending_call;

TEST_F(engine_session, a_session_that_is_not_refreshed_is_ended) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 200, "t", "Session-Expires: 90;refresher=uac\r\n"),
                   there.to);
  remember();
  const auto ok = world.take_one().bytes;
  dialog_request what;
  what.method = "ACK";
  (void)world.give(within(ok, what), caller_address);
  world.wait_ms(60'000);
  // A refresh: the clock starts again.
  what.method = "UPDATE";
  (void)world.take();
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  const auto update = world.take_one();
  (void)world.give(response(update.bytes, 200, "", "x: 90;refresher=uac\r\n"), update.to);
  (void)world.take();
  world.wait_ms(89'000);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(2'000);
  const auto [to_caller, to_callee] = byes();
  (void)world.give(response(to_caller.bytes, 200, ""), to_caller.to);
  (void)world.give(response(to_callee.bytes, 200, ""), to_callee.to);
  expect_gone(end_cause::session_expired);
}

TEST_F(engine_session, a_session_is_ended_when_its_time_is_up) {
  (void)answered_with("Session-Expires: 90\r\n");
  world.wait_ms(89'900);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(200);
  both_answer(byes());
  expect_gone(end_cause::session_expired);
}

// RFC 4028 4: any other value is that of a parameter that we do not know.
TEST_F(engine_session, a_session_is_ended_whoever_is_to_refresh_it) {
  (void)answered_with("Session-Expires: 90;refresher=both\r\n");
  world.wait_ms(90'100);
  both_answer(byes());
  expect_gone(end_cause::session_expired);
}

TEST_F(engine_session, a_session_lasts_no_shorter_than_agreed) {
  (void)answered_with("Session-Expires: 90\r\n", 900);
  world.wait_ms(89'950);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(1'100);
  both_answer(byes());
  expect_gone(end_cause::session_expired);
}

TEST_F(engine_session, the_time_of_a_session_begins_with_the_answer) {
  (void)answered_with("Session-Expires: 90\r\n", 20'000);
  world.wait_ms(89'000);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(2'000);
  both_answer(byes());
  expect_gone(end_cause::session_expired);
}

TEST_F(engine_session, a_refresh_without_session_expires_ends_the_session_timer) {
  const auto ok = answered_with("Session-Expires: 90\r\n");
  dialog_request what;
  what.method = "UPDATE";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  const auto update = world.take_one();
  ASSERT_EQ(world.give(response(update.bytes, 200, ""), update.to), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(200'000);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.total_load(), 1);
}

// Added to the age of the call it does not fit 32 bits any more.
TEST_F(engine_session, a_session_of_136_years_ends_no_call) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  world.wait_ms(3'000);
  (void)world.take();
  (void)world.give(response(there.bytes, 200, "t", "Session-Expires: 4294967295\r\n"), there.to);
  const auto ok = world.take_one().bytes;
  dialog_request what;
  what.method = "ACK";
  (void)world.give(within(ok, what), caller_address);
  (void)world.take();
  world.wait_ms(60'000);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.total_load(), 1);
}

// RFC 4028 4: nobody may ask for less.
TEST_F(engine_session, a_session_lasts_90_s_whatever_less_is_said) {
  for (const char* said : {"0", "1", "89;refresher=uas"}) {
    SCOPED_TRACE(said);
    (void)answered_with(std::string{"Session-Expires: "} + said + "\r\n");
    world.wait_ms(89'900);
    EXPECT_TRUE(world.take().empty());
    EXPECT_EQ(world.total_load(), 1);
    world.wait_ms(200);
    both_answer(byes());
    expect_gone(end_cause::session_expired);
    world.wait_ms(33'000); // its record has gone
  }
}

TEST_F(engine_session, a_refresh_that_says_less_gives_90_s_too) {
  const auto ok = answered_with("");
  world.wait_ms(30'000);
  dialog_request what;
  what.method = "UPDATE";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  const auto update = world.take_one();
  ASSERT_EQ(world.give(response(update.bytes, 200, "", "Session-Expires: 5\r\n"), update.to),
            verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(89'900);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(200);
  both_answer(byes());
  expect_gone(end_cause::session_expired);
}

TEST_F(engine_session, a_call_without_an_ack_ends_by_what_is_due_first) {
  snapshot_model model = study_case();
  for (const std::uint32_t ack_wait_ms : {60'000u, 120'000u}) {
    model.timers.ack_wait_ms = ack_wait_ms;
    world.reload(model);
    ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
    const auto there = world.take().at(1);
    (void)world.give(response(there.bytes, 200, "t", "Session-Expires: 90\r\n"), there.to);
    (void)world.take();
    remember();
    const bool ack_first = ack_wait_ms < 90'000;
    world.wait_ms(ack_first ? 59'900 : 89'900);
    EXPECT_TRUE(world.take().empty());
    world.wait_ms(200);
    both_answer(byes());
    expect_gone(ack_first ? end_cause::no_ack : end_cause::session_expired);
    world.wait_ms(33'000);
  }
}

} // namespace
} // namespace linehunt::test::engine_session_test
