// SPDX-License-Identifier: Apache-2.0
// Calls over a restart or a crash: which are kept, and that the next run counts, routes and ends
// them.
#include "engine_world.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace linehunt::test::engine_keeping_test {
namespace {

call_parts numbered(int n) {
  call_parts parts;
  parts.call_id = std::to_string(n) + "@caller.example";
  parts.branch += std::to_string(n);
  return parts;
}

std::string bye(const running_call& call, bool from_caller = true) {
  dialog_request what;
  what.from_caller = from_caller;
  return within(call.ok_at_caller, what);
}

bool is_bye(const sent_message& m) {
  return m.bytes.starts_with("BYE ");
}

void expect_over(engine_world& world, end_cause cause) {
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
  EXPECT_EQ(world.counters().calls_ended, 1u);
  EXPECT_EQ(world.counters().ended_by[static_cast<std::size_t>(cause)], 1u);
  ASSERT_FALSE(world.sink.events.empty());
  EXPECT_EQ(world.sink.events.back().cause, static_cast<std::uint16_t>(cause));
}

// Within so long, one BYE to each side. Returns them: to the caller, to the callee.
std::vector<sent_message> expect_byes(engine_world& world, std::uint64_t ms) {
  for (std::uint64_t waited = 0; waited < ms && world.sink.sent.empty(); waited += 10)
    world.wait_ms(10);
  auto sent = world.take();
  EXPECT_EQ(sent.size(), 2u);
  for (const auto& one : sent)
    EXPECT_TRUE(one.bytes.starts_with("BYE ")) << one.bytes;
  return sent;
}

void establish_session_of_90_s(engine_world& world) {
  EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  EXPECT_EQ(world.give(response(there.bytes, 200, "t", "Session-Expires: 90\r\n"), there.to),
            verdict::response_forwarded);
  dialog_request ack;
  ack.method = "ACK";
  ack.cseq = 1;
  EXPECT_EQ(world.give(within(world.take_one().bytes, ack), caller_address),
            verdict::request_forwarded);
  (void)world.take();
}

snapshot_model with(void (*change)(snapshot_model&)) {
  snapshot_model model = study_case();
  change(model);
  return model;
}

snapshot_model pinging_callees() {
  return with([](snapshot_model& m) {
    for (rule_model& rule : m.rules)
      rule.ping = {false, true};
  });
}

// Of a call that a crash has left: to the caller, to the callee.
std::vector<sent_message> pings_after_crash(engine_world& world, const snapshot_model& model) {
  (void)establish(world);
  EXPECT_EQ(world.crash(world.copy(), 0, model), 1u);
  world.wait_ms(30'100);
  return world.take();
}

// What a crash leaves of so many calls, all like the one that there is.
models::kept_calls copies_of(engine_world& world, int calls) {
  models::kept_calls copied = world.copy();
  for (int i = 1; i < calls; ++i) {
    const std::string id = std::to_string(i) + "@caller.example";
    kept_call another = copied[0];
    another.call_id = id;
    copied.add(another);
  }
  return copied;
}

TEST(engine_keeping, a_call_is_counted_and_ends_by_its_bye) {
  for (const bool from_caller : {true, false}) {
    engine_world world;
    const auto call = establish(world);
    ASSERT_EQ(world.load(1, "pstn"), 1);
    ASSERT_EQ(world.restart(), 1u);
    EXPECT_EQ(world.load(1, "pstn"), 1);
    EXPECT_EQ(world.counters().calls_restored, 1u);
    EXPECT_EQ(world.counters().calls_live, 1u);
    EXPECT_EQ(world.counters().calls_started, 0u);

    const auto from = from_caller ? caller_address : call.callee;
    ASSERT_EQ(world.give(bye(call, from_caller), from), verdict::request_forwarded);
    const auto there = world.take_one();
    EXPECT_EQ(there.to, from_caller ? at("192.0.2.99:5070") : caller_address);
    EXPECT_EQ(world.load(1, "pstn"), 1) << "until the BYE is answered";
    ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
    expect_over(world, end_cause::bye);
  }
}

TEST(engine_keeping, the_list_shows_it_as_before) {
  engine_world world;
  (void)establish(world);
  world.wait_ms(7'000);
  struct shown {
    std::string call_id, from_uri, to_uri, from_tag, to_tag;
    endpoint caller, callee;
    time_us started_at = 0, answered_at = 0;
    bool operator==(const shown&) const = default;
  };
  const auto list = [&] {
    std::vector<shown> all;
    world.engine().for_each_call([&](const call_info& c) {
      all.push_back({std::string{c.call_id}, std::string{c.from_uri}, std::string{c.to_uri},
                     std::string{c.from_tag}, std::string{c.to_tag}, c.caller, c.callee,
                     c.started_at, c.answered_at});
    });
    return all;
  };
  const auto before = list();
  ASSERT_EQ(before.size(), 1u);
  ASSERT_EQ(world.restart(), 1u);
  EXPECT_EQ(list(), before);
}

TEST(engine_keeping, what_rings_or_is_over_is_not_kept) {
  engine_world world;
  ASSERT_EQ(world.give(invite(numbered(1)), caller_address), verdict::request_forwarded);
  (void)world.take();
  const auto over = establish(world, numbered(2));
  (void)world.give(bye(over), caller_address);
  const auto there = world.take_one();
  (void)world.give(response(there.bytes, 200, ""), there.to);
  (void)world.take();
  EXPECT_EQ(world.restart(), 0u);
  EXPECT_EQ(world.total_load(), 0);
}

TEST(engine_keeping, byes_of_ours_go_on_until_they_are_answered) {
  engine_world world;
  (void)establish(world);
  mail end;
  end.kind = mail_kind::end_call;
  end.subject = world.handles().back();
  world.mail(end);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(world.give(response(sent[0].bytes, 200, ""), sent[0].to), verdict::response_consumed);
  ASSERT_EQ(world.restart(), 1u);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  world.wait_ms(20);
  const auto again = world.take_one();
  EXPECT_EQ(again.to, sent[1].to) << "the one that had no answer";
  EXPECT_TRUE(again.bytes.starts_with("BYE "));
  EXPECT_EQ(world.give(response(again.bytes, 200, ""), again.to), verdict::response_consumed);
  expect_over(world, end_cause::admin);
}

TEST(engine_keeping, a_bye_that_was_on_its_way_ends_it_after_32_s) {
  engine_world world;
  const auto call = establish(world);
  ASSERT_EQ(world.give(bye(call), caller_address), verdict::request_forwarded);
  ASSERT_EQ(world.restart(), 1u);
  world.wait_ms(31'000);
  EXPECT_EQ(world.total_load(), 1);
  world.wait_ms(2'000);
  expect_over(world, end_cause::bye);
}

TEST(engine_keeping, the_wait_for_the_ack_goes_on) {
  const auto answered = [](engine_world& world) {
    EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
    const auto there = world.take().at(1);
    EXPECT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
    return world.take_one().bytes;
  };
  engine_world without;
  (void)answered(without);
  without.wait_ms(20'000);
  ASSERT_EQ(without.restart(), 1u);
  without.wait_ms(11'000);
  EXPECT_TRUE(without.take().empty());
  expect_byes(without, 2'000);

  engine_world with_it;
  const auto ok = answered(with_it);
  ASSERT_EQ(with_it.restart(), 1u);
  dialog_request ack;
  ack.method = "ACK";
  ack.cseq = 1;
  EXPECT_EQ(with_it.give(within(ok, ack), caller_address), verdict::request_forwarded);
  (void)with_it.take();
  with_it.wait_ms(60'000);
  EXPECT_TRUE(with_it.take().empty());
  EXPECT_EQ(with_it.total_load(), 1);
}

TEST(engine_keeping, the_longest_duration_counts_from_the_answer) {
  const auto model = with([](snapshot_model& m) { m.timers.max_call_s = 100; });
  engine_world world(model);
  (void)establish(world);
  world.wait_ms(60'000);
  ASSERT_EQ(world.restart(model), 1u);
  world.wait_ms(39'000);
  EXPECT_TRUE(world.take().empty());
  const auto byes = expect_byes(world, 2'000);
  ASSERT_EQ(byes.size(), 2u);
  EXPECT_EQ(first_line(byes[0].bytes), "BYE sip:alice@198.51.100.7:5060 SIP/2.0");
  EXPECT_EQ(byes[0].to, caller_address);
  EXPECT_EQ(header(byes[0].bytes, "CSeq"), "1 BYE");
  EXPECT_EQ(first_line(byes[1].bytes), "BYE sip:machine@192.0.2.99:5070 SIP/2.0");
  EXPECT_EQ(header(byes[1].bytes, "CSeq"), "2 BYE") << "above the caller's INVITE";
  for (const auto& one : byes)
    EXPECT_EQ(world.give(response(one.bytes, 200, ""), one.to), verdict::response_consumed);
  expect_over(world, end_cause::max_duration);
}

TEST(engine_keeping, a_session_that_is_not_refreshed_ends) {
  engine_world world;
  establish_session_of_90_s(world);
  world.wait_ms(50'000);
  (void)world.take();
  ASSERT_EQ(world.restart(), 1u);
  world.wait_ms(39'000);
  EXPECT_TRUE(world.take().empty());
  expect_byes(world, 5'000);
}

TEST(engine_keeping, what_the_rule_asked_to_be_pinged_is) {
  const auto model = pinging_callees();
  engine_world world(model);
  (void)establish(world);
  world.wait_ms(20'000);
  ASSERT_EQ(world.restart(model), 1u);
  world.wait_ms(9'800);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(400);
  const auto ping = world.take_one();
  EXPECT_EQ(first_line(ping.bytes), "OPTIONS sip:machine@192.0.2.99:5070 SIP/2.0");
  EXPECT_EQ(world.give(response(ping.bytes, 481, ""), ping.to), verdict::response_consumed);
  expect_byes(world, 10);
}

TEST(engine_keeping, lines_stay_held_above_a_capacity_that_has_shrunk) {
  engine_world world;
  std::vector<running_call> calls;
  for (int i = 0; i < 5; ++i)
    calls.push_back(establish(world, numbered(i)));
  const auto before = world.load(1, "pstn") + world.load(4, "pstn");
  ASSERT_EQ(before, 5);
  const auto tight = with([](snapshot_model& m) {
    m.destinations[0] = models::machine(1, "transc=30; pstn=1");
    m.destinations[3] = models::machine(4, "pstn=1");
  });
  ASSERT_EQ(world.restart(tight), 5u);
  EXPECT_EQ(world.load(1, "pstn") + world.load(4, "pstn"), 5);
  EXPECT_EQ(world.give(invite(numbered(9)), caller_address), verdict::rejected_no_capacity);
  (void)world.take();
  for (const auto& call : calls) {
    EXPECT_EQ(world.give(bye(call), caller_address), verdict::request_forwarded);
    const auto there = world.take_one();
    EXPECT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
    (void)world.take();
  }
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.give(invite(numbered(10)), caller_address), verdict::request_forwarded);
}

TEST(engine_keeping, a_call_of_a_destination_that_has_gone_holds_nothing_and_goes_on) {
  engine_world world;
  const auto call = establish(world);
  const auto without =
      with([](snapshot_model& m) { m.destinations.erase(m.destinations.begin()); });
  ASSERT_EQ(world.restart(without), 1u);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 1u);
  ASSERT_EQ(world.give(bye(call, false), call.callee), verdict::request_forwarded);
  const auto there = world.take_one();
  EXPECT_EQ(there.to, caller_address);
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  expect_over(world, end_cause::bye);
}

TEST(engine_keeping, a_second_restart_keeps_it_too) {
  engine_world world;
  const auto call = establish(world);
  ASSERT_EQ(world.restart(), 1u);
  ASSERT_EQ(world.restart(), 1u);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_restored, 1u);
  EXPECT_EQ(world.give(bye(call), caller_address), verdict::request_forwarded);
}

TEST(engine_keeping, one_more_dialog_of_a_call_is_routed_and_counts_nothing) {
  engine_world world;
  const auto call = establish(world);
  // A proxy behind the destination has forked it, and another device answers as well.
  EXPECT_EQ(world.give(response(call.invite_at_callee, 200, "other"), call.callee),
            verdict::response_forwarded);
  const auto other = world.take_one().bytes;
  ASSERT_EQ(world.restart(), 2u);
  EXPECT_EQ(world.counters().calls_live, 1u);
  EXPECT_EQ(world.total_load(), 1);
  EXPECT_EQ(world.give(within(other, {}), caller_address), verdict::request_forwarded);
  const auto there = world.take_one();
  EXPECT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  EXPECT_EQ(world.counters().calls_live, 1u);
  EXPECT_EQ(world.total_load(), 1);
}

// What a crash leaves is a copy that was made before it.

TEST(engine_crash, a_call_that_lives_is_asked_once_and_goes_on) {
  engine_world world;
  const auto call = establish(world);
  auto copied = world.copy();
  world.wait_ms(4'000);
  ASSERT_EQ(world.crash(std::move(copied), 4'000), 1u);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  world.wait_ms(25'900);
  EXPECT_TRUE(world.take().empty()) << "at the next whole interval since the answer";
  world.wait_ms(200);
  const auto pings = world.take();
  ASSERT_EQ(pings.size(), 2u);
  for (const sent_message& ping : pings) {
    EXPECT_TRUE(ping.bytes.starts_with("OPTIONS ")) << ping.bytes;
    EXPECT_EQ(world.give(response(ping.bytes, 200, ""), ping.to), verdict::response_consumed);
  }
  world.wait_ms(120'000);
  EXPECT_TRUE(world.take().empty()) << "its rule asks for no pings";
  EXPECT_EQ(world.load(1, "pstn"), 1);
  ASSERT_EQ(world.give(bye(call), caller_address), verdict::request_forwarded);
  const auto there = world.take_one();
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  expect_over(world, end_cause::bye);
}

TEST(engine_crash, a_call_that_ended_after_the_copy_gives_its_line_back) {
  // Also where the answer comes after the last repetition.
  for (const std::uint64_t late_ms : {0u, 20'000u})
    for (const std::size_t who : {0u, 1u}) {
      engine_world world;
      (void)establish(world);
      ASSERT_EQ(world.crash(world.copy(), 0), 1u);
      world.wait_ms(30'100);
      const auto pings = world.take();
      ASSERT_EQ(pings.size(), 2u);
      EXPECT_EQ(world.total_load(), 1);
      world.wait_ms(late_ms);
      (void)world.take();
      EXPECT_EQ(world.give(response(pings[who].bytes, 481, ""), pings[who].to),
                verdict::response_consumed);
      for (const sent_message& one : expect_byes(world, 10))
        EXPECT_EQ(world.give(response(one.bytes, 481, ""), one.to), verdict::response_consumed);
      expect_over(world, end_cause::ping_lost);
    }
}

// Whoever does not answer OPTIONS has not said that the call is over; nor has a proxy before him.
TEST(engine_crash, silence_ends_no_call) {
  const auto no_pings = with([](snapshot_model& m) { m.timers.ping_interval_s = 0; });
  const auto rare_pings = with([](snapshot_model& m) { m.timers.ping_interval_s = 3600; });
  for (const snapshot_model& model : {study_case(), no_pings, rare_pings}) {
    engine_world world(model);
    (void)establish(world);
    ASSERT_EQ(world.crash(world.copy(), 0, model), 1u);
    world.wait_ms(50'000);
    const auto pings = world.take();
    EXPECT_EQ(pings.size(), 8u) << "each of both is asked four times";
    (void)world.give(response(pings.front().bytes, 408, ""), pings.front().to);
    world.wait_ms(300'000);
    EXPECT_TRUE(world.take().empty());
    EXPECT_EQ(world.total_load(), 1);
  }
}

TEST(engine_crash, silence_of_whom_the_rule_asks_ends_it) {
  const auto model = pinging_callees();
  for (const bool callee_answers : {false, true}) {
    engine_world world(model);
    const auto pings = pings_after_crash(world, model);
    ASSERT_EQ(pings.size(), 2u);
    if (callee_answers) (void)world.give(response(pings[1].bytes, 200, ""), pings[1].to);
    world.wait_ms(29'000);
    (void)world.take();
    EXPECT_EQ(world.counters().calls_ended, 0u);
    world.wait_ms(8'000);
    EXPECT_EQ(std::ranges::any_of(world.take(), &is_bye), !callee_answers);
  }
}

// The ACK may have come after the copy, and so may requests with numbers that we do not know.
TEST(engine_crash, what_the_copy_does_not_know_ends_no_call_and_spoils_no_bye) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  (void)world.take();
  ASSERT_EQ(world.crash(world.copy(), 2'000), 1u);
  world.wait_ms(60'000);
  for (const sent_message& one : world.take())
    EXPECT_TRUE(one.bytes.starts_with("OPTIONS ")) << one.bytes;
  EXPECT_EQ(world.total_load(), 1);

  mail end;
  end.kind = mail_kind::end_call;
  end.subject = world.handles().back();
  world.mail(end);
  const auto byes = expect_byes(world, 10);
  ASSERT_EQ(byes.size(), 2u);
  EXPECT_EQ(header(byes[0].bytes, "CSeq"), "1001 BYE");
  EXPECT_EQ(header(byes[1].bytes, "CSeq"), "1002 BYE");
  for (const sent_message& one : byes)
    EXPECT_EQ(world.give(response(one.bytes, 200, ""), one.to), verdict::response_consumed);
  expect_over(world, end_cause::admin);
}

TEST(engine_crash, a_408_ends_a_call_where_the_rule_asks) {
  const auto model = pinging_callees();
  for (const std::size_t who : {0u, 1u}) {
    engine_world world(model);
    const auto pings = pings_after_crash(world, model);
    ASSERT_EQ(pings.size(), 2u);
    (void)world.give(response(pings[who].bytes, 408, ""), pings[who].to);
    EXPECT_EQ(std::ranges::any_of(world.take(), &is_bye), who == 1) << "the callee is asked for";
  }
}

// It may have been refreshed after the copy, so that its end is later than the copy knows.
TEST(engine_crash, a_session_has_its_whole_interval_again) {
  engine_world world;
  establish_session_of_90_s(world);
  world.wait_ms(44'000);
  auto copied = world.copy();
  world.wait_ms(6'000);
  ASSERT_EQ(world.crash(std::move(copied), 6'000), 1u);
  world.wait_ms(89'000);
  EXPECT_FALSE(std::ranges::any_of(world.take(), &is_bye));
  EXPECT_EQ(world.total_load(), 1);
  world.wait_ms(3'000);
  EXPECT_TRUE(std::ranges::any_of(world.take(), &is_bye));
}

TEST(engine_crash, parties_that_have_agreed_on_something_since_are_not_asked) {
  engine_world world;
  const auto call = establish(world);
  ASSERT_EQ(world.crash(world.copy(), 0), 1u);
  world.wait_ms(1'000);
  dialog_request update;
  update.method = "UPDATE";
  update.cseq = 2;
  ASSERT_EQ(world.give(within(call.ok_at_caller, update), caller_address),
            verdict::request_forwarded);
  const auto there = world.take_one();
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(120'000);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.total_load(), 1);
}

TEST(engine_crash, a_restart_before_the_answer_asks_again) {
  engine_world world;
  (void)establish(world);
  ASSERT_EQ(world.crash(world.copy(), 0), 1u);
  world.wait_ms(30'100);
  EXPECT_EQ(world.take().size(), 2u);
  ASSERT_EQ(world.restart(), 1u);
  world.wait_ms(30'000);
  const auto pings = world.take();
  ASSERT_EQ(pings.size(), 2u);
  EXPECT_EQ(world.give(response(pings[0].bytes, 481, ""), pings[0].to), verdict::response_consumed);
  expect_byes(world, 10);
}

// A thousand a second, however many there are.
TEST(engine_crash, calls_are_asked_one_after_another) {
  engine_world world;
  (void)establish(world);
  ASSERT_EQ(world.crash(copies_of(world, 300), 0), 300u);
  world.wait_ms(29'900);
  EXPECT_TRUE(world.take().empty());
  std::vector<std::size_t> asked; // in each 100 ms
  for (int i = 0; i < 5; ++i) {
    world.wait_ms(100);
    asked.push_back(world.take().size());
  }
  EXPECT_LE(asked[0] + asked[1], 2 * 115u);
  EXPECT_GE(asked[0] + asked[1], 2 * 80u);
  EXPECT_NEAR(static_cast<double>(asked[2]), 200, 10);
  EXPECT_EQ(asked[0] + asked[1] + asked[2] + asked[3] + asked[4], 600u);
  // Nobody has answered, and no call ends by that.
  world.wait_ms(60'000);
  (void)world.take();
  world.wait_ms(60'000);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.counters().calls_live, 300u);
}

TEST(engine_crash, a_call_that_waits_for_its_turn_may_end_before) {
  engine_world world;
  world.wait_ms(5'000);
  (void)establish(world);
  models::kept_calls copied = copies_of(world, 300);
  for (std::size_t i = 0; i < copied.size(); ++i) {
    copied[i].age_us = 1'500'000;
    copied[i].answered_after_ms = 900; // asked in 29.4 s, and for 0.3 s
    copied[i].expires_after_s = 29;    // in 29.5 s
  }
  ASSERT_EQ(world.crash(std::move(copied), 0), 300u);
  world.wait_ms(29'480);
  const auto asked = world.take();
  EXPECT_NEAR(static_cast<double>(asked.size()), 2 * 90, 2 * 20);
  EXPECT_EQ(std::ranges::count_if(asked, is_bye), 0);
  world.wait_ms(60);
  EXPECT_EQ(std::ranges::count_if(world.take(), is_bye), 2 * 300);
}

TEST(engine_crash, calls_are_copied_in_pieces_and_none_twice) {
  engine_world world;
  for (int i = 0; i < 7; ++i)
    (void)establish(world, numbered(i));
  const std::uint32_t places = world.engine().call_places();
  std::vector<std::string> found;
  std::uint32_t at = 0, rounds = 0;
  while (at < places) {
    std::size_t room = 2;
    at = world.engine().visit_kept(at, 5, world.now, [&](const kept_call& call) {
      if (room == 0) return false;
      --room;
      found.emplace_back(call.call_id);
      return true;
    });
    ASSERT_LT(++rounds, places);
  }
  EXPECT_EQ(found.size(), 7u);
  std::ranges::sort(found);
  EXPECT_EQ(std::ranges::adjacent_find(found), found.end());
  EXPECT_EQ(world.engine().visit_kept(places + 7, 5, world.now, {}), places + 7);
}

TEST(engine_keeping, what_is_no_call_or_has_no_room_is_refused) {
  engine_limits limits = engine_world::small();
  limits.max_calls = 2;
  engine_world world(study_case(), limits);
  kept_call kept;
  kept.call_id = "1@x";
  kept.from_tag = "a";
  kept.to_tag = "b";
  kept.caller = caller_address;
  kept.callee = at("192.0.2.11:5060");
  const auto refused = [&](auto change) {
    kept_call wrong = kept;
    change(wrong);
    return !world.engine().restore(wrong, world.now);
  };
  EXPECT_TRUE(refused([](kept_call& k) { k.call_id = {}; }));
  EXPECT_TRUE(refused([](kept_call& k) { k.caller = {}; }));
  EXPECT_TRUE(refused([](kept_call& k) { k.callee.port = 0; }));
  EXPECT_EQ(world.handles().size(), 0u);
  // Numbers that this run does not know do no harm.
  kept.destination = 4711;
  kept.resource_count = 1;
  kept.caller_listener = kept.callee_listener = 77;
  kept.age_us = ~std::uint64_t{0};
  EXPECT_TRUE(world.engine().restore(kept, world.now));
  kept.call_id = "2@x";
  EXPECT_TRUE(world.engine().restore(kept, world.now));
  kept.call_id = "3@x";
  EXPECT_FALSE(world.engine().restore(kept, world.now));
  EXPECT_EQ(world.total_load(), 0);
  world.wait_ms(60'000); // without an ACK they end
  EXPECT_EQ(world.counters().calls_live, 0u);
}

} // namespace
} // namespace linehunt::test::engine_keeping_test
