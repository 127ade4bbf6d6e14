// SPDX-License-Identifier: Apache-2.0
// What may have made a party drop its call without a word to us: both are asked, and a 481 ends it.
#include "asked_call.h"

namespace linehunt::test::engine_drop_test {
namespace {

struct engine_drop : asked_call {
  // What the caller has been asked: his 481 ends the call, and silence does not.
  void ends_by_481_alone(const std::vector<sent_message>& pings, bool says_481) {
    if (says_481) {
      answers(pings[0], 481);
      both_answer(byes());
      expect_gone(end_cause::ping_lost);
    } else {
      (void)asked(60'000, 6); // three times once more: nobody owes an answer
      EXPECT_EQ(world.total_load(), 1);
      end_by_admin(world);
      both_answer(byes());
    }
    world.wait_ms(40'000);
    (void)world.take();
  }
};

// Whoever has no credentials has hung up all the same. Whoever has not sent that BYE goes on.
TEST_F(engine_drop, a_bye_that_is_challenged_and_not_repeated_makes_us_ask) {
  for (const int status : {401, 407})
    for (const bool hung_up : {true, false}) {
      const auto call = start();
      ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address),
                verdict::request_forwarded);
      const auto bye = world.take_one();
      ASSERT_EQ(world.give(response(bye.bytes, status, ""), bye.to), verdict::response_forwarded);
      (void)world.take();
      (void)asked(3'900, 0); // or the BYE with credentials comes
      const auto pings = asked(200, 2);
      EXPECT_EQ(pings[0].to, caller_address);
      ends_by_481_alone(pings, hung_up);
    }
}

// With credentials that are out of date: what was to be asked by then waits for the next BYE.
TEST_F(engine_drop, a_bye_that_is_challenged_twice_has_its_time_again) {
  const auto call = start();
  for (const unsigned cseq : {2u, 3u}) {
    dialog_request what;
    what.cseq = cseq;
    what.branch += std::to_string(cseq);
    ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
              verdict::request_forwarded);
    const auto bye = world.take_one();
    (void)asked(3'000, 0); // the second is answered after the first would have made us ask
    ASSERT_EQ(world.give(response(bye.bytes, 401, ""), bye.to), verdict::response_forwarded);
    (void)world.take();
    (void)asked(cseq == 2 ? 2'000 : 3'900, 0);
  }
  (void)asked(200, 2);
}

// A carrier may have more addresses than the call knows; others who know its tags gain nothing.
TEST_F(engine_drop, a_bye_from_an_unknown_address_makes_us_ask) {
  for (const bool hung_up : {true, false}) {
    const auto call = start();
    ASSERT_EQ(world.give(within(call.ok_at_caller, {}), at("198.51.100.77:5060")),
              verdict::dropped_wrong_source);
    ends_by_481_alone(asked(4'100, 2), hung_up);
  }
}

// RFC 5057 5.1: sofia-sip takes the call for over then, and says nothing to the other side.
TEST_F(engine_drop, an_answer_that_may_end_the_session_makes_us_ask) {
  for (const int status : {404, 410, 480, 502, 604})
    for (const bool dropped : {true, false}) {
      const auto call = start();
      const auto there = offer(call, true);
      ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to),
                verdict::response_forwarded);
      (void)world.take();
      ends_by_481_alone(asked(4'100, 2), dropped);
    }
}

TEST_F(engine_drop, whose_peer_does_not_know_the_call_in_an_info_is_asked) {
  for (const std::string method : {"INFO", "OPTIONS", "MESSAGE", "REFER", "NOTIFY", "PRACK"}) {
    const auto call = start();
    const auto there = offer(call, true, method);
    ASSERT_EQ(world.give(response(there.bytes, 481, ""), there.to), verdict::response_forwarded);
    (void)world.take();
    if (method == "NOTIFY" || method == "PRACK") { // of a subscription, of another transaction
      (void)asked(60'000, 0);
      EXPECT_EQ(world.total_load(), 1);
      end_by_admin(world);
    } else {
      answers(asked(4'100, 2)[1], 481);
    }
    both_answer(byes());
    EXPECT_EQ(world.total_load(), 0);
    world.wait_ms(40'000);
    (void)world.take();
  }
}

// RFC 5057 5.1: its dialog is over then, whatever was asked. 480 speaks of the usage.
TEST_F(engine_drop, who_is_not_found_by_an_info_is_asked) {
  for (const std::string method : {"INFO", "REFER", "SUBSCRIBE"})
    for (const int status : {404, 410, 480, 603}) {
      const auto call = start();
      const auto there = offer(call, true, method);
      ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to),
                verdict::response_forwarded);
      (void)world.take();
      if (method == "SUBSCRIBE" || status == 480 || status == 603) {
        (void)asked(60'000, 0);
        EXPECT_EQ(world.total_load(), 1);
        end_by_admin(world);
        both_answer(byes());
        world.wait_ms(40'000);
        (void)world.take();
      } else {
        ends_by_481_alone(asked(4'100, 2), status == 404);
      }
    }
}

TEST_F(engine_drop, what_has_made_us_ask_is_asked_after_a_restart_too) {
  for (const bool asked_already : {false, true}) {
    engine_world fresh;
    const auto call = establish(fresh);
    ASSERT_EQ(fresh.give(within(call.ok_at_caller, {}), at("198.51.100.77:5060")),
              verdict::dropped_wrong_source);
    if (asked_already) fresh.wait_ms(4'100);
    ASSERT_EQ(fresh.take().size(), asked_already ? 2u : 0u);
    ASSERT_EQ(fresh.restart(), 1u);
    fresh.wait_ms(4'100);
    const auto pings = fresh.take();
    ASSERT_EQ(pings.size(), 2u);
    EXPECT_EQ(fresh.give(response(pings[0].bytes, 481, ""), pings[0].to),
              verdict::response_consumed);
    EXPECT_EQ(fresh.take().size(), 2u) << "BYEs";
    EXPECT_EQ(fresh.counters().calls_live, 1u);
  }
}

// Not all devices answer OPTIONS, and one that rings has timer C for its answer: neither a stranger
// nor an INFO cuts that short.
TEST_F(engine_drop, a_sign_of_a_drop_does_not_shorten_the_time_of_who_owes_an_answer) {
  for (const bool by_stranger : {true, false}) {
    const auto call = start();
    const auto there = offer(call, true);
    ASSERT_EQ(world.give(response(there.bytes, 183, ""), there.to), verdict::response_forwarded);
    (void)world.take();
    if (by_stranger) {
      ASSERT_EQ(world.give(within(call.ok_at_caller, {}), at("198.51.100.77:5060")),
                verdict::dropped_wrong_source);
    } else {
      const auto info = offer(call, true, "INFO", 3);
      ASSERT_EQ(world.give(response(info.bytes, 481, ""), info.to), verdict::response_forwarded);
      (void)world.take();
    }
    (void)asked(180'000, 0);
    EXPECT_EQ(world.total_load(), 1);
    (void)asked(5'100, 2);
    end_by_admin(world);
    both_answer(byes());
    world.wait_ms(40'000);
    (void)world.take();
  }
}

// Else a stranger could keep the call of a party that has gone, with a BYE now and then.
TEST_F(engine_drop, a_timeout_while_both_are_asked_for_nobodys_answer_counts) {
  const auto call = start();
  ASSERT_EQ(world.give(within(call.ok_at_caller, {}), at("198.51.100.77:5060")),
            verdict::dropped_wrong_source);
  answers(asked(4'100, 2)[0], 200);
  timed_out(call, true);
  world.wait_ms(36'000);
  both_answer(byes());
  expect_gone(end_cause::ping_lost);
}

// He would owe an answer to the stranger, and the question would wait for timer C.
TEST_F(engine_drop, an_offer_of_a_stranger_that_rings_puts_nothing_off) {
  const auto stranger = at("203.0.113.9:5060");
  for (const bool while_asked : {false, true}) {
    const auto call = start();
    ASSERT_EQ(world.give(within(call.ok_at_caller, {}), stranger), verdict::dropped_wrong_source);
    if (while_asked) (void)asked(4'100, 2);
    dialog_request what;
    what.method = "INVITE";
    ASSERT_EQ(world.give(within(call.ok_at_caller, what), stranger), verdict::request_forwarded);
    const auto there = world.take_one();
    ASSERT_EQ(world.give(response(there.bytes, 183, ""), there.to), verdict::response_forwarded);
    (void)world.take();
    if (!while_asked) (void)asked(4'100, 2);
    (void)asked(240'000, 6); // nobody owes an answer
    EXPECT_EQ(world.total_load(), 1);
    end_by_admin(world);
    both_answer(byes());
    world.wait_ms(40'000);
    (void)world.take();
  }
}

// What a refused offer has made us ask is not asked later for a reply that was on its way longer.
TEST_F(engine_drop, a_ringing_that_comes_after_the_refusal_puts_nothing_off) {
  const auto call = start();
  const auto there = offer(call, true);
  for (const int status : {404, 183}) {
    ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to), verdict::response_forwarded);
    (void)world.take();
  }
  (void)asked(4'100, 2);
  (void)asked(60'000, 6);
  EXPECT_EQ(world.total_load(), 1);
}

// A request within the call goes to the address that it names, if that is the other side's, and to
// any port there.
TEST_F(engine_drop, an_offer_of_a_stranger_ends_no_call_at_another_port) {
  for (const std::string method : {"INVITE", "UPDATE"})
    for (const int status : {481, 408}) {
      const auto call = start();
      dialog_request what;
      what.method = method;
      const auto astray = replace(within(call.ok_at_caller, what), "sip:machine@192.0.2.99:5070",
                                  "sip:machine@192.0.2.99:5999");
      ASSERT_EQ(world.give(astray, at("203.0.113.9:5060")), verdict::request_forwarded);
      const auto there = world.take_one();
      ASSERT_EQ(there.to, at("192.0.2.99:5999"));
      ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to),
                verdict::response_forwarded);
      EXPECT_EQ(world.take_one().to, at("203.0.113.9:5060"));
      const auto pings = asked(4'100, 2);
      EXPECT_EQ(first_line(pings[1].bytes), "OPTIONS sip:machine@192.0.2.99:5070 SIP/2.0");
      answers(pings[0], 200);
      (void)asked(60'000, 3); // the callee's silence ends nothing
      EXPECT_EQ(world.total_load(), 1);
      end_by_admin(world);
      both_answer(byes());
      world.wait_ms(40'000);
      (void)world.take();
    }
}

// The Contact may be an address behind a proxy that is lost with the routes, and another device's
// where we are: neither its 481 nor its silence says anything.
TEST_F(engine_drop, nobody_is_asked_past_routes_that_are_lost) {
  auto limits = engine_world::small();
  limits.call_text_bytes = 0; // a pool of 64 kB all the same
  engine_world full(study_case(), limits);
  for (unsigned filler = 0; filler < 16; ++filler) {
    call_parts parts;
    parts.call_id = parts.from_tag = "f" + std::to_string(filler);
    parts.branch += parts.call_id;
    const std::size_t len = filler < 2 ? 28'000 : 900;
    ASSERT_EQ(full.give(replace(invite(parts), "sip:alice@caller.example",
                                "sip:" + std::string(len, 'a') + "@caller.example"),
                        caller_address),
              verdict::request_forwarded);
    (void)full.take();
  }
  call_parts parts;
  parts.extra = "Record-Route: <sip:198.51.100.7;lr;long=" + std::string(1'000, 'x') + ">\r\n";
  const auto call = establish(full, parts);
  ASSERT_EQ(full.give(within(call.ok_at_caller, {}), at("198.51.100.77:5060")),
            verdict::dropped_wrong_source);
  full.wait_ms(20'000);
  for (const sent_message& m : full.take())
    EXPECT_FALSE(m.bytes.starts_with("OPTIONS ")) << m.bytes;
}

} // namespace
} // namespace linehunt::test::engine_drop_test
