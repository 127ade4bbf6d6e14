// SPDX-License-Identifier: Apache-2.0
// Failover: the load moves in one step, those tried are left out, and the caller sees one call.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace linehunt::test::engine_failover_test {
namespace {

struct engine_failover : ::testing::Test {
  engine_world world;
  std::vector<sent_message> sent;

  sent_message start() {
    EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
    return world.take().at(1);
  }
};

TEST_F(engine_failover, goes_to_the_next_destination_and_disables_the_failed_one) {
  const auto first = start();
  EXPECT_EQ(first.to, at("192.0.2.11:5060"));
  ASSERT_EQ(world.give(response(first.bytes, 500, "bad"), first.to), verdict::response_consumed);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("ACK "));
  EXPECT_EQ(sent[0].to, first.to);
  const auto second = sent[1];
  EXPECT_EQ(second.to, at("192.0.2.14:5060"));
  EXPECT_NE(header(second.bytes, "Via"), header(first.bytes, "Via"));
  EXPECT_EQ(headers(second.bytes, "Via").size(), 2u);
  EXPECT_EQ(header(second.bytes, "Record-Route"), header(first.bytes, "Record-Route"));
  EXPECT_EQ(world.load(1, "pstn"), 0);
  EXPECT_EQ(world.load(4, "pstn"), 1);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].kind, event_kind::destination_disabled);
  EXPECT_EQ(world.sink.events[0].cause, 500);
  EXPECT_EQ(world.counters().failovers, 1u);
  EXPECT_EQ(world.counters().calls_started, 1u);

  // The first one repeats its failure: its ACK again, on its own branch.
  ASSERT_EQ(world.give(response(first.bytes, 500, "bad"), first.to), verdict::response_consumed);
  const auto ack = world.take_one();
  EXPECT_EQ(ack.to, first.to);
  EXPECT_EQ(header(ack.bytes, "Via"), header(first.bytes, "Via"));

  ASSERT_EQ(world.give(response(second.bytes, 200, "good"), second.to),
            verdict::response_forwarded);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
  EXPECT_EQ(world.total_load(), 1);
  EXPECT_EQ(world.counters().calls_answered, 1u);
}

TEST_F(engine_failover, a_status_that_nobody_was_told_of_is_told_at_the_next_failure) {
  world.sink.lost_events = 1;
  const auto first = start();
  ASSERT_EQ(world.give(response(first.bytes, 500, "bad"), first.to), verdict::response_consumed);
  ASSERT_EQ(world.take().at(1).to, at("192.0.2.14:5060")) << "the call goes on";
  EXPECT_TRUE(world.sink.events.empty());
  EXPECT_TRUE(world.engine().ledger().enabled(0)) << "or it would be disabled here alone, for ever";

  call_parts other;
  other.call_id = "18@caller.example";
  other.branch = "z9hG4bKother";
  ASSERT_EQ(world.give(invite(other), caller_address), verdict::request_forwarded);
  const auto second = world.take().at(1);
  ASSERT_EQ(second.to, first.to);
  ASSERT_EQ(world.give(response(second.bytes, 500, "bad"), second.to), verdict::response_consumed);
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].kind, event_kind::destination_disabled);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
}

// A caller may still end what rings there, after another destination has answered.
TEST_F(engine_failover, an_early_dialog_at_the_destination_before_is_reached) {
  const auto first = start();
  (void)world.give(response(first.bytes, 183, "rings"), first.to);
  const auto progress = world.take_one().bytes;
  (void)world.give(response(first.bytes, 500, "bad"), first.to);
  const auto second = world.take().at(1);
  const auto to_first = [&](std::string_view method) {
    dialog_request what;
    what.method = method;
    what.branch = "z9hG4bKearly" + std::string{method};
    return replace(within(progress, what), "sip:machine@192.0.2.99:5070",
                   "sip:box@192.0.2.11:5060");
  };
  ASSERT_EQ(world.give(to_first("UPDATE"), caller_address), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, first.to) << "while the second rings";
  (void)world.give(response(second.bytes, 200, "good"), second.to);
  (void)world.take();
  const auto bye = to_first("BYE");
  ASSERT_EQ(world.give(bye, caller_address), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, first.to);
  const auto elsewhere = replace(bye, "sip:box@192.0.2.11:5060", "sip:x@203.0.113.9:9");
  ASSERT_EQ(world.give(elsewhere, caller_address), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, second.to) << "but nobody else";
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_failover, ends_with_service_full_when_nothing_is_left) {
  const auto first = start();
  (void)world.give(response(first.bytes, 503, "a"), first.to);
  const auto second = world.take().at(1);
  ASSERT_EQ(world.give(response(second.bytes, 500, "b"), second.to), verdict::response_consumed);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("ACK "));
  EXPECT_EQ(first_line(sent[1].bytes), "SIP/2.0 500 Service full");
  EXPECT_EQ(sent[1].to, caller_address);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
  EXPECT_EQ(world.counters().calls_failed, 1u);
  EXPECT_EQ(world.counters().no_destination, 0u) << "it is counted once";
}

