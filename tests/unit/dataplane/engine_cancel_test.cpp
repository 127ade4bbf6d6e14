// SPDX-License-Identifier: Apache-2.0
// CANCEL in its races: before and after a provisional, crossing a 200, crossing a failure, during
// failover, repeated, and from strangers.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_cancel_test {
namespace {

struct engine_cancel : ::testing::Test {
  engine_world world;
  sent_message first;

  void SetUp() override {
    ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
    first = world.take().at(1);
  }
  verdict cancel() { return world.give(hop_request("CANCEL", {}), caller_address); }

  // With these lines in the caller's CANCEL ours has none.
  void expect_no_reason(const std::string& reasons) {
    (void)world.give(response(first.bytes, 180, "t"), first.to);
    (void)world.take();
    ASSERT_EQ(
        world.give(replace(hop_request("CANCEL", {}), "Content-Length", reasons + "Content-Length"),
                   caller_address),
        verdict::request_answered);
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_TRUE(sent[1].bytes.starts_with("CANCEL "));
    EXPECT_EQ(header(sent[1].bytes, "Reason"), "");
  }
};

TEST_F(engine_cancel, after_a_provisional_goes_downstream_at_once) {
  (void)world.give(response(first.bytes, 180, "t"), first.to);
  (void)world.take();
  ASSERT_EQ(cancel(), verdict::request_answered);
  auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(first_line(sent[0].bytes), "SIP/2.0 200 OK");
  EXPECT_EQ(header(sent[0].bytes, "CSeq"), "1 CANCEL");
  EXPECT_EQ(first_line(sent[1].bytes), "CANCEL sip:4930123456@192.0.2.1 SIP/2.0");
  EXPECT_EQ(headers(sent[1].bytes, "Via"),
            (std::vector<std::string>{headers(first.bytes, "Via").front()}));
  EXPECT_EQ(header(sent[1].bytes, "To"), header(first.bytes, "To"));
  EXPECT_EQ(world.load(1, "pstn"), 1) << "held until the 487";

  const auto downstream = sent[1].bytes;
  ASSERT_EQ(world.give(response(downstream, 200, "t"), first.to), verdict::response_consumed);
  EXPECT_TRUE(world.take().empty());
  ASSERT_EQ(world.give(response(first.bytes, 487, "t"), first.to), verdict::response_forwarded);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("ACK "));
  EXPECT_EQ(status_of(sent[1].bytes), 487);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_cancel, before_a_provisional_waits_for_it) {
  ASSERT_EQ(cancel(), verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
  ASSERT_EQ(world.give(response(first.bytes, 100, ""), first.to), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("CANCEL "));
  // Once only: a further provisional does not bring another one.
  (void)world.give(response(first.bytes, 180, "t"), first.to);
  for (const auto& m : world.take())
    EXPECT_FALSE(m.bytes.starts_with("CANCEL "));
}

TEST_F(engine_cancel, says_why_also_after_waiting_and_when_repeated) {
  const std::string reasons = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"
                              "Reason: Q.850;cause=26\r\n";
  const std::string text =
      replace(hop_request("CANCEL", {}), "Content-Length", reasons + "Content-Length");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_answered);
  (void)world.take();
  (void)world.give(response(first.bytes, 180, "t"), first.to);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_NE(sent[0].bytes.find("\r\n" + reasons), std::string::npos) << sent[0].bytes;
  world.wait_ms(520);
  EXPECT_EQ(world.take_one().bytes, sent[0].bytes);
}

TEST_F(engine_cancel, leaves_out_reasons_without_measure) {
  expect_no_reason("Reason: SIP;cause=200;text=\"" + std::string(300, 'x') + "\"\r\n");
}

TEST_F(engine_cancel, has_all_reasons_or_none) {
  expect_no_reason("Reason: Q.850;cause=26\r\nReason: SIP;cause=200;text=\"" +
                   std::string(300, 'x') + "\"\r\n");
}

