// SPDX-License-Identifier: Apache-2.0
// INVITEs that fail: per-hop ACK, timers A, B, C, D, G and H, repetitions of everything, and the
// replies of our own. Each ends with all loads at zero.
#include "engine_world.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linehunt::test::engine_failure_test {
namespace {

struct engine_failure : ::testing::Test {
  engine_world world;
  std::string at_callee;
  endpoint callee;

  void ring(const call_parts& parts = {}) {
    ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 2u);
    at_callee = sent[1].bytes;
    callee = sent[1].to;
  }
  // Rings, and nobody answers: what goes out then.
  std::vector<sent_message> ring_out() {
    ring();
    (void)world.give(response(at_callee, 180, "t"), callee);
    (void)world.take();
    world.wait_ms(120'100);
    return world.take();
  }
  [[nodiscard]] bool disabled_one() const {
    return std::ranges::any_of(world.sink.events, [](const event& e) {
      return e.kind == event_kind::destination_disabled;
    });
  }
  // Rings behind that proxy, and fails.
  void fail_behind(const std::string& record_route) {
    call_parts parts;
    parts.extra = "Record-Route: " + record_route + "\r\n";
    ring(parts);
    ASSERT_EQ(world.give(response(at_callee, 486, "busy"), callee), verdict::response_forwarded);
    ASSERT_EQ(world.give(hop_request("ACK", {}, "busy"), caller_address), verdict::ack_absorbed);
  }
  // Our BYEs, of those that are out, with whoever answered with that tag in that header.
  static std::vector<sent_message> byes_with(const std::vector<sent_message>& sent,
                                             std::string_view name, const std::string& tag) {
    std::vector<sent_message> byes;
    for (const auto& m : sent) {
      if (m.bytes.starts_with("BYE ") && header(m.bytes, name).ends_with(";tag=" + tag))
        byes.push_back(m);
    }
    return byes;
  }
  std::vector<sent_message> byes_to_caller(const std::string& tag) {
    return byes_with(world.take(), "From", tag);
  }
};

TEST_F(engine_failure, is_acknowledged_hop_by_hop_and_forwarded) {
  ring();
  ASSERT_EQ(world.give(response(at_callee, 486, "busy"), callee), verdict::response_forwarded);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(first_line(sent[0].bytes), "ACK sip:4930123456@192.0.2.1 SIP/2.0");
  EXPECT_EQ(sent[0].to, callee);
  EXPECT_EQ(headers(sent[0].bytes, "Via"),
            (std::vector<std::string>{headers(at_callee, "Via").front()}));
  EXPECT_NE(header(sent[0].bytes, "To").find(";tag=busy"), std::string::npos);
  EXPECT_EQ(header(sent[0].bytes, "CSeq"), "1 ACK");
  EXPECT_EQ(status_of(sent[1].bytes), 486);
  EXPECT_EQ(sent[1].to, caller_address);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_failed, 1u);

