// SPDX-License-Identifier: Apache-2.0
// Destinations with several addresses: shares and ranks, the next one after silence or a 503, the
// lines that stay where they are, and what comes late.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <map>

namespace linehunt::test::engine_address_test {
namespace {

// Destination 1 alone offers pstn calls, at three addresses.
snapshot_model three_addresses() {
  snapshot_model model = study_case();
  model.destinations[0].addresses = {at("192.0.2.11"), at("192.0.2.61"), at("192.0.2.62:5070")};
  model.destinations[3].enabled = false;
  for (auto& rule : model.rules)
    rule.failover.disable = false;
  return model;
}

struct engine_address : ::testing::Test {
  engine_world world{three_addresses()};

  sent_message start(const call_parts& parts = {}) {
    EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    return world.take().at(1);
  }
  sent_message start_another(const std::string& number) {
    call_parts parts;
    parts.call_id = number + "@caller.example";
    parts.branch = "z9hG4bKcaller" + number;
    return start(parts);
  }
};

TEST(next_address, without_turns_in_order) {
  EXPECT_EQ(next_address({}, 3, 0, 99), 0u);
  EXPECT_EQ(next_address({}, 3, 1, 99), 1u);
  EXPECT_EQ(next_address({}, 3, 7, 99), no_address);
  EXPECT_EQ(next_address({}, 0, 0, 0), no_address);
  EXPECT_EQ(next_address({}, 500, 0xffff, 0), no_address) << "no more than it has bits for";
}

TEST(next_address, lowest_rank_first_and_shares_within_it) {
  const std::array<address_turn, 4> turns{{{1, 5}, {0, 30}, {0, 10}, {2, 1}}};
  std::map<std::size_t, int> taken;
  for (std::uint64_t random = 0; random < 40; ++random)
    ++taken[next_address(turns, 4, 0, random)];
  EXPECT_EQ(taken, (std::map<std::size_t, int>{{1, 30}, {2, 10}}));
  EXPECT_EQ(next_address(turns, 4, 0b0010, 7), 2u);
  EXPECT_EQ(next_address(turns, 4, 0b0110, 7), 0u);
  EXPECT_EQ(next_address(turns, 4, 0b0111, 7), 3u);
}

TEST(next_address, shares_of_nothing_are_taken_in_order) {
  const std::array<address_turn, 2> turns{{{0, 0}, {0, 0}}};
  EXPECT_EQ(next_address(turns, 2, 0, 5), 0u);
}

TEST_F(engine_address, unavailable_goes_to_the_next_address_and_keeps_the_line) {
  const auto first = start();
  EXPECT_EQ(first.to, at("192.0.2.11"));
  ASSERT_EQ(world.give(response(first.bytes, 503, "a", "Retry-After: 5\r\n"), first.to),
            verdict::response_consumed);
  auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("ACK "));
  const auto second = sent[1];
  EXPECT_EQ(second.to, at("192.0.2.61"));
  EXPECT_NE(header(second.bytes, "Via"), header(first.bytes, "Via"));
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_TRUE(world.engine().ledger().enabled(0)) << "one address is not the destination";
  EXPECT_TRUE(world.sink.events.empty());
  EXPECT_EQ(world.counters().failovers, 0u);
  EXPECT_EQ(world.counters().address_turns, 1u);
  EXPECT_EQ(world.counters().calls_started, 1u);
  ASSERT_EQ(world.give(response(second.bytes, 200, "b"), second.to), verdict::response_forwarded);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_answered, 1u);
}