TEST_F(engine_cancel, of_an_invite_that_nobody_answers_ends_in_487) {
  ASSERT_EQ(cancel(), verdict::request_answered);
  world.wait_ms(5'050);
  EXPECT_EQ(status_of(world.take().back().bytes), 487);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().failovers, 0u);
}

TEST_F(engine_cancel, is_repeated_until_it_is_answered) {
  (void)world.give(response(first.bytes, 180, "t"), first.to);
  (void)cancel();
  (void)world.take();
  world.wait_ms(520);
  const auto again = world.take_one();
  EXPECT_TRUE(again.bytes.starts_with("CANCEL "));
  (void)world.give(response(again.bytes, 200, "t"), first.to);
  world.wait_ms(10'000);
  EXPECT_TRUE(world.take().empty());
}

TEST_F(engine_cancel, without_a_final_answer_ends_after_64_t1) {
  (void)world.give(response(first.bytes, 180, "t"), first.to);
  (void)cancel();
  world.wait_ms(32'050);
  EXPECT_EQ(status_of(world.take().back().bytes), 487);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_cancel, that_crosses_a_200_loses) {
  (void)world.give(response(first.bytes, 180, "t"), first.to);
  (void)cancel();
  (void)world.take();
  ASSERT_EQ(world.give(response(first.bytes, 200, "t"), first.to), verdict::response_forwarded);
  const auto ok = world.take_one();
  EXPECT_EQ(status_of(ok.bytes), 200);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_answered, 1u);
  // The other way round: the CANCEL comes when the call is answered already.
  ASSERT_EQ(cancel(), verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

TEST_F(engine_cancel, after_the_call_was_answered_changes_nothing) {
  (void)world.give(response(first.bytes, 200, "t"), first.to);
  (void)world.take();
  ASSERT_EQ(cancel(), verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

TEST_F(engine_cancel, that_crosses_a_failure_is_answered_and_no_more) {
  (void)world.give(response(first.bytes, 486, "t"), first.to);
  (void)world.take();
  ASSERT_EQ(cancel(), verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_cancel, repeated_is_answered_again_but_sent_once) {
  (void)world.give(response(first.bytes, 180, "t"), first.to);
  (void)cancel();
  (void)world.take();
  ASSERT_EQ(cancel(), verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
}

TEST_F(engine_cancel, during_failover_reaches_the_second_destination) {
  (void)world.give(response(first.bytes, 500, "a"), first.to);
  const auto second = world.take().at(1);
  (void)world.give(response(second.bytes, 180, "b"), second.to);
  (void)world.take();
  ASSERT_EQ(cancel(), verdict::request_answered);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].to, second.to);
  EXPECT_EQ(header(sent[1].bytes, "Via"), header(second.bytes, "Via"));
}

TEST_F(engine_cancel, from_a_stranger_is_dropped) {
  ASSERT_EQ(world.give(hop_request("CANCEL", {}), at("203.0.113.66")),
            verdict::dropped_wrong_source);
  EXPECT_TRUE(world.take().empty());
}

TEST_F(engine_cancel, of_an_unknown_invite_is_481) {
  call_parts parts;
  parts.branch = "z9hG4bKother";
  ASSERT_EQ(world.give(hop_request("CANCEL", parts), caller_address), verdict::rejected_no_dialog);
  EXPECT_EQ(status_of(world.take_one().bytes), 481);
}

TEST_F(engine_cancel, of_a_reinvite_travels_like_it) {
  (void)world.give(response(first.bytes, 200, "t"), first.to);
  const auto ok = world.take_one().bytes;
  dialog_request what;
  what.method = "INVITE";
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  const auto there = world.take_one();
  what.method = "CANCEL";
  ASSERT_EQ(world.give(within(ok, what), at("203.0.113.66:5060")), verdict::dropped_wrong_source);
  ASSERT_TRUE(world.take().empty());
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  const auto cancelled = world.take_one();
  EXPECT_EQ(header(cancelled.bytes, "Via"), header(there.bytes, "Via"));
  EXPECT_EQ(cancelled.to, there.to);
}

} // namespace
} // namespace linehunt::test::engine_cancel_test
