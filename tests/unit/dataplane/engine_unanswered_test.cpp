// SPDX-License-Identifier: Apache-2.0
// Re-INVITE and UPDATE that are answered 408, or not at all: both parties are asked whether they
// live, and the call of one that does not ends.
#include "asked_call.h"

namespace linehunt::test::engine_unanswered_test {
namespace {

using engine_unanswered = asked_call;

TEST_F(engine_unanswered, a_party_that_stays_silent_ends_the_call) {
  for (const std::string method : {"INVITE", "UPDATE"})
    for (const bool from_caller : {true, false}) {
      const auto call = start();
      timed_out(call, from_caller, method);
      (void)asked(3'900, 0); // whoever got the 408 has time for a BYE
      const auto pings = asked(200, 2);
      EXPECT_EQ(pings[0].to, caller_address);
      EXPECT_EQ(first_line(pings[1].bytes), "OPTIONS sip:machine@192.0.2.99:5070 SIP/2.0");
      answers(pings[from_caller ? 0 : 1], 200);
      const auto again = asked(31'000, 9); // timer E
      for (const sent_message& m : again)
        EXPECT_EQ(m.bytes, pings[from_caller ? 1 : 0].bytes);
      EXPECT_EQ(world.total_load(), 1);
      world.wait_ms(5'000);
      both_answer(byes());
      expect_gone(end_cause::ping_lost);
      world.wait_ms(40'000); // the record goes
      (void)world.take();
    }
}

TEST_F(engine_unanswered, the_call_of_who_answers_goes_on) {
  const auto call = start();
  for (unsigned cseq = 2; cseq < 5; ++cseq) {
    timed_out(call, true, "INVITE", cseq);
    const auto pings = asked(4'100, 2);
    answers(pings[0], 405);
    answers(pings[1], 200);
    (void)asked(80'000, 0);
  }
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_unanswered, who_has_dropped_the_call_says_so) {
  for (const bool from_caller : {true, false}) {
    const auto call = start();
    timed_out(call, from_caller);
    const auto pings = asked(4'100, 2);
    answers(pings[from_caller ? 0 : 1], 481);
    both_answer(byes());
    expect_gone(end_cause::ping_lost);
    world.wait_ms(40'000);
    (void)world.take();
  }
}

// The answer to OPTIONS was from before the callee has gone.
TEST_F(engine_unanswered, an_offer_that_goes_on_while_both_are_asked_is_looked_at_after_that) {
  for (const int status : {0, 100, 183, 200, 488, 408}) {
    const auto call = start();
    timed_out(call, true);
    const auto pings = asked(4'100, 2);
    const auto there = offer(call, true, "INVITE", 3);
    answers(pings[1], 200);
    if (status != 0) {
      ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to),
                verdict::response_forwarded);
      (void)world.take();
    }
    if (status != 183) answers(pings[0], 200);
    if (status == 200 || status == 488) {
      (void)asked(240'000, 0);
      EXPECT_EQ(world.total_load(), 1);
      end_by_admin(world);
    } else {
      // Timer C where it rings, and nothing more where a proxy has said 408 in the meantime.
      const std::uint64_t from_now = status == 183 ? 185'000 : 36'000;
      if (status == 408) {
        (void)asked(60'000, 0);
        end_by_admin(world);
      } else {
        (void)asked(from_now - 100, 0);
        answers(asked(200, 2)[0], 200);
        world.wait_ms(36'000);
      }
    }
    both_answer(byes());
    EXPECT_EQ(world.total_load(), 0) << status;
    world.wait_ms(40'000);
    (void)world.take();
  }
}

// What we send may not reach who has asked: that he lives his own offer has shown.
TEST_F(engine_unanswered, the_silence_of_who_has_asked_ends_nothing) {
  for (const int status : {0, 408}) {
    const auto call = start();
    timed_out(call, true);
    const auto pings = asked(4'100, 2);
    answers(pings[1], 200);
    if (status != 0) answers(pings[0], status);
    (void)asked(60'000, status != 0 ? 0 : 3);
    EXPECT_EQ(world.total_load(), 1);
    end_by_admin(world);
    both_answer(byes());
    world.wait_ms(40'000);
    (void)world.take();
  }
}

TEST_F(engine_unanswered, a_proxy_says_it_of_the_options_too) {
  const auto call = start();
  timed_out(call, true);
  answers(asked(4'100, 2)[1], 408);
  both_answer(byes());
  expect_gone(end_cause::ping_lost);
}

// A proxy has waited for 64*T1 with it, and meanwhile both are asked for another reason.
TEST_F(engine_unanswered, a_timeout_of_the_ping_before_says_nothing) {
  const auto call = start();
  timed_out(call, true);
  const auto before = asked(4'100, 2);
  answers(before[1], 200);
  (void)asked(20'000, 3); // the caller's silence ends nothing
  timed_out(call, false);
  const auto pings = asked(4'100, 2);
  answers(before[0], 408);
  for (const sent_message& ping : pings)
    answers(ping, 200);
  (void)asked(60'000, 0);
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_unanswered, no_answer_at_all_is_the_same) {
  for (const bool from_caller : {true, false}) {
    const auto call = start();
    const auto there = offer(call, from_caller);
    world.wait_ms(20'000);
    EXPECT_EQ(offer(call, from_caller).bytes, there.bytes) << "repeated";
    (void)asked(15'900, 0);
    const auto pings = asked(200, 2);
    answers(pings[from_caller ? 0 : 1], 200);
    world.wait_ms(36'000);
    both_answer(byes());
    expect_gone(end_cause::ping_lost);
    world.wait_ms(40'000);
    (void)world.take();
  }
}

TEST_F(engine_unanswered, whatever_else_is_answered_shows_that_the_party_lives) {
  const auto call = start();
  unsigned cseq = 2;
  for (const int status : {200, 401, 405, 488, 491, 500, 501}) {
    // Also where the offer before has had no answer, or a 408.
    for (const bool is_timeout : {true, false}) {
      if (is_timeout)
        timed_out(call, true, "UPDATE", cseq++);
      else
        (void)offer(call, true, "UPDATE", cseq++);
      const auto there = offer(call, true, "INVITE", cseq++);
      ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to),
                verdict::response_forwarded);
      (void)world.take();
      (void)asked(80'000, 0);
    }
  }
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_unanswered, a_2xx_while_they_are_asked_is_their_answer) {
  const auto call = start();
  timed_out(call, true);
  (void)asked(4'100, 2);
  const auto there = offer(call, true, "INVITE", 3);
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  (void)world.take();
  (void)asked(80'000, 0);
  EXPECT_EQ(world.total_load(), 1);
}

// An INVITE may ring, and has no timer at its sender any more (RFC 3261 17.1.1.2); an UPDATE has.
TEST_F(engine_unanswered, who_rings_has_the_time_of_timer_c_for_his_answer) {
  for (const int status : {100, 183})
    for (const bool from_caller : {true, false}) {
      const auto call = start();
      const auto there = offer(call, from_caller);
      for (int minute = 0; minute < 5; ++minute) {
        ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to),
                  verdict::response_forwarded);
        (void)world.take();
        (void)asked(60'000, 0);
      }
      (void)asked(124'000, 0); // the last minute counted
      const auto pings = asked(1'100, 2);
      answers(pings[from_caller ? 0 : 1], 200);
      world.wait_ms(36'000);
      both_answer(byes());
      expect_gone(end_cause::ping_lost);
      world.wait_ms(40'000);
      (void)world.take();
    }
}

TEST_F(engine_unanswered, the_answer_after_ringing_settles_it) {
  const auto call = start();
  const auto there = offer(call, true);
  for (const int status : {100, 180, 603}) {
    ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to), verdict::response_forwarded);
    (void)world.take();
    (void)asked(60'000, 0);
  }
  (void)asked(300'000, 0);
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_unanswered, an_update_that_is_trying_has_no_more_time) {
  const auto call = start();
  const auto there = offer(call, true, "UPDATE");
  ASSERT_EQ(world.give(response(there.bytes, 100, ""), there.to), verdict::response_forwarded);
  (void)world.take();
  (void)asked(35'900, 0);
  (void)asked(200, 2);
}

// Not all devices answer OPTIONS.
TEST_F(engine_unanswered, what_else_a_party_says_while_it_is_asked_shows_that_it_lives) {
  enum class sign { request, answer, refused_offer };
  for (const sign what : {sign::request, sign::answer, sign::refused_offer})
    for (const bool from_caller : {true, false}) {
      const auto call = start();
      timed_out(call, from_caller);
      (void)asked(4'100, 2);
      if (what == sign::request) {
        (void)offer(call, !from_caller, "INFO");
      } else {
        const auto there = offer(call, from_caller, what == sign::answer ? "INFO" : "UPDATE", 3);
        ASSERT_EQ(world.give(response(there.bytes, 488, ""), there.to),
                  verdict::response_forwarded);
        (void)world.take();
      }
      world.wait_ms(80'000);
      for (const sent_message& m : world.take())
        EXPECT_TRUE(m.bytes.starts_with("OPTIONS ")) << m.bytes;
      EXPECT_EQ(world.total_load(), 1);
      end_by_admin(world);
      both_answer(byes());
      world.wait_ms(40'000);
      (void)world.take();
    }
}

// It may have died since, and the other side has an offer without an answer.
TEST_F(engine_unanswered, what_a_party_has_said_before_it_was_asked_is_no_sign) {
  const auto call = start();
  (void)offer(call, true);
  world.wait_ms(1'000);
  (void)offer(call, false, "INFO");
  (void)asked(34'900, 0);
  answers(asked(200, 2)[0], 200);
  world.wait_ms(36'000);
  both_answer(byes());
  expect_gone(end_cause::ping_lost);
}

TEST_F(engine_unanswered, who_does_not_know_the_call_has_shown_no_life) {
  for (const int status : {408, 481}) {
    const auto call = start();
    timed_out(call, true);
    (void)asked(4'100, 2);
    const auto there = offer(call, true, "INFO", 3);
    ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to), verdict::response_forwarded);
    (void)world.take();
    world.wait_ms(36'000);
    both_answer(byes());
    expect_gone(end_cause::ping_lost);
    world.wait_ms(40'000);
    (void)world.take();
  }
}

// A stranger who knows the tags could keep a call that has gone.
TEST_F(engine_unanswered, a_request_of_a_stranger_is_no_sign_of_life) {
  const auto call = start();
  timed_out(call, true);
  (void)asked(4'100, 2);
  dialog_request info;
  info.method = "INFO";
  info.from_caller = false;
  ASSERT_EQ(world.give(within(call.ok_at_caller, info), at("203.0.113.9:5060")),
            verdict::request_forwarded);
  world.wait_ms(36'000);
  both_answer(byes());
  expect_gone(end_cause::ping_lost);
}

// While they are asked: the offer that rings now has not been answered yet.
TEST_F(engine_unanswered, who_rings_while_he_is_asked_lives_and_owes_an_answer_again) {
  const auto call = start();
  timed_out(call, true);
  (void)asked(4'100, 2);
  const auto there = offer(call, true, "INVITE", 3);
  ASSERT_EQ(world.give(response(there.bytes, 100, ""), there.to), verdict::response_forwarded);
  (void)world.take();
  (void)asked(500, 2); // a proxy may have said that
  ASSERT_EQ(world.give(response(there.bytes, 183, ""), there.to), verdict::response_forwarded);
  (void)world.take();
  (void)asked(184'000, 0);
  (void)asked(1'100, 2);
}

TEST_F(engine_unanswered, who_hangs_up_is_not_asked) {
  const auto call = start();
  timed_out(call, true);
  dialog_request bye;
  bye.cseq = 3;
  ASSERT_EQ(world.give(within(call.ok_at_caller, bye), caller_address), verdict::request_forwarded);
  (void)world.take();
  (void)asked(30'000, 0);
  world.wait_ms(5'000);
  expect_gone(end_cause::bye);
}

TEST_F(engine_unanswered, a_stranger_gains_nothing) {
  const auto call = start();
  dialog_request what;
  what.method = "UPDATE";
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), at("203.0.113.9:5060")),
            verdict::request_forwarded);
  const auto there = world.take_one();
  (void)asked(40'000, 0); // the silence of who got it
  const std::string via = header(there.bytes, "Via");
  std::string guessed = via;
  guessed[via.find("branch=") + 20] ^= 1;
  EXPECT_EQ(world.give(replace(response(there.bytes, 408, ""), via, guessed), there.to),
            verdict::dropped_foreign_via);
  (void)asked(40'000, 0);
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_unanswered, not_before_the_ack) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 200, "to-1"), there.to);
  running_call call{there.bytes, world.take_one().bytes, there.to};
  timed_out(call, false, "UPDATE");
  (void)asked(20'000, 0);
}

TEST_F(engine_unanswered, pings_of_the_rule_go_on) {
  snapshot_model model = study_case();
  for (rule_model& rule : model.rules)
    rule.ping.callee = true;
  world.reload(model);
  const auto call = start();
  world.wait_ms(30'100);
  const auto by_rule = world.take_one();
  timed_out(call, true);
  (void)asked(4'100, 5); // three times once more, by timer E; then the caller is asked as well
  answers(by_rule, 200);
  (void)asked(22'000, 3); // the caller's silence ends nothing
  EXPECT_EQ(world.total_load(), 1);
  const auto next = asked(4'000, 1);
  EXPECT_NE(header(next[0].bytes, "Via"), header(by_rule.bytes, "Via"));
  EXPECT_EQ(next[0].to, by_rule.to);
}

// Where it has to ask a record has the number of its transaction else, and a restored call has
// none.
TEST_F(engine_unanswered, a_restored_call_is_asked_about_as_well) {
  const auto call = start();
  ASSERT_EQ(world.restart(), 1u);
  timed_out(call, true);
  dialog_request beside;
  beside.method = "INFO";
  beside.cseq = 3;
  auto info = replace(within(call.ok_at_caller, beside), "tag=to-1", "tag=another");
  info = replace(info, "sip:machine@192.0.2.99:5070", "sip:machine@203.0.113.9");
  ASSERT_EQ(world.give(info, caller_address), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, call.callee) << "nobody else is a next hop";
  for (const sent_message& ping : asked(4'100, 2))
    answers(ping, 200);
  (void)asked(60'000, 0);
}

TEST_F(engine_unanswered, a_doubt_outlives_a_restart) {
  for (const bool from_caller : {true, false})
    for (const std::uint64_t before_ms : {0u, 5'000u}) { // being asked already
      const auto call = start();
      timed_out(call, from_caller);
      world.wait_ms(before_ms);
      (void)world.take();
      ASSERT_EQ(world.restart(), 1u);
      (void)asked(184'900, 0); // for as long the offer may have rung, and be answered
      const auto pings = asked(200, 2);
      answers(pings[from_caller ? 0 : 1], 200);
      world.wait_ms(36'000);
      both_answer(byes());
      EXPECT_EQ(world.counters().ended_by[static_cast<std::size_t>(end_cause::ping_lost)], 1u);
      EXPECT_EQ(world.total_load(), 0);
      world.wait_ms(40'000);
      (void)world.take();
    }
}

TEST_F(engine_unanswered, an_offer_that_is_to_be_looked_at_yet_is_so_after_a_restart) {
  for (const bool from_caller : {true, false}) {
    const auto call = start();
    timed_out(call, !from_caller);
    (void)asked(4'100, 2);
    (void)offer(call, from_caller, "INVITE", 3);
    ASSERT_EQ(world.restart(), 1u);
    (void)asked(184'900, 0);
    const auto pings = asked(200, 2);
    answers(pings[from_caller ? 0 : 1], 200);
    world.wait_ms(36'000);
    both_answer(byes());
    EXPECT_EQ(world.counters().ended_by[static_cast<std::size_t>(end_cause::ping_lost)], 1u);
    world.wait_ms(40'000);
    (void)world.take();
  }
}

TEST_F(engine_unanswered, an_answer_after_a_restart_settles_it) {
  const auto call = start();
  (void)offer(call, true);
  ASSERT_EQ(world.restart(), 1u);
  const auto again = offer(call, true); // timer A
  ASSERT_EQ(world.give(response(again.bytes, 200, ""), again.to), verdict::response_forwarded);
  (void)world.take();
  ASSERT_EQ(world.restart(), 1u);
  (void)asked(80'000, 0);
  EXPECT_EQ(world.total_load(), 1);
}

// The copy is some time old, and an offer is answered within a moment, mostly.
TEST_F(engine_unanswered, a_crash_leaves_no_doubt_whose_silence_would_end_the_call) {
  const auto call = start();
  timed_out(call, true);
  ASSERT_EQ(world.crash(world.copy(), 10'000), 1u);
  world.wait_ms(200'000);
  for (const sent_message& m : world.take())
    EXPECT_TRUE(m.bytes.starts_with("OPTIONS ")) << m.bytes;
  EXPECT_EQ(world.total_load(), 1);
}

} // namespace
} // namespace linehunt::test::engine_unanswered_test
