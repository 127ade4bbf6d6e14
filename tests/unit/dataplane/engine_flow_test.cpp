// SPDX-License-Identifier: Apache-2.0
// Call flows of real devices, from the INVITE to the end: each leaves no line in use, ends no call
// that lives, and sends nothing to anybody else.
#include "ending_call.h"

#include <algorithm>

namespace linehunt::test::engine_flow_test {
namespace {

struct engine_flow : ending_call {
  // A request of one side as it comes to the other.
  sent_message pass(const std::string& seen, const dialog_request& what) {
    const endpoint from = what.from_caller ? caller_address : at("192.0.2.99:5070");
    EXPECT_EQ(world.give(within(seen, what), from), verdict::request_forwarded);
    auto there = world.take_one();
    EXPECT_EQ(there.to, what.from_caller ? at("192.0.2.99:5070") : caller_address);
    return there;
  }
  void answer(const sent_message& to, int status, std::string_view extra = "") {
    EXPECT_EQ(world.give(response(to.bytes, status, "", extra), to.to),
              verdict::response_forwarded);
    EXPECT_EQ(status_of(world.take_one().bytes), status);
  }
  static dialog_request one(const std::string& method, bool from_caller, unsigned cseq,
                            const std::string& extra = "") {
    dialog_request what;
    what.method = method;
    what.from_caller = from_caller;
    what.cseq = cseq;
    what.branch += method + std::to_string(cseq) + (from_caller ? "a" : "b");
    what.extra = extra;
    return what;
  }
  // Nothing goes out in that time.
  void quiet(std::uint64_t ms) {
    world.wait_ms(ms);
    for (const auto& m : world.take())
      ADD_FAILURE() << m.bytes;
  }
};

TEST_F(engine_flow, either_side_refreshes_its_session_by_update) {
  const auto ok = answered_with("Session-Expires: 90;refresher=uas\r\n");
  const std::string session = "Session-Expires: 90;refresher=uac\r\n";
  for (unsigned round = 0; round < 6; ++round) {
    quiet(80'000);
    answer(pass(ok, one("UPDATE", round % 2 == 0, 2 + round, session)), 200, session);
  }
  world.wait_ms(91'000);
  both_answer(byes());
  expect_gone(end_cause::session_expired);
}

TEST_F(engine_flow, a_reinvite_that_crosses_a_bye_changes_nothing_of_its_end) {
  for (const bool bye_answered_first : {true, false}) {
    const auto call = start();
    const auto bye = pass(call.ok_at_caller, one("BYE", true, 2));
    const auto again = pass(call.ok_at_caller, one("INVITE", false, 1));
    if (bye_answered_first) answer(bye, 200);
    answer(again, 481);
    if (!bye_answered_first) answer(bye, 200);
    expect_gone(end_cause::bye);
    quiet(120'000);
  }
}

TEST_F(engine_flow, a_500_with_retry_after_to_a_reinvite_pauses_nobody) {
  const auto call = start();
  for (const int status : {500, 503, 491})
    answer(pass(call.ok_at_caller, one("INVITE", true, static_cast<unsigned>(status))), status,
           "Retry-After: 8\r\n");
  EXPECT_TRUE(std::ranges::none_of(world.sink.events, [](const event& e) {
    return e.kind == event_kind::destination_paused || e.kind == event_kind::destination_disabled;
  }));
  quiet(80'000);
  answer(pass(call.ok_at_caller, one("BYE", false, 1)), 200);
  expect_gone(end_cause::bye);
}

// RFC 3261 8.1.3.4: the caller tries the next Contact with the same Call-ID and From tag.
TEST_F(engine_flow, a_caller_that_follows_a_redirect_to_us_has_one_line_at_a_time) {
  call_parts parts;
  for (parts.cseq = 1; parts.cseq < 4; ++parts.cseq) {
    parts.branch = "z9hG4bKredirected" + std::to_string(parts.cseq);
    ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    const auto there = world.take().at(1);
    EXPECT_EQ(world.total_load(), 1);
    ASSERT_EQ(world.give(response(there.bytes, 302, "t" + std::to_string(parts.cseq),
                                  "Contact: <sip:1@192.0.2.1>, <sip:2@192.0.2.1>\r\n"),
                         there.to),
              verdict::response_forwarded);
    (void)world.take();
    EXPECT_EQ(
        world.give(hop_request("ACK", parts, "t" + std::to_string(parts.cseq)), caller_address),
        verdict::ack_absorbed);
    EXPECT_EQ(world.total_load(), 0);
  }
  parts.branch = "z9hG4bKlast";
  const auto call = establish(world, parts, "last");
  answer(pass(call.ok_at_caller, one("BYE", true, 9)), 200);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
}

TEST_F(engine_flow, many_infos_with_gaps_leave_the_call_as_it_is) {
  const auto call = start();
  unsigned cseq = 2;
  for (int i = 0; i < 300; ++i) {
    cseq += i % 7 == 0 ? 1000 : 1;
    answer(pass(call.ok_at_caller, one("INFO", true, cseq)), i % 3 == 0 ? 200 : 405);
  }
  EXPECT_EQ(world.total_load(), 1);
  end_by_admin(world);
  const auto both = byes();
  EXPECT_EQ(header(both.second.bytes, "CSeq"), std::to_string(cseq + 1) + " BYE");
  both_answer(both);
  expect_gone(end_cause::admin);
}

// RFC 3311, from the callee, while a 181 and another tag have come before.
TEST_F(engine_flow, an_early_update_of_who_rings_now_comes_to_the_caller) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 181, "forwarded"), there.to),
            verdict::response_forwarded);
  ASSERT_EQ(world.give(response(there.bytes, 183, "rings"), there.to), verdict::response_forwarded);
  const auto rings = world.take().at(1).bytes;
  answer(pass(rings, one("UPDATE", false, 1)), 200);
  ASSERT_EQ(world.give(response(there.bytes, 200, "answers"), there.to),
            verdict::response_forwarded);
  const auto ok = world.take_one().bytes;
  remember();
  (void)pass(ok, one("ACK", true, 1));
  quiet(40'000);
  answer(pass(ok, one("BYE", false, 2)), 200);
  expect_gone(end_cause::bye);
}

TEST_F(engine_flow, an_ack_that_is_lost_comes_with_the_repeated_200) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  std::string ok;
  for (const std::uint64_t after_ms : {0, 500, 1'000, 2'000, 4'000}) {
    world.wait_ms(after_ms);
    ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
    ok = world.take_one().bytes;
  }
  remember();
  (void)pass(ok, one("ACK", true, 1));
  quiet(60'000);
  answer(pass(ok, one("BYE", true, 2)), 200);
  expect_gone(end_cause::bye);
}

TEST_F(engine_flow, a_reinvite_of_a_call_that_is_over_is_481) {
  const auto call = start();
  answer(pass(call.ok_at_caller, one("BYE", false, 1)), 200);
  for (const bool record_has_gone : {false, true}) {
    if (record_has_gone) quiet(40'000);
    EXPECT_EQ(world.give(within(call.ok_at_caller, one("INVITE", true, 7)), caller_address),
              verdict::rejected_no_dialog);
    EXPECT_EQ(status_of(world.take_one().bytes), 481);
  }
  expect_gone(end_cause::bye);
}

} // namespace
} // namespace linehunt::test::engine_flow_test