TEST_F(engine_address, silence_goes_to_the_next_address) {
  const auto first = start();
  world.wait_ms(5'050);
  const auto second = world.take().back();
  EXPECT_EQ(second.to, at("192.0.2.61"));
  EXPECT_EQ(world.load(1, "pstn"), 1);
  // It wakes up: it is told to stop, and the lines are those of the call that rings elsewhere.
  ASSERT_EQ(world.give(response(first.bytes, 180, "late"), first.to), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("CANCEL "));
  ASSERT_EQ(world.give(response(first.bytes, 487, "late"), first.to), verdict::response_consumed);
  (void)world.take();
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

TEST_F(engine_address, earlier_address_that_answers_after_all_gets_the_call) {
  const auto first = start();
  world.wait_ms(5'050);
  const auto second = world.take().back();
  ASSERT_EQ(world.give(response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  (void)world.take();
  ASSERT_EQ(world.give(response(second.bytes, 180, "b"), second.to), verdict::response_consumed);
  EXPECT_TRUE(world.take_one().bytes.starts_with("CANCEL "));
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.total_load(), 1);
}

// As a call that was answered before the reload.
TEST_F(engine_address, earlier_address_that_answers_after_a_reload_took_it_away_keeps_its_line) {
  const auto first = start();
  world.wait_ms(5'050);
  (void)world.take();
  auto model = three_addresses();
  model.destinations.erase(model.destinations.begin());
  world.reload(model);
  ASSERT_EQ(world.give(response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  (void)world.take();
  world.reload(three_addresses());
  EXPECT_EQ(world.load(1, "pstn"), 1);
  world.engine().for_each_call([](const call_info& call) { EXPECT_EQ(call.destination, 0u); });
  ASSERT_EQ(world.restart(three_addresses()), 1u);
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

TEST_F(engine_address, destination_has_failed_when_all_its_addresses_have) {
  auto model = three_addresses();
  model.destinations[3].enabled = true;
  for (auto& rule : model.rules)
    rule.failover.disable = true;
  engine_world both(model);
  ASSERT_EQ(both.give(invite(), caller_address), verdict::request_forwarded);
  auto at_hand = both.take().at(1);
  for (const char* next : {"192.0.2.61", "192.0.2.62:5070", "192.0.2.14"}) {
    EXPECT_TRUE(both.engine().ledger().enabled(0));
    ASSERT_EQ(both.give(response(at_hand.bytes, 503, "x"), at_hand.to), verdict::response_consumed);
    at_hand = both.take().at(1);
    EXPECT_EQ(at_hand.to, at(next));
  }
  EXPECT_FALSE(both.engine().ledger().enabled(0));
  EXPECT_EQ(both.counters().failovers, 1u);
  EXPECT_EQ(both.counters().address_turns, 2u);
  EXPECT_EQ(both.load(1, "pstn"), 0);
  EXPECT_EQ(both.load(4, "pstn"), 1);
}

TEST_F(engine_address, nothing_left_is_refused_and_gives_the_line_back_once) {
  auto at_hand = start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(world.give(response(at_hand.bytes, 503, "x"), at_hand.to),
              verdict::response_consumed);
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 2u);
    at_hand = sent[1];
  }
  EXPECT_EQ(status_of(at_hand.bytes), 500);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
  world.wait_ms(40'000);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_address, other_failures_are_no_reason_to_go_on) {
  const auto first = start();
  ASSERT_EQ(world.give(response(first.bytes, 486, "busy"), first.to), verdict::response_forwarded);
  EXPECT_EQ(world.counters().address_turns, 0u);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_address, cancelled_call_goes_nowhere_else) {
  const auto first = start();
  ASSERT_EQ(world.give(hop_request("CANCEL", {}), caller_address), verdict::request_answered);
  (void)world.take();
  (void)world.give(response(first.bytes, 503, "a"), first.to);
  for (const auto& m : world.take())
    EXPECT_FALSE(m.bytes.starts_with("INVITE "));
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_address, silent_address_is_tried_last_for_a_while) {
  (void)start();
  world.wait_ms(5'050);
  (void)world.take();
  call_parts other;
  other.call_id = "18@caller.example";
  other.branch = "z9hG4bKcaller2";
  EXPECT_EQ(start(other).to, at("192.0.2.61"));
  world.wait_ms(60'000);
  (void)world.take();
  other.call_id = "19@caller.example";
  other.branch = "z9hG4bKcaller3";
  EXPECT_EQ(start(other).to, at("192.0.2.11")) << "it may be there again";
}

TEST_F(engine_address, who_was_silent_everywhere_is_asked_again_all_the_same) {
  (void)start();
  world.wait_ms(16'000);
  EXPECT_EQ(world.counters().address_turns, 2u);
  EXPECT_EQ(status_of(world.take().back().bytes), 500);
  EXPECT_EQ(world.total_load(), 0);
  const auto again = start_another("18");
  EXPECT_TRUE(again.bytes.starts_with("INVITE "));
  EXPECT_EQ(again.to, at("192.0.2.11"));
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

TEST_F(engine_address, one_that_asked_for_a_pause_gets_calls_after_it) {
  const auto first = start();
  ASSERT_EQ(world.give(response(first.bytes, 503, "a", "Retry-After: 5\r\n"), first.to),
            verdict::response_consumed);
  (void)world.take();
  world.wait_ms(3'000);
  (void)world.take();
  EXPECT_EQ(start_another("18").to, at("192.0.2.61"));
  world.wait_ms(3'000);
  (void)world.take();
  EXPECT_EQ(start_another("19").to, at("192.0.2.11"));
}

TEST_F(engine_address, who_is_disabled_gets_no_second_invite) {
  const auto first = start();
  mail off;
  off.kind = mail_kind::set_enabled;
  off.subject = 0;
  off.value = 0;
  world.mail(off);
  ASSERT_EQ(world.give(response(first.bytes, 503, "a"), first.to), verdict::response_consumed);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("ACK "));
  EXPECT_EQ(status_of(sent[1].bytes), 500);
  EXPECT_EQ(world.counters().address_turns, 0u);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_address, four_of_many_are_tried) {
  auto model = three_addresses();
  for (const char* more : {"192.0.2.63", "192.0.2.64", "192.0.2.65"})
    model.destinations[0].addresses.push_back(at(more));
  engine_world many(model);
  ASSERT_EQ(many.give(invite(), caller_address), verdict::request_forwarded);
  auto at_hand = many.take().at(1);
  int invites = 0;
  while (at_hand.bytes.starts_with("INVITE ") && ++invites < 6) {
    ASSERT_EQ(many.give(response(at_hand.bytes, 503, "x"), at_hand.to), verdict::response_consumed);
    at_hand = many.take().at(1);
  }
  EXPECT_EQ(invites, 4);
  EXPECT_EQ(status_of(at_hand.bytes), 500);
  EXPECT_EQ(many.total_load(), 0);
}

TEST_F(engine_address, shares_spread_calls_over_addresses) {
  auto model = three_addresses();
  model.destinations[0].turns = {{0, 3}, {0, 1}, {1, 100}};
  for (auto& resource : model.destinations[0].resources)
    resource.capacity = 1000;
  engine_world spread(model);
  std::map<endpoint, int> taken;
  for (int i = 0; i < 100; ++i) {
    call_parts parts;
    parts.call_id = std::to_string(i) + "@caller.example";
    parts.branch = "z9hG4bKs" + std::to_string(i);
    ASSERT_EQ(spread.give(invite(parts), caller_address), verdict::request_forwarded);
    ++taken[spread.take().at(1).to];
  }
  EXPECT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken.count(at("192.0.2.62:5070")), 0u);
  EXPECT_GT(taken[at("192.0.2.11")], 60);
  EXPECT_GT(taken[at("192.0.2.61")], 10);
}

TEST_F(engine_address, call_from_any_of_its_addresses_is_its_own) {
  call_parts parts;
  parts.sent_by = "192.0.2.61:5060";
  ASSERT_EQ(world.give(invite(parts), at("192.0.2.61")), verdict::request_forwarded);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.take().at(1).to, caller_address) << "to the core, by the rule for such calls";
}

TEST_F(engine_address, callee_may_hang_up_from_another_of_its_addresses) {
  const auto call = establish(world);
  ASSERT_EQ(call.callee, at("192.0.2.11"));
  dialog_request bye;
  bye.from_caller = false;
  ASSERT_EQ(world.give(within(call.ok_at_caller, bye), at("192.0.2.61")),
            verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
}

TEST_F(engine_address, destination_that_lost_its_addresses_takes_no_call) {
  auto model = three_addresses();
  model.destinations[0].addresses.clear();
  world.reload(model);
  EXPECT_EQ(world.give(invite(), caller_address), verdict::rejected_no_destination);
  EXPECT_EQ(world.total_load(), 0);
  world.reload(three_addresses());
  call_parts parts;
  parts.call_id = "20@caller.example";
  parts.branch = "z9hG4bKcaller4";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
}

mail probe_number(std::int64_t number) {
  mail m;
  m.kind = mail_kind::send_probe;
  m.value = number;
  return m;
}

std::vector<endpoint> receivers(const std::vector<sent_message>& sent) {
  std::vector<endpoint> to;
  for (const auto& each : sent)
    to.push_back(each.to);
  return to;
}

TEST_F(engine_address, probe_asks_one_address_first_and_then_all_of_them) {
  const std::vector all{at("192.0.2.11"), at("192.0.2.61"), at("192.0.2.62:5070")};
  world.mail(probe_number(1));
  const auto first = world.take_one();
  EXPECT_EQ(first.to, all[0]);
  world.wait_ms(500);
  world.mail(probe_number(1));
  const auto again = world.take();
  ASSERT_EQ(receivers(again), all);
  EXPECT_EQ(again[0].bytes, first.bytes) << "a repetition is the same request";
  EXPECT_NE(header(again[1].bytes, "Call-ID"), header(first.bytes, "Call-ID"))
      << "two addresses of one machine would take it for a loop";
  EXPECT_EQ(world.give(response(again[1].bytes, 200, "p"), all[2]), verdict::dropped_wrong_source);
  world.wait_ms(20);
  EXPECT_EQ(world.give(response(again[2].bytes, 200, "p"), all[2]), verdict::response_consumed);
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].kind, event_kind::probe_answered);
  EXPECT_EQ(world.sink.events[0].subject, 1u);
  EXPECT_EQ(world.sink.events[0].round_trip_us, 20'000u);
  EXPECT_EQ(world.give(response(again[2].bytes, 200, "p"), all[2]), verdict::dropped_stray_response)
      << "once";

  world.mail(probe_number(2));
  EXPECT_EQ(world.take_one().to, all[1]) << "the first one was silent while another answered";
  EXPECT_EQ(world.give(response(first.bytes, 200, "p"), all[0]), verdict::dropped_stray_response)
      << "of the probe before";
}

TEST_F(engine_address, probe_asks_those_that_have_not_answered) {
  world.mail(probe_number(1));
  const auto first = world.take_one();
  EXPECT_EQ(world.give(response(first.bytes, 503, "p"), first.to), verdict::response_consumed);
  world.mail(probe_number(1));
  const auto others = world.take();
  EXPECT_EQ(receivers(others), (std::vector{at("192.0.2.61"), at("192.0.2.62:5070")}));
  EXPECT_EQ(world.give(response(others.at(1).bytes, 200, "p"), others[1].to),
            verdict::response_consumed);
  ASSERT_EQ(world.sink.events.size(), 2u);
  EXPECT_EQ(world.sink.events[0].cause, 503);
  EXPECT_EQ(world.sink.events[1].cause, 200);
  world.mail(probe_number(2));
  EXPECT_EQ(world.take_one().to, first.to) << "it was not silent";
}

TEST_F(engine_address, probe_that_nobody_answered_is_followed_by_one_to_another_address) {
  std::int64_t number = 0;
  for (const char* to : {"192.0.2.11", "192.0.2.61", "192.0.2.62:5070", "192.0.2.11"}) {
    world.mail(probe_number(++number));
    EXPECT_EQ(world.take_one().to, at(to));
    world.wait_ms(10'000);
  }
}

TEST_F(engine_address, probe_of_addresses_that_have_gone_begins_again) {
  world.mail(probe_number(1));
  const auto gone = world.take_one();
  auto model = three_addresses();
  model.destinations[0].addresses = {at("192.0.2.71"), at("192.0.2.72")};
  world.reload(model);
  EXPECT_EQ(world.give(response(gone.bytes, 200, "p"), gone.to), verdict::dropped_stray_response);
  world.mail(probe_number(1));
  const auto now = world.take_one();
  EXPECT_EQ(now.to, at("192.0.2.71"));
  EXPECT_EQ(world.give(response(now.bytes, 200, "p"), now.to), verdict::response_consumed);
  EXPECT_EQ(world.sink.events.size(), 1u);
}

// The addresses become others while it rings: the response of the old one counts all the same.
TEST_F(engine_address, addresses_may_change_while_it_rings) {
  const auto first = start();
  auto model = three_addresses();
  model.destinations[0].addresses = {at("192.0.2.71")};
  world.reload(model);
  ASSERT_EQ(world.give(response(first.bytes, 200, "a"), first.to), verdict::response_forwarded);
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

// A box that calls another one is known by all its addresses, too, though the line is the other's.
TEST(engine_addresses, who_calls_may_end_the_call_from_another_address) {
  auto model = three_addresses();
  model.destinations[0].enabled = false;
  model.destinations[3].enabled = true;
  std::erase_if(model.rules, [](const rule_model& r) { return r.action == rule_action::forward; });
  engine_world world{model};
  call_parts parts;
  parts.sent_by = "192.0.2.11:5060";
  ASSERT_EQ(world.give(invite(parts), at("192.0.2.11")), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(there.to, at("192.0.2.14:5060"));
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  const std::string ok = world.take_one().bytes;
  EXPECT_EQ(world.give(within(ok, {}), at("203.0.113.5")), verdict::dropped_wrong_source);
  EXPECT_EQ(world.give(within(ok, {}), at("192.0.2.61")), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 0);
}

} // namespace
} // namespace linehunt::test::engine_address_test