  // The callee did not get our ACK, and gets another one.
  ASSERT_EQ(world.give(response(at_callee, 486, "busy"), callee), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
}

TEST_F(engine_failure, is_repeated_by_timer_g_until_the_ack) {
  ring();
  (void)world.give(response(at_callee, 486, "busy"), callee);
  const auto first = world.take().at(1).bytes;
  world.wait_ms(520);
  EXPECT_EQ(world.take_one().bytes, first);
  world.wait_ms(1020);
  EXPECT_EQ(world.take_one().bytes, first);
  ASSERT_EQ(world.give(hop_request("ACK", {}, "busy"), caller_address), verdict::ack_absorbed);
  world.wait_ms(10'000);
  EXPECT_TRUE(world.take().empty());
  ASSERT_EQ(world.give(hop_request("ACK", {}, "busy"), caller_address), verdict::ack_absorbed);
  world.wait_ms(32'000);
  EXPECT_EQ(world.counters().transactions_live, 0u);
}

TEST_F(engine_failure, takes_no_ack_of_a_stranger) {
  ring();
  (void)world.give(response(at_callee, 486, "busy"), callee);
  const auto busy = world.take().at(1).bytes;
  ASSERT_EQ(world.give(hop_request("ACK", {}, "busy"), at("203.0.113.66:5060")),
            verdict::dropped_wrong_source);
  world.wait_ms(520);
  EXPECT_EQ(world.take_one().bytes, busy);
}

TEST_F(engine_failure, without_an_ack_ends_with_timer_h) {
  ring();
  (void)world.give(response(at_callee, 486, "busy"), callee);
  (void)world.take();
  world.wait_ms(33'000);
  // 0.5, 1.5, 3.5, 7.5, then every 4 s up to 32 s.
  EXPECT_EQ(world.take().size(), 10u);
  EXPECT_EQ(world.counters().transactions_live, 0u);
  world.wait_ms(10'000);
  EXPECT_TRUE(world.take().empty());
}

TEST_F(engine_failure, repeated_invites_get_the_last_reply_and_are_not_counted) {
  ring();
  ASSERT_EQ(world.give(invite(), caller_address), verdict::retransmission_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 100);
  (void)world.give(response(at_callee, 183, "t"), callee);
  const auto progress = world.take_one().bytes;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::retransmission_answered);
  EXPECT_EQ(world.take_one().bytes, progress);
  (void)world.give(response(at_callee, 486, "t"), callee);
  const auto busy = world.take().at(1).bytes;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::retransmission_answered);
  EXPECT_EQ(world.take_one().bytes, busy);
  (void)world.give(hop_request("ACK", {}, "t"), caller_address);
  ASSERT_EQ(world.give(invite(), caller_address), verdict::retransmission_absorbed);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.counters().calls_started, 1u);
}

TEST_F(engine_failure, the_invite_is_repeated_by_timer_a_and_stops_at_a_provisional) {
  ring();
  world.wait_ms(520);
  const auto again = world.take_one();
  EXPECT_EQ(again.bytes, at_callee);
  EXPECT_EQ(again.to, callee);
  world.wait_ms(1020);
  EXPECT_EQ(world.take_one().bytes, at_callee);
  ASSERT_EQ(world.give(response(at_callee, 100, ""), callee), verdict::response_consumed);
  world.wait_ms(20'000);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

TEST_F(engine_failure, ringing_too_long_is_cancelled_and_answered_408) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover = {};
  world.reload(model);
  const auto sent = ring_out();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(first_line(sent[0].bytes), "CANCEL sip:4930123456@192.0.2.1 SIP/2.0");
  EXPECT_EQ(header(sent[0].bytes, "Via"), header(at_callee, "Via"));
  EXPECT_EQ(status_of(sent[1].bytes), 408);
  EXPECT_EQ(world.total_load(), 0);
  // The callee's 487 is acknowledged and goes no further.
  ASSERT_EQ(world.give(response(at_callee, 487, "t"), callee), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
}

TEST_F(engine_failure, timer_c_counts_where_it_is_shorter_and_begins_anew_with_what_rings) {
  snapshot_model model = study_case();
  model.timers.timer_c_ms = 10'000;
  world.reload(model);
  ring();
  const auto hears = [&](int status) {
    (void)world.give(response(at_callee, status, status == 100 ? "" : "t"), callee);
    (void)world.take();
  };
  hears(100);
  world.wait_ms(9'000);
  hears(180);
  world.wait_ms(9'000);
  hears(183);
  world.wait_ms(9'000);
  hears(100); // RFC 3261 16.7 (2): anything but this
  EXPECT_EQ(world.load(1, "pstn"), 1);
  world.wait_ms(1'100);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("CANCEL "));
  EXPECT_EQ(status_of(sent[1].bytes), 408);
  EXPECT_EQ(world.total_load(), 0);
}

// However often it says that it rings: a call that nobody answers has a longest duration, too.
TEST_F(engine_failure, ringing_lasts_no_longer_than_a_call_may) {
  snapshot_model model = study_case();
  model.timers.max_call_s = 300;
  for (auto& rule : model.rules)
    rule.failover.no_answer = rule.failover.disable = true;
  world.reload(model);
  ring();
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(world.give(response(at_callee, 180, "t"), callee), verdict::response_forwarded);
    (void)world.take();
    world.wait_ms(70'000);
  }
  ASSERT_EQ(world.give(response(at_callee, 180, "t"), callee), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(19'900);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.load(1, "pstn"), 1);
  world.wait_ms(200);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("CANCEL "));
  EXPECT_EQ(sent[0].to, callee);
  EXPECT_EQ(status_of(sent[1].bytes), 408);
  EXPECT_EQ(sent[1].to, caller_address);
  EXPECT_FALSE(disabled_one());
  EXPECT_EQ(world.counters().failovers, 0u) << "another one would have no time either";
  ASSERT_EQ(world.give(response(at_callee, 487, "t"), callee), verdict::response_consumed);
  ASSERT_EQ(world.give(hop_request("ACK", {}, "t"), caller_address), verdict::ack_absorbed);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
  EXPECT_EQ(world.counters().calls_failed, 1u);
  world.wait_ms(70'000);
  EXPECT_EQ(world.total_load(), 0) << "once";
  EXPECT_EQ(world.counters().transactions_live, 0u);
}

TEST_F(engine_failure, nor_does_the_silence_of_one_destination_after_the_other) {
  snapshot_model model = study_case();
  model.timers.max_call_s = 7;
  for (auto& rule : model.rules)
    rule.failover.disable = true;
  world.reload(model);
  ring();
  world.wait_ms(5'050);
  const auto second = world.take().back();
  ASSERT_TRUE(second.bytes.starts_with("INVITE "));
  ASSERT_NE(second.to, callee);
  world.wait_ms(1'850);
  EXPECT_EQ(world.total_load(), 1);
  (void)world.take();
  world.wait_ms(200);
  EXPECT_EQ(status_of(world.take_one().bytes), 408);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(std::ranges::count(world.sink.events, event_kind::destination_disabled, &event::kind),
            1)
      << "the second one had no time to answer";
  ASSERT_EQ(world.give(response(second.bytes, 180, "late"), second.to), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("CANCEL "));
}

// The study case fails over and disables on "timeout": that is no reply at all, and this one rang.
TEST_F(engine_failure, a_destination_that_only_rang_stays_enabled) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover.disable = true;
  world.reload(model);
  const auto sent = ring_out();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("CANCEL "));
  EXPECT_EQ(status_of(sent[1].bytes), 408);
  EXPECT_EQ(world.counters().failovers, 0u);
  EXPECT_FALSE(disabled_one());
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_failure, no_answer_is_a_cause_of_its_own_and_disables_nobody) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover.no_answer = rule.failover.disable = true;
  world.reload(model);
  const auto sent = ring_out();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("CANCEL "));
  EXPECT_TRUE(sent[1].bytes.starts_with("INVITE "));
  EXPECT_NE(sent[1].to, callee);
  EXPECT_EQ(world.counters().failovers, 1u);
  EXPECT_FALSE(disabled_one());
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_failure, no_answer_at_all_is_408_where_there_is_no_failover) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover = {};
  world.reload(model);
  ring();
  world.wait_ms(5'100);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 4u); // three repetitions: 0.5, 1.5, 3.5 s
  EXPECT_EQ(status_of(sent[3].bytes), 408);
  EXPECT_NE(header(sent[3].bytes, "To").find(";tag="), std::string::npos);
  EXPECT_EQ(headers(sent[3].bytes, "Via").size(), 1u);
  EXPECT_EQ(world.total_load(), 0);
  // It answers after all: the caller gets it (RFC 3261 16.7), and no line is held for it.
  ASSERT_EQ(world.give(response(at_callee, 200, "late"), callee), verdict::response_forwarded);
  (void)world.take();
  EXPECT_EQ(world.total_load(), 0);
  // Nobody acknowledges it, so it is ended for the callee.
  world.wait_ms(70'000);
  bool bye = false;
  for (const auto& m : world.take())
    bye = bye || m.bytes.starts_with("BYE ");
  EXPECT_TRUE(bye);
}

// The record of the INVITE stays for as long as its CANCEL may take.
TEST_F(engine_failure, a_callee_that_rings_long_after_the_408_is_cancelled) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover = {};
  world.reload(model);
  ring();
  world.wait_ms(5'100);
  const auto timeout = world.take().back().bytes;
  ASSERT_EQ(status_of(timeout), 408);
  const auto to = header(timeout, "To");
  ASSERT_EQ(world.give(hop_request("ACK", {}, to.substr(to.find("tag=") + 4)), caller_address),
            verdict::ack_absorbed);
  world.wait_ms(30'000);
  ASSERT_EQ(world.give(response(at_callee, 180, "late"), callee), verdict::response_consumed);
  const auto cancel = world.take_one();
  EXPECT_TRUE(cancel.bytes.starts_with("CANCEL "));
  world.wait_ms(520);
  EXPECT_EQ(world.take_one().bytes, cancel.bytes);
  world.wait_ms(9'480);
  (void)world.take();
  ASSERT_EQ(world.give(response(at_callee, 487, "late"), callee), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
}

TEST_F(engine_failure, a_503_is_passed_on_as_500) {
  snapshot_model model = study_case();
  for (auto& rule : model.rules)
    rule.failover = {};
  world.reload(model);
  ring();
  ASSERT_EQ(world.give(response(at_callee, 503, "t"), callee), verdict::response_forwarded);
  EXPECT_EQ(first_line(world.take().at(1).bytes), "SIP/2.0 500 Server Internal Error");
}

TEST_F(engine_failure, a_redirect_is_passed_back) {
  ring();
  ASSERT_EQ(world.give(response(at_callee, 302, "t", "Contact: <sip:elsewhere@x>\r\n"), callee),
            verdict::response_forwarded);
  EXPECT_EQ(header(world.take().at(1).bytes, "Contact"), "<sip:elsewhere@x>");
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_failure, repeated_200s_are_forwarded_and_repeated_invites_absorbed) {
  const auto call = establish(world);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(world.give(response(call.invite_at_callee, 200, "to-1"), call.callee),
              verdict::response_forwarded);
    EXPECT_EQ(world.take_one().bytes, call.ok_at_caller);
    ASSERT_EQ(world.give(invite(), caller_address), verdict::retransmission_absorbed);
  }
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_answered, 1u);
  EXPECT_EQ(world.counters().transactions_live, 0u);
}

TEST_F(engine_failure, a_second_200_with_another_tag_is_another_dialog_without_lines) {
  const auto call = establish(world);
  ASSERT_EQ(world.give(response(call.invite_at_callee, 200, "fork"), call.callee),
            verdict::response_forwarded);
  const auto other = world.take_one().bytes;
  EXPECT_EQ(world.load(1, "pstn"), 1);
  dialog_request what;
  what.method = "ACK";
  what.cseq = 1;
  EXPECT_EQ(world.give(within(other, what), caller_address), verdict::request_forwarded);
  (void)world.take();
  what = {};
  ASSERT_EQ(world.give(within(other, what), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  EXPECT_EQ(world.load(1, "pstn"), 1) << "the first call goes on";
  EXPECT_EQ(world.counters().calls_live, 1u);
}

// Nobody acknowledges it: our BYE goes to the caller by the routes that the INVITE told.
TEST_F(engine_failure, another_dialog_knows_the_way_to_the_caller) {
  call_parts parts;
  parts.extra = "Record-Route: <sip:198.51.100.9;lr>\r\n";
  const auto call = establish(world, parts);
  ASSERT_EQ(world.give(response(call.invite_at_callee, 200, "fork"), call.callee),
            verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(32'100);
  const auto sent = world.take();
  const auto byes = byes_with(sent, "From", "fork"), to_callee = byes_with(sent, "To", "fork");
  ASSERT_EQ(byes.size(), 1u);
  ASSERT_EQ(to_callee.size(), 1u);
  EXPECT_EQ(header(to_callee[0].bytes, "CSeq"), "2 BYE");
  EXPECT_TRUE(byes[0].bytes.starts_with("BYE sip:alice@198.51.100.7:5060 ")) << byes[0].bytes;
  EXPECT_EQ(header(byes[0].bytes, "Route"), "<sip:198.51.100.9;lr>");
  EXPECT_EQ(byes[0].to, at("198.51.100.9:5060"));
}

// The call has failed and its record is gone; the INVITE's own tells the way.
TEST_F(engine_failure, a_late_dialog_of_a_failed_call_knows_the_way_to_the_caller) {
  fail_behind("<sip:strict@198.51.100.9>");
  (void)world.take();
  ASSERT_EQ(world.give(response(at_callee, 200, "late"), callee), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(32'100);
  const auto byes = byes_to_caller("late");
  ASSERT_EQ(byes.size(), 1u);
  EXPECT_TRUE(byes[0].bytes.starts_with("BYE sip:strict@198.51.100.9 ")) << byes[0].bytes;
  EXPECT_EQ(header(byes[0].bytes, "Route"), "<sip:alice@198.51.100.7:5060>");
  EXPECT_EQ(byes[0].to, at("198.51.100.9:5060"));
}

// Nothing is left that knows its Contact, and a proxy of its would take a request to itself for its
// own: only the callee hears that it is over.
TEST_F(engine_failure, a_caller_of_unknown_contact_behind_a_proxy_gets_no_bye) {
  fail_behind("<sip:198.51.100.9;lr>");
  world.wait_ms(33'000);
  ASSERT_EQ(world.counters().transactions_live, 0u);
  (void)world.take();
  ASSERT_EQ(world.give(response(at_callee, 200, "late"), callee), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(32'100);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].bytes.starts_with("BYE ")) << sent[0].bytes;
  EXPECT_TRUE(header(sent[0].bytes, "To").ends_with(";tag=late"));
}

TEST_F(engine_failure, an_invite_has_at_most_eight_dialogs) {
  const auto call = establish(world);
  for (int i = 2; i <= 8; ++i) {
    ASSERT_EQ(
        world.give(response(call.invite_at_callee, 200, "fork" + std::to_string(i)), call.callee),
        verdict::response_forwarded);
  }
  (void)world.take();
  ASSERT_EQ(world.handles().size(), 8u);
  ASSERT_EQ(world.give(response(call.invite_at_callee, 200, "fork9"), call.callee),
            verdict::dropped_excess_dialog);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.handles().size(), 8u);
  // Those that are known go on: a repeated 2xx, and requests.
  EXPECT_EQ(world.give(response(call.invite_at_callee, 200, "fork8"), call.callee),
            verdict::response_forwarded);
  const auto other = world.take_one().bytes;
  EXPECT_EQ(world.give(within(other, {}), caller_address), verdict::request_forwarded);
  // Over when all of them have ended, by our BYEs where nobody has acknowledged.
  world.wait_ms(120'000);
  EXPECT_EQ(world.handles().size(), 1u);
  EXPECT_EQ(world.counters().calls_live, 1u);
}

TEST_F(engine_failure, a_late_2xx_of_a_transaction_that_is_gone_belongs_to_the_caller) {
  ring();
  ASSERT_EQ(world.give(response(at_callee, 486, "busy"), callee), verdict::response_forwarded);
  ASSERT_EQ(world.give(hop_request("ACK", {}, "busy"), caller_address), verdict::ack_absorbed);
  world.wait_ms(33'000);
  (void)world.take();
  ASSERT_EQ(world.counters().transactions_live, 0u);
  ASSERT_EQ(world.give(response(at_callee, 200, "late"), callee), verdict::response_forwarded);
  const auto ok = world.take_one();
  EXPECT_EQ(ok.to, caller_address);
  EXPECT_EQ(headers(ok.bytes, "Via").size(), 1u);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u) << "a dialog, no call that was balanced";
  dialog_request what;
  what.method = "ACK";
  what.cseq = 1;
  EXPECT_EQ(world.give(within(ok.bytes, what), caller_address), verdict::request_forwarded);
  (void)world.take();
  ASSERT_EQ(world.give(within(ok.bytes, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  EXPECT_TRUE(world.handles().empty());
}

TEST_F(engine_failure, refusals_are_repeated_to_their_invite_and_take_their_ack) {
  snapshot_model model = study_case();
  for (auto& d : model.destinations) {
    for (auto& r : d.resources)
      r.capacity = 0;
  }
  world.reload(model);
  ASSERT_EQ(world.give(invite(), caller_address), verdict::rejected_no_capacity);
  const auto full = world.take_one();
  EXPECT_EQ(first_line(full.bytes), "SIP/2.0 500 Service full");
  std::size_t combinations = 0;
  world.counters().no_capacity.visit([&](const capacity_refusals::combination& what, auto calls) {
    ++combinations;
    EXPECT_EQ(what.group, 1u);
    EXPECT_EQ(what.resource_count, 1u);
    EXPECT_EQ(calls, 1u);
  });
  EXPECT_EQ(combinations, 1u);
  ASSERT_EQ(world.give(invite(), caller_address), verdict::retransmission_answered);
  EXPECT_EQ(world.take_one().bytes, full.bytes);
  ASSERT_EQ(world.give(hop_request("ACK", {}, "any"), caller_address), verdict::ack_absorbed);
  EXPECT_EQ(world.counters().calls_started, 0u);

  call_parts parts;
  parts.user = "nobody";
  parts.call_id = "2@x";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::rejected_no_rule);
  const auto unknown = world.take_one();
  EXPECT_EQ(status_of(unknown.bytes), 404);
  const auto to = header(unknown.bytes, "To");
  ASSERT_EQ(world.give(hop_request("ACK", parts, to.substr(to.find("tag=") + 4)), caller_address),
            verdict::ack_absorbed);
  EXPECT_EQ(world.give(hop_request("ACK", parts, "foreign"), caller_address),
            verdict::dropped_stray_ack);
}

// Timer I (RFC 3261 17.2.1): after its ACK a refusal stays as long as a message may be on its way.
TEST_F(engine_failure, a_refusal_that_was_sent_to_nobody_stays_t4_after_its_ack) {
  snapshot_model model = study_case();
  model.timers.t4_ms = 3'000;
  for (auto& d : model.destinations)
    d.addresses.clear();
  world.reload(model);
  ASSERT_EQ(world.give(invite(), caller_address), verdict::rejected_no_destination);
  const auto to = header(world.take_one().bytes, "To");
  const auto tag = to.substr(to.find("tag=") + 4);
  world.wait_ms(10'000);
  EXPECT_EQ(world.counters().transactions_live, 1u) << "nothing has acknowledged it";
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(world.give(hop_request("ACK", {}, tag), caller_address), verdict::ack_absorbed);
    world.wait_ms(1'450); // which a repeated ACK does not make longer
  }
  (void)world.take();
  ASSERT_EQ(world.give(invite(), caller_address), verdict::retransmission_absorbed);
  EXPECT_EQ(world.counters().transactions_live, 1u);
  world.wait_ms(150);
  EXPECT_EQ(world.counters().transactions_live, 0u);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.give(hop_request("ACK", {}, tag), caller_address), verdict::ack_absorbed);
}

// Timer D: who has failed may not have got its ACK, and who was silent may answer yet.
TEST_F(engine_failure, one_that_was_sent_stays_64_t1_for_who_may_answer_again) {
  ring();
  ASSERT_EQ(world.give(response(at_callee, 486, "busy"), callee), verdict::response_forwarded);
  ASSERT_EQ(world.give(hop_request("ACK", {}, "busy"), caller_address), verdict::ack_absorbed);
  (void)world.take();
  world.wait_ms(31'900);
  ASSERT_EQ(world.give(response(at_callee, 486, "busy"), callee), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
  world.wait_ms(200);
  EXPECT_EQ(world.counters().transactions_live, 0u);
}

TEST_F(engine_failure, replies_of_ours_have_a_server_header_where_one_is_configured) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  for (const auto& sent : world.take())
    EXPECT_THAT(headers(sent.bytes, "Server"), testing::IsEmpty());
  snapshot_model model = study_case();
  model.user_agent = "our box (2)";
  world.reload(model);
  call_parts parts;
  parts.call_id = "2@x";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(status_of(sent[0].bytes), 100);
  EXPECT_THAT(headers(sent[0].bytes, "Server"), testing::ElementsAre("our box (2)"));
  EXPECT_THAT(headers(sent[1].bytes, "Server"), testing::IsEmpty()) << "the INVITE";
  // What comes from others stays as it is.
  ASSERT_EQ(world.give(response(sent[1].bytes, 180, "a", "Server: theirs\r\n"), sent[1].to),
            verdict::response_forwarded);
  EXPECT_THAT(headers(world.take_one().bytes, "Server"), testing::ElementsAre("theirs"));
  parts.user = "nobody";
  parts.call_id = "3@x";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::rejected_no_rule);
  const auto refused = world.take_one();
  EXPECT_THAT(headers(refused.bytes, "Server"), testing::ElementsAre("our box (2)"));
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::rejected_no_rule);
  EXPECT_EQ(world.take_one().bytes, refused.bytes);
  ASSERT_EQ(world.give(replace(replace(invite(parts), "INVITE sip:nobody@", "OPTIONS sip:"),
                               "1 INVITE", "1 OPTIONS"),
                       caller_address),
            verdict::request_answered);
  EXPECT_THAT(headers(world.take_one().bytes, "Server"), testing::ElementsAre("our box (2)"));
}

} // namespace
} // namespace linehunt::test::engine_failure_test
