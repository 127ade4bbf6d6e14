// SPDX-License-Identifier: Apache-2.0
// Calls whose INVITE several have answered: the lines are the call's until its last dialog has
// ended, whichever that is and however the others end.
#include "ending_call.h"

#include <algorithm>

namespace linehunt::test::engine_dialogs_test {
namespace {

struct engine_dialogs : ending_call {
  running_call call;

  void SetUp() override { call = establish(world); }

  // One more answer to its INVITE, which the caller acknowledges. As the caller gets it.
  std::string fork(const std::string& tag) {
    EXPECT_EQ(world.give(response(call.invite_at_callee, 200, tag), call.callee),
              verdict::response_forwarded);
    const auto ok = world.take_one().bytes;
    acknowledge(ok);
    return ok;
  }
  void acknowledge(const std::string& ok) {
    dialog_request ack;
    ack.method = "ACK";
    ack.cseq = 1;
    EXPECT_EQ(world.give(within(ok, ack), caller_address), verdict::request_forwarded);
    (void)world.take();
  }
  void hang_up(const std::string& ok, int status = 200) {
    EXPECT_EQ(world.give(within(ok, {}), caller_address), verdict::request_forwarded);
    const auto bye = world.take_one();
    EXPECT_EQ(world.give(response(bye.bytes, status, ""), bye.to), verdict::response_forwarded);
    (void)world.take();
  }
  // The call is over, and another one is answered by the destination that it has gone on to, and
  // after all by the one before. As the caller gets these answers.
  std::pair<std::string, std::string> answered_by_two() {
    hang_up(call.ok_at_caller);
    (void)world.take();
    call_parts parts;
    parts.call_id = "18@caller.example";
    parts.branch = "z9hG4bKlate";
    EXPECT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    const auto first = world.take().at(1);
    world.wait_ms(5'100);
    const auto second = world.take().back();
    EXPECT_TRUE(second.bytes.starts_with("INVITE "));
    EXPECT_NE(second.to, first.to);
    EXPECT_EQ(world.give(response(second.bytes, 200, "b"), second.to), verdict::response_forwarded);
    const auto of_second = world.take_one().bytes;
    acknowledge(of_second);
    EXPECT_EQ(world.give(response(first.bytes, 200, "a"), first.to), verdict::response_forwarded);
    const auto of_first = world.take_one().bytes;
    acknowledge(of_first);
    return {of_second, of_first};
  }
  // Of the last one.
  void expect_lines_until(const std::string& ok, end_cause cause = end_cause::bye) {
    EXPECT_EQ(world.total_load(), 1);
    EXPECT_EQ(world.load(1, "pstn"), 1);
    EXPECT_EQ(world.counters().calls_live, 1u);
    EXPECT_EQ(world.counters().calls_ended, 0u);
    remember();
    hang_up(ok);
    expect_gone(cause);
  }
};

TEST_F(engine_dialogs, a_caller_that_keeps_the_second_one_keeps_the_line) {
  const auto other = fork("fork");
  hang_up(call.ok_at_caller);
  EXPECT_TRUE(world.sink.events.empty()) << "the call goes on";
  expect_lines_until(other);
}

TEST_F(engine_dialogs, the_line_is_free_with_the_last_of_them) {
  const auto second = fork("fork2"), third = fork("fork3");
  hang_up(second);
  hang_up(call.ok_at_caller);
  expect_lines_until(third);
}

TEST_F(engine_dialogs, one_that_is_left_already_holds_the_line_until_its_bye_is_answered) {
  const auto other = fork("fork");
  ASSERT_EQ(world.give(within(other, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  hang_up(call.ok_at_caller);
  EXPECT_EQ(world.total_load(), 1);
  remember();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  expect_gone(end_cause::bye);
}

// Who acknowledges the second one alone has not heard of the first.
TEST_F(engine_dialogs, a_first_one_that_nobody_acknowledges_leaves_the_line_to_the_second) {
  call_parts parts;
  parts.call_id = "18@caller.example";
  parts.branch = "z9hG4bKunheard";
  hang_up(call.ok_at_caller);
  (void)world.take();
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 200, "a"), there.to), verdict::response_forwarded);
  ASSERT_EQ(world.give(response(there.bytes, 200, "b"), there.to), verdict::response_forwarded);
  const auto heard = world.take().at(1).bytes;
  acknowledge(heard);
  world.wait_ms(32'100);
  both_answer(byes());
  EXPECT_EQ(world.total_load(), 1);
  EXPECT_EQ(world.counters().calls_live, 1u);
  remember();
  hang_up(heard);
  expect_gone(end_cause::bye);
}

// Somebody else calls with the same Call-ID and tag: the one that is answered late is not his.
TEST_F(engine_dialogs, a_second_one_is_ended_at_its_own_caller) {
  call_parts parts;
  parts.call_id = "18@caller.example";
  parts.branch = "z9hG4bKother";
  parts.sent_by = "198.51.100.66:5060";
  ASSERT_EQ(world.give(invite(parts), at("198.51.100.66:5060")), verdict::request_forwarded);
  (void)world.take();
  parts.branch = "z9hG4bKmine";
  parts.sent_by = "198.51.100.7:5060";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 200, "a"), there.to), verdict::response_forwarded);
  acknowledge(world.take_one().bytes);
  ASSERT_EQ(world.give(response(there.bytes, 200, "b"), there.to), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(33'000); // no ACK
  const auto sent = world.take();
  const auto bye = std::ranges::find_if(sent, [](const sent_message& m) {
    return m.to == caller_address && m.bytes.starts_with("BYE ");
  });
  ASSERT_NE(bye, sent.end());
  EXPECT_EQ(first_line(bye->bytes), "BYE sip:alice@198.51.100.7:5060 SIP/2.0");
}

TEST_F(engine_dialogs, over_a_restart) {
  for (const bool first_is_over : {false, true}) {
    engine_world fresh;
    const auto one = establish(fresh);
    ASSERT_EQ(fresh.give(response(one.invite_at_callee, 200, "fork"), one.callee),
              verdict::response_forwarded);
    const auto other = fresh.take_one().bytes;
    const auto end = [&](const std::string& ok) {
      EXPECT_EQ(fresh.give(within(ok, {}), caller_address), verdict::request_forwarded);
      const auto bye = fresh.take_one();
      EXPECT_EQ(fresh.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
      (void)fresh.take();
    };
    if (first_is_over) end(one.ok_at_caller);
    ASSERT_EQ(fresh.restart(), first_is_over ? 1u : 2u);
    EXPECT_EQ(fresh.counters().calls_restored, 1u);
    if (!first_is_over) end(one.ok_at_caller);
    EXPECT_EQ(fresh.load(1, "pstn"), 1);
    EXPECT_EQ(fresh.counters().calls_live, 1u);
    end(other);
    EXPECT_EQ(fresh.total_load(), 0);
    EXPECT_EQ(fresh.counters().calls_live, 0u);
  }
}

TEST_F(engine_dialogs, signs_of_life_are_asked_of_the_one_that_is_left) {
  snapshot_model model = study_case();
  for (rule_model& rule : model.rules)
    rule.ping = {true, true};
  engine_world fresh(model);
  const auto one = establish(fresh);
  ASSERT_EQ(fresh.give(response(one.invite_at_callee, 200, "fork"), one.callee),
            verdict::response_forwarded);
  dialog_request ack;
  ack.method = "ACK";
  ack.cseq = 1;
  ASSERT_EQ(fresh.give(within(fresh.take_one().bytes, ack), caller_address),
            verdict::request_forwarded);
  ASSERT_EQ(fresh.give(within(one.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  const auto bye = fresh.take().at(1);
  ASSERT_EQ(fresh.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  (void)fresh.take();
  fresh.wait_ms(30'100);
  const auto pings = fresh.take();
  ASSERT_GE(pings.size(), 2u);
  EXPECT_NE(header(pings[1].bytes, "To").find(";tag=fork"), std::string::npos) << pings[1].bytes;
  fresh.wait_ms(80'000);
  EXPECT_EQ(fresh.total_load(), 0) << "nobody answers";
  EXPECT_EQ(fresh.counters().ended_by[static_cast<std::size_t>(end_cause::ping_lost)], 1u);
}

TEST_F(engine_dialogs, the_line_is_one_of_the_destination_where_the_last_one_is) {
  const auto [kept_not, kept] = answered_by_two();
  EXPECT_EQ(world.load(4, "pstn"), 1);
  EXPECT_EQ(world.load(1, "pstn"), 0);
  hang_up(kept_not);
  EXPECT_EQ(world.load(4, "pstn"), 0);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.engine().destination_calls()[0], 1u);
  remember();
  hang_up(kept);
  expect_gone(end_cause::bye);
  EXPECT_EQ(world.engine().destination_calls()[0], 0u);
}

TEST_F(engine_dialogs, the_line_stays_where_it_is_if_the_other_destination_offers_none_any_more) {
  const auto [kept_not, kept] = answered_by_two();
  auto model = study_case();
  std::erase_if(model.destinations[0].resources, [](const auto& r) { return r.name == "pstn"; });
  world.reload(model);
  hang_up(kept_not);
  EXPECT_EQ(world.load(4, "pstn"), 1);
  EXPECT_EQ(world.engine().destination_calls()[3], 1u);
  remember();
  hang_up(kept);
  expect_gone(end_cause::bye);
}

TEST_F(engine_dialogs, a_call_whose_lines_are_gone_stays_where_it_is) {
  (void)fork("fork");
  auto model = study_case();
  std::erase_if(model.destinations[0].resources, [](const auto& r) { return r.name == "pstn"; });
  ASSERT_EQ(world.restart(model), 2u);
  ASSERT_EQ(world.engine().destination_calls()[0], 2u);
  hang_up(call.ok_at_caller);
  EXPECT_EQ(world.counters().calls_live, 1u);
  EXPECT_EQ(world.engine().destination_calls()[0], 1u);
}

TEST_F(engine_dialogs, one_that_goes_on_has_the_line_before_those_that_are_left) {
  const auto left = fork("fork2"), kept = fork("fork3"), left_too = fork("fork4");
  for (const auto& ok : {left, left_too}) {
    ASSERT_EQ(world.give(within(ok, {}), caller_address), verdict::request_forwarded);
    (void)world.take();
  }
  hang_up(call.ok_at_caller);
  world.engine().for_each_call([](const call_info& c) {
    EXPECT_EQ(c.held.slot_count, c.to_tag == "fork3" ? 1 : 0) << c.to_tag;
  });
  hang_up(kept);
  EXPECT_EQ(world.total_load(), 1) << "whether these BYEs arrive is not known";
  world.wait_ms(32'100);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
}

// The line of the way before is given back.
TEST_F(engine_dialogs, of_a_call_that_passes_us_twice_the_line_of_its_last_way_is_passed_on) {
  hang_up(call.ok_at_caller);
  call_parts parts;
  parts.call_id = "18@caller.example";
  parts.branch = "z9hG4bKtwice";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  const auto at_proxy = world.take().at(1);
  const std::string via = "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKproxy\r\n";
  auto onward = at_proxy.bytes;
  onward.insert(onward.find("Via: "), via);
  ASSERT_EQ(world.give(onward, at_proxy.to), verdict::request_forwarded);
  const auto there = world.take().at(1);
  std::vector<std::string> oks;
  for (const char* tag : {"a", "b"}) {
    ASSERT_EQ(world.give(response(there.bytes, 200, tag), there.to), verdict::response_forwarded);
    ASSERT_EQ(world.give(replace(world.take_one().bytes, via, ""), at_proxy.to),
              verdict::response_forwarded);
    acknowledge(oks.emplace_back(world.take_one().bytes));
  }
  EXPECT_EQ(world.total_load(), 2);
  hang_up(oks[0]);
  EXPECT_EQ(world.total_load(), 1);
  EXPECT_EQ(world.counters().calls_live, 1u);
  remember();
  hang_up(oks[1]);
  expect_gone(end_cause::bye);
}

TEST_F(engine_dialogs, an_admin_ends_them_all) {
  (void)fork("fork2");
  (void)fork("fork3");
  remember();
  end_by_admin(world);
  std::vector<sent_message> sent = world.take();
  EXPECT_EQ(std::ranges::count_if(
                sent, [](const sent_message& m) { return m.bytes.starts_with("BYE "); }),
            6);
  for (const auto& bye : sent)
    EXPECT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_consumed);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_TRUE(world.handles().empty());
  EXPECT_EQ(world.counters().ended_by[static_cast<std::size_t>(end_cause::admin)], 1u);
  EXPECT_EQ(world.counters().calls_live, 0u);
}

// It is still on the list, and by its Call-ID the first one that is found is meant.
TEST_F(engine_dialogs, an_admin_ends_the_others_of_one_that_is_ending_already) {
  for (const char* named : {"to-1", "fork"}) {
    engine_world fresh;
    const auto one = establish(fresh);
    ASSERT_EQ(fresh.give(response(one.invite_at_callee, 200, "fork"), one.callee),
              verdict::response_forwarded);
    (void)fresh.take();
    mail end;
    end.kind = mail_kind::end_call;
    fresh.engine().for_each_call([&](const call_info& c) {
      if (c.to_tag == named) end.subject = c.handle;
    });
    ASSERT_EQ(fresh.give(within(one.ok_at_caller, {}), caller_address), verdict::request_forwarded);
    const auto refused = fresh.take_one();
    ASSERT_EQ(fresh.give(response(refused.bytes, 500, ""), refused.to),
              verdict::response_forwarded);
    (void)byes_of(fresh);
    fresh.mail(end);
    for (const auto& bye : fresh.take()) {
      ASSERT_NE((header(bye.bytes, "From") + header(bye.bytes, "To")).find(";tag=fork"),
                std::string::npos);
      EXPECT_EQ(fresh.give(response(bye.bytes, 200, ""), bye.to), verdict::response_consumed);
    }
    EXPECT_EQ(fresh.handles().size(), 1u) << "whose BYEs are on their way already";
    EXPECT_EQ(fresh.total_load(), 1);
    fresh.wait_ms(40'000);
    EXPECT_TRUE(fresh.handles().empty());
    EXPECT_EQ(fresh.total_load(), 0);
    EXPECT_EQ(fresh.counters().ended_by[static_cast<std::size_t>(end_cause::bye)], 1u);
  }
}

// The caller has kept both calls of a proxy that forks, each with lines of its own.
TEST_F(engine_dialogs, an_admin_ends_no_call_of_another_invite) {
  engine_world fresh;
  for (const char* way : {"a", "b"}) {
    call_parts parts;
    parts.branch = std::string{"z9hG4bK"} + way;
    ASSERT_EQ(fresh.give(invite(parts), caller_address), verdict::request_forwarded);
    const auto there = fresh.take().at(1);
    ASSERT_EQ(fresh.give(response(there.bytes, 200, way), there.to), verdict::response_forwarded);
    (void)fresh.take();
  }
  ASSERT_EQ(fresh.restart(), 2u);
  end_by_admin(fresh);
  for (const auto& bye : fresh.take())
    EXPECT_EQ(fresh.give(response(bye.bytes, 200, ""), bye.to), verdict::response_consumed);
  EXPECT_EQ(fresh.counters().calls_live, 1u);
  EXPECT_EQ(fresh.total_load(), 1);
}

// A call that passes us twice from the same proxy, told from no fork after a restart, and nobody
// can be sent a BYE any more.
TEST_F(engine_dialogs, an_admin_ends_each_once_where_nobody_can_be_reached) {
  engine_world fresh;
  ASSERT_EQ(fresh.give(invite(), caller_address), verdict::request_forwarded);
  const auto at_box = fresh.take().at(1);
  const std::string via = "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKagain\r\n";
  auto onward = at_box.bytes;
  onward.insert(onward.find("Via: "), via);
  ASSERT_EQ(fresh.give(onward, caller_address), verdict::request_forwarded);
  const auto there = fresh.take().at(1);
  ASSERT_EQ(fresh.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  ASSERT_EQ(fresh.give(replace(fresh.take_one().bytes, via, ""), at_box.to),
            verdict::response_forwarded);
  (void)fresh.take();
  snapshot_model model = study_case();
  model.listeners = {models::listening_at("2001:db8::1")};
  model.routes.clear();
  model.rules.clear();
  for (destination_model& d : model.destinations) {
    d.uri = "sip:[2001:db8::1" + std::to_string(d.id) + "]:5060";
    d.addresses = {*parse_endpoint(d.uri.substr(4), 0)};
  }
  ASSERT_EQ(fresh.restart(model), 2u);
  ASSERT_EQ(fresh.counters().calls_live, 2u);
  end_by_admin(fresh);
  EXPECT_EQ(fresh.total_load(), 0);
  EXPECT_EQ(fresh.counters().calls_live, 0u);
  EXPECT_EQ(fresh.counters().ended_by[static_cast<std::size_t>(end_cause::admin)], 2u);
  for (const auto& calls_there : fresh.engine().destination_calls())
    EXPECT_EQ(calls_there, 0u);
}

} // namespace
} // namespace linehunt::test::engine_dialogs_test