// While the first one has the INVITE, a reload leaves nobody who offers what it needs.
TEST_F(engine_failover, is_counted_once_where_a_reload_has_taken_the_resource_away) {
  const auto first = start();
  snapshot_model model = study_case();
  for (auto& d : model.destinations)
    std::erase_if(d.resources, [](const resource_model& r) { return r.name == "pstn"; });
  world.reload(model);
  ASSERT_EQ(world.give(response(first.bytes, 503, "a"), first.to), verdict::response_consumed);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(first_line(sent[1].bytes), "SIP/2.0 500 Service full");
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_started, 1u);
  EXPECT_EQ(world.counters().calls_failed, 1u);
  EXPECT_EQ(world.counters().unknown_resource, 0u) << "it is counted once";

  call_parts other;
  other.call_id = "18@caller.example";
  other.branch = "z9hG4bKother";
  EXPECT_EQ(world.give(invite(other), caller_address), verdict::rejected_unknown_resource);
  EXPECT_EQ(world.counters().unknown_resource, 1u) << "one that was sent to nobody is";
}

TEST_F(engine_failover, follows_a_destination_that_says_nothing) {
  const auto first = start();
  world.wait_ms(5'050);
  sent = world.take();
  ASSERT_FALSE(sent.empty());
  const auto second = sent.back();
  EXPECT_EQ(second.to, at("192.0.2.14:5060"));
  EXPECT_EQ(world.sink.events.back().cause, 408);
  EXPECT_EQ(world.load(1, "pstn"), 0);

  // The first one wakes up: it is told to stop.
  ASSERT_EQ(world.give(response(first.bytes, 180, "late"), first.to), verdict::response_consumed);
  const auto cancel = world.take_one();
  EXPECT_TRUE(cancel.bytes.starts_with("CANCEL "));
  EXPECT_EQ(cancel.to, first.to);
  EXPECT_EQ(header(cancel.bytes, "Via"), header(first.bytes, "Via"));
  ASSERT_EQ(world.give(response(first.bytes, 487, "late"), first.to), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
  EXPECT_EQ(world.load(4, "pstn"), 1);
}

// The core of a worker was taken away, or the machine stood still: nobody could have been heard.
TEST_F(engine_failover, nobody_is_silent_while_the_worker_does_not_run) {
  const auto first = start();
  const time_us since = world.now;
  world.now += 20'000'000;
  world.engine().note_absence(since, world.now);
  world.wait_ms(4'900);
  sent = world.take();
  ASSERT_GE(sent.size(), 3u) << "timer A repeats it";
  for (const sent_message& s : sent)
    EXPECT_EQ(s.to, first.to);
  EXPECT_TRUE(world.sink.events.empty());
  world.wait_ms(150);
  EXPECT_EQ(world.take().back().to, at("192.0.2.14:5060")) << "it has had its time";
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].cause, 408);
}

TEST_F(engine_failover, a_worker_that_is_away_for_moments_waits_no_longer) {
  const auto first = start();
  for (int i = 0; i < 5; ++i) {
    const time_us since = world.now;
    world.now += 900'000;
    world.engine().note_absence(since, world.now);
    world.wait_ms(110);
  }
  EXPECT_EQ(world.take().back().to, at("192.0.2.14:5060"));
}

TEST_F(engine_failover, an_earlier_destination_that_answers_after_all_gets_the_call) {
  const auto first = start();
  world.wait_ms(5'050);
  const auto second = world.take().back();
  (void)world.give(response(second.bytes, 180, "b"), second.to);
  (void)world.take();
  ASSERT_EQ(world.give(response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("CANCEL "));
  EXPECT_EQ(sent[0].to, second.to);
  EXPECT_EQ(status_of(sent[1].bytes), 200);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.load(4, "pstn"), 0);
  ASSERT_EQ(world.give(response(second.bytes, 487, "b"), second.to), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
  EXPECT_EQ(world.total_load(), 1);
}

// A destination that was given up rings: its CANCEL is repeated like any non-INVITE request
// (RFC 3261 17.1.2.2), whatever becomes of the call meanwhile.
struct engine_cancel_behind : engine_failover {
  sent_message first, second;
  std::vector<std::string> cancels;

  void SetUp() override {
    first = start();
    world.wait_ms(5'050);
    second = world.take().back();
    (void)world.give(response(second.bytes, 180, "b"), second.to);
    (void)world.take();
    (void)world.give(response(first.bytes, 180, "late"), first.to);
    note();
    ASSERT_EQ(cancels.size(), 1u);
  }
  void note() {
    for (const auto& m : world.take()) {
      if (m.bytes.starts_with("CANCEL ") && m.to == first.to) cancels.push_back(m.bytes);
    }
  }
};

TEST_F(engine_cancel_behind, is_repeated_until_it_is_answered) {
  world.wait_ms(1'600);
  note();
  ASSERT_EQ(cancels.size(), 3u) << "at 0.5 and 1.5 s";
  EXPECT_EQ(cancels[1], cancels[0]);
  EXPECT_EQ(cancels[2], cancels[0]);
  ASSERT_EQ(world.give(response(cancels[0], 200, "late"), first.to), verdict::response_consumed);
  world.wait_ms(33'000);
  note();
  EXPECT_EQ(cancels.size(), 3u);
  EXPECT_EQ(world.counters().calls_live, 1u) << "the second one rings on";
}

TEST_F(engine_cancel_behind, stops_with_the_final_answer_of_its_invite) {
  ASSERT_EQ(world.give(response(first.bytes, 487, "late"), first.to), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
  world.wait_ms(5'000);
  note();
  EXPECT_EQ(cancels.size(), 1u);
}

TEST_F(engine_cancel_behind, gives_up_with_timer_f) {
  world.wait_ms(60'000);
  note();
  EXPECT_EQ(cancels.size(), 11u) << "0, 0.5, 1.5, 3.5, then every 4 s up to 31.5";
}

TEST_F(engine_cancel_behind, goes_on_when_the_second_one_has_answered) {
  ASSERT_EQ(world.give(response(second.bytes, 200, "b"), second.to), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(4'000);
  note();
  EXPECT_EQ(cancels.size(), 4u);
  EXPECT_EQ(world.load(4, "pstn"), 1);
  world.wait_ms(33'000);
  EXPECT_EQ(world.counters().transactions_live, 0u);
}

TEST_F(engine_cancel_behind, and_that_of_the_second_one_are_repeated_side_by_side) {
  ASSERT_EQ(world.give(hop_request("CANCEL", {}), caller_address), verdict::request_answered);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].to, second.to);
  (void)world.give(response(cancels[0], 200, "late"), first.to);
  world.wait_ms(1'600);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].to, second.to);
  EXPECT_EQ(sent[1].to, second.to);
}

TEST_F(engine_cancel_behind, and_that_of_the_second_one_have_times_of_their_own) {
  world.wait_ms(300);
  ASSERT_EQ(world.give(hop_request("CANCEL", {}), caller_address), verdict::request_answered);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].to, second.to);
  for (const auto& to : {first.to, second.to}) {
    world.wait_ms(to == first.to ? 210 : 300); // 0.51 and 0.81 s after the first one's CANCEL
    const auto again = world.take_one();
    EXPECT_TRUE(again.bytes.starts_with("CANCEL "));
    EXPECT_EQ(again.to, to);
  }
}

// The caller's reason is not why the first one was given up.
TEST_F(engine_cancel_behind, says_nothing_of_why_the_caller_gives_up) {
  const std::string reason = "SIP;cause=200;text=\"Call completed elsewhere\"";
  const std::string text = replace(hop_request("CANCEL", {}), "Content-Length",
                                   "Reason: " + reason + "\r\nContent-Length");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_answered);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].to, second.to);
  EXPECT_EQ(header(sent[1].bytes, "Reason"), reason);
  world.wait_ms(520);
  sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  for (const auto& m : sent) {
    EXPECT_TRUE(m.bytes.starts_with("CANCEL "));
    EXPECT_EQ(header(m.bytes, "Reason"), m.to == first.to ? "" : reason);
  }
  EXPECT_NE(sent[0].to, sent[1].to);
}

TEST_F(engine_failover, a_code_outside_the_policy_goes_to_the_caller) {
  const auto first = start();
  ASSERT_EQ(world.give(response(first.bytes, 404, "x"), first.to), verdict::response_forwarded);
  EXPECT_EQ(world.counters().failovers, 0u);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
}

TEST_F(engine_failover, retry_after_pauses_the_destination_for_that_long) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover.disable = false;
  model.generation = 0x3'0007;
  world.reload(model);
  const auto first = start();
  (void)world.give(response(first.bytes, 503, "a", "Retry-After: 30 (maintenance)\r\n"), first.to);
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].generation, 7);
  EXPECT_EQ(world.sink.events[0].kind, event_kind::destination_paused);
  EXPECT_EQ(world.sink.events[0].subject, 30u);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(29'900);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(200);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
}

TEST_F(engine_failover, no_retry_after_pauses_for_more_than_an_hour) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover.disable = false;
  world.reload(model);
  const auto first = start();
  (void)world.give(response(first.bytes, 503, "a", "Retry-After: 4294967295\r\n"), first.to);
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].subject, 3600u);
  world.wait_ms(3'599'000);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(2'000);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
}

// RFC 3261 21.5.4 asks the same of those who have nobody else to go to.
TEST_F(engine_failover, retry_after_pauses_also_where_nothing_fails_over) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover = {};
  world.reload(model);
  const auto first = start();
  ASSERT_EQ(world.give(response(first.bytes, 503, "a", "Retry-After: 30\r\n"), first.to),
            verdict::response_forwarded);
  EXPECT_EQ(status_of(world.take().back().bytes), 500);
  ASSERT_FALSE(world.sink.events.empty());
  EXPECT_EQ(world.sink.events[0].kind, event_kind::destination_paused);
  EXPECT_EQ(world.sink.events[0].subject, 30u);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(30'100);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
}

// Everybody has to hear of it, and it comes back by a probe or an admin alone.
TEST_F(engine_failover, who_fails_while_it_pauses_is_disabled) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules) {
    rule.failover = {};
    rule.failover.codes = {500};
    rule.failover.disable = true;
  }
  world.reload(model);
  const auto first = start();
  call_parts other;
  other.call_id = "18@caller.example";
  other.branch = "z9hG4bKother";
  ASSERT_EQ(world.give(invite(other), caller_address), verdict::request_forwarded);
  const auto second = world.take().at(1);
  ASSERT_EQ(second.to, at("192.0.2.14:5060"));
  other.call_id = "19@caller.example";
  other.branch = "z9hG4bKthird";
  ASSERT_EQ(world.give(invite(other), caller_address), verdict::request_forwarded);
  const auto third = world.take().at(1);
  ASSERT_EQ(third.to, first.to);
  (void)world.give(response(first.bytes, 503, "a", "Retry-After: 30\r\n"), first.to);
  const auto told = [&](event_kind kind) {
    return std::ranges::count(world.sink.events, kind, &event::kind);
  };
  EXPECT_EQ(told(event_kind::destination_paused), 1);
  EXPECT_EQ(told(event_kind::destination_disabled), 0);
  (void)world.give(response(third.bytes, 500, "b"), third.to);
  EXPECT_EQ(told(event_kind::destination_disabled), 1);
  world.wait_ms(31'000);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
}

TEST_F(engine_failover, a_failure_of_the_old_address_is_none_of_the_new_one) {
  const auto first = start();
  snapshot_model model = study_case();
  model.destinations[0].addresses = {at("192.0.2.33:5060")};
  model.destinations[0].uri = "sip:192.0.2.33";
  world.reload(model);
  (void)world.give(response(first.bytes, 500, "a"), first.to);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
  for (const event& e : world.sink.events)
    EXPECT_NE(e.kind, event_kind::destination_disabled);
}

TEST_F(engine_failover, an_admin_outranks_the_pause) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover.disable = false;
  world.reload(model);
  const auto first = start();
  (void)world.give(response(first.bytes, 503, "a", "Retry-After: 30\r\n"), first.to);
  mail off;
  off.kind = mail_kind::set_enabled;
  off.subject = 0;
  off.value = 0;
  world.mail(off);
  world.wait_ms(31'000);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
}

TEST_F(engine_failover, does_not_happen_after_a_cancel) {
  const auto first = start();
  (void)world.give(response(first.bytes, 180, "a"), first.to);
  (void)world.take();
  ASSERT_EQ(world.give(hop_request("CANCEL", {}), caller_address), verdict::request_answered);
  (void)world.take();
  ASSERT_EQ(world.give(response(first.bytes, 503, "a"), first.to), verdict::response_forwarded);
  EXPECT_EQ(world.counters().failovers, 0u);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_failover, survives_a_reload_in_between) {
  const auto first = start();
  snapshot_model model = study_case();
  model.destinations.erase(model.destinations.begin());
  world.reload(model);
  ASSERT_EQ(world.give(response(first.bytes, 500, "a"), first.to), verdict::response_consumed);
  const auto second = world.take().at(1);
  EXPECT_EQ(second.to, at("192.0.2.14:5060"));
  ASSERT_EQ(world.give(response(second.bytes, 486, "b"), second.to), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 0);
}

} // namespace
} // namespace linehunt::test::engine_failover_test
