// SPDX-License-Identifier: Apache-2.0
// An INVITE that replaces a call (RFC 3891) goes to the destination that has that call, where the
// rules and the lines let it. One worker; see engine_replaces_mail_test.cpp for several.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace linehunt::test::engine_replaces_test {
namespace {

std::string replacing(std::string_view to_tag = "to-1", std::string_view from_tag = "from-1",
                      std::string_view call_id = "17@caller.example") {
  return "Replaces: " + std::string{call_id} + ";to-tag=" + std::string{to_tag} +
         ";from-tag=" + std::string{from_tag} + "\r\n";
}

// The first call is at machine 1, which has 31 lines left; by the rules the next one goes to
// machine 4, which has 32.
struct engine_replaces : ::testing::Test {
  engine_world world;
  running_call first;
  const endpoint one = at("192.0.2.11:5060"), four = at("192.0.2.14:5060");
  int number = 0;

  void SetUp() override { begin(study_case()); }
  void begin(const snapshot_model& model) {
    world.reload(model);
    first = establish(world);
    ASSERT_EQ(first.callee, one);
  }
  // A new call with these lines; the INVITE as it goes on, or the reply.
  sent_message offer(const std::string& extra, const std::string& user = "4930123456",
                     const endpoint& from = caller_address) {
    call_parts parts;
    parts.call_id = "new-" + std::to_string(++number) + "@other.example";
    parts.from_tag = "new";
    parts.branch = "z9hG4bKnew" + std::to_string(number);
    parts.user = user;
    parts.extra = extra;
    last = world.give(invite(parts), from);
    auto sent = world.take();
    const auto it = std::ranges::find_if(
        sent, [](const sent_message& m) { return m.bytes.starts_with("INVITE "); });
    return it != sent.end() ? *it : sent.empty() ? sent_message{} : sent.back();
  }
  // Where it goes, and there it is refused, so that all is as before.
  endpoint way_of(const std::string& extra, const std::string& user = "4930123456") {
    const auto sent = offer(extra, user);
    offered = sent.bytes;
    EXPECT_EQ(world.give(response(sent.bytes, 486, "t"), sent.to), verdict::response_forwarded);
    (void)world.take();
    return sent.to;
  }
  std::uint64_t replaced() const { return world.counters().calls_replacing; }
  verdict last = verdict::count_;
  std::string offered; // the last INVITE as it went on
};

TEST_F(engine_replaces, it_goes_to_the_destination_of_that_call) {
  const auto sent = offer(replacing());
  EXPECT_EQ(last, verdict::request_forwarded);
  EXPECT_EQ(sent.to, one);
  EXPECT_EQ(header(sent.bytes, "Replaces"), "17@caller.example;to-tag=to-1;from-tag=from-1");
  EXPECT_EQ(world.load(1, "pstn"), 2) << "counted like any other";
  EXPECT_EQ(replaced(), 1u);
  EXPECT_EQ(way_of(""), four);
  EXPECT_EQ(replaced(), 1u);
}

TEST_F(engine_replaces, the_tags_may_be_those_of_either_party) {
  EXPECT_EQ(way_of(replacing("from-1", "to-1")), one);
}

TEST_F(engine_replaces, what_else_the_header_says_is_for_whom_it_reaches) {
  EXPECT_EQ(way_of("replaces : 17@caller.example ; x=\"y\" ;FROM-TAG=from-1\r\n "
                   ";early-only;to-tag=to-1\r\n"),
            one);
}

TEST_F(engine_replaces, no_call_of_ours_makes_no_difference) {
  EXPECT_EQ(way_of(replacing("to-1", "from-1", "18@caller.example")), four);
  EXPECT_EQ(way_of(replacing("to-2", "from-1")), four);
  EXPECT_EQ(way_of(replacing("to-1", "from-2")), four);
  EXPECT_EQ(way_of(replacing("to-1", "to-1")), four);
  EXPECT_EQ(way_of(replacing("from-1", "from-1")), four);
  EXPECT_EQ(replaced(), 0u);
}

TEST_F(engine_replaces, a_call_that_has_ended_makes_no_difference) {
  ASSERT_EQ(world.give(within(first.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  (void)world.take();
  ASSERT_EQ(offer("").to, one);
  EXPECT_EQ(way_of(replacing()), four);
}

TEST_F(engine_replaces, a_full_destination_is_passed_by) {
  mail full;
  full.kind = mail_kind::resize;
  full.slot = 1; // pstn of machine 1
  full.value = 1;
  world.mail(full);
  EXPECT_EQ(way_of(replacing()), four);
  EXPECT_EQ(replaced(), 0u);
}

TEST_F(engine_replaces, a_full_destination_is_not_passed_by_where_the_rule_takes_full_ones) {
  auto model = study_case();
  model.rules[2].flags.negative = true;
  model.destinations[0].resources[1].capacity = 1;
  world.reload(model);
  EXPECT_EQ(offer(replacing()).to, one);
  EXPECT_EQ(world.load(1, "pstn"), 2);
}

TEST_F(engine_replaces, a_disabled_destination_is_passed_by) {
  mail off;
  off.kind = mail_kind::set_enabled;
  off.subject = 0;
  world.mail(off);
  EXPECT_EQ(way_of(replacing()), four);
}

TEST_F(engine_replaces, a_destination_that_sheds_calls_is_passed_by) {
  auto model = study_case();
  model.overload.enabled = true;
  world.reload(model);
  mail shed;
  shed.kind = mail_kind::overload;
  shed.flags = 100; // per cent
  shed.value = 60'000;
  world.mail(shed);
  EXPECT_EQ(way_of(replacing()), four);
  EXPECT_EQ(replaced(), 0u);
}

TEST_F(engine_replaces, a_destination_without_the_resource_is_no_candidate) {
  EXPECT_EQ(way_of(replacing(), "VM_17"), at("192.0.2.12:5060"));
}

TEST_F(engine_replaces, a_destination_of_another_group_is_no_candidate) {
  auto model = study_case();
  model.destinations[3].group = 2;
  model.rules[2].group = 2;
  world.reload(model);
  EXPECT_EQ(way_of(replacing()), four);
  EXPECT_EQ(replaced(), 0u);
}

// Machine 1 is in both groups; the call is there as one of the other.
TEST_F(engine_replaces, a_destination_of_the_group_with_the_same_address_has_the_call) {
  for (const bool same_port : {true, false}) {
    auto model = study_case();
    auto again = model.destinations[0];
    again.id = 21;
    again.group = 2;
    if (!same_port) again.addresses = {at("192.0.2.11:5070")};
    auto other = model.destinations[3];
    other.id = 24;
    other.group = 2;
    model.destinations.push_back(again);
    model.destinations.push_back(other);
    model.rules[2].group = 2;
    engine_world fresh(study_case());
    const auto call = establish(fresh);
    ASSERT_EQ(call.callee, one);
    fresh.reload(model);
    // By the lines it would be machine 4 or, once that has a call, machine 1.
    call_parts parts;
    parts.call_id = "new@other.example";
    parts.branch = "z9hG4bKnew";
    ASSERT_EQ(fresh.give(invite(parts), caller_address), verdict::request_forwarded);
    ASSERT_EQ(fresh.take().at(1).to, same_port ? one : at("192.0.2.11:5070"));
    parts.call_id = "newer@other.example";
    parts.branch = "z9hG4bKnewer";
    parts.extra = replacing();
    ASSERT_EQ(fresh.give(invite(parts), caller_address), verdict::request_forwarded);
    EXPECT_EQ(fresh.take().at(1).to, same_port ? one : four);
    EXPECT_EQ(fresh.counters().calls_replacing, same_port ? 1u : 0u);
    EXPECT_EQ(fresh.load(21, "pstn"), same_port ? 2 : 1);
  }
}

TEST_F(engine_replaces, a_call_of_a_destination_that_is_configured_anew_is_there) {
  auto model = study_case();
  model.destinations[0].id = 9;
  world.reload(model);
  ASSERT_EQ(offer("").to, one);
  ASSERT_EQ(way_of(""), four);
  EXPECT_EQ(way_of(replacing()), one);
  EXPECT_EQ(replaced(), 1u);
}

TEST_F(engine_replaces, a_call_id_longer_than_any_is_not_looked_for) {
  for (const std::size_t bytes : {256u, 257u}) {
    call_parts parts;
    parts.call_id = std::string(bytes, 'x');
    parts.from_tag = "long";
    ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    const auto there = world.take().at(1);
    ASSERT_EQ(there.to, four);
    ASSERT_EQ(way_of(""), one);
    EXPECT_EQ(way_of(replacing("ringing", "long", parts.call_id)), bytes == 256 ? four : one);
    ASSERT_EQ(world.give(response(there.bytes, 486, "t"), four), verdict::response_forwarded);
    (void)world.take();
  }
}

TEST_F(engine_replaces, where_a_rule_forwards_it_goes_there) {
  auto model = study_case();
  model.rules[2].action = rule_action::forward;
  model.rules[2].target = at("198.51.100.99:5060");
  world.reload(model);
  EXPECT_EQ(way_of(replacing()), at("198.51.100.99:5060"));
}

TEST_F(engine_replaces, when_it_fails_there_the_others_are_tried_as_ever) {
  const auto sent = offer(replacing());
  ASSERT_EQ(sent.to, one);
  ASSERT_EQ(world.give(response(sent.bytes, 500, "t"), one), verdict::response_consumed);
  const auto next = world.take();
  ASSERT_EQ(next.size(), 2u); // the ACK, and
  EXPECT_TRUE(next[1].bytes.starts_with("INVITE "));
  EXPECT_EQ(next[1].to, four);
  EXPECT_EQ(replaced(), 1u);
  EXPECT_EQ(world.counters().failovers, 1u);
}

TEST_F(engine_replaces, a_481_of_it_goes_to_who_has_asked) {
  const auto sent = offer(replacing());
  ASSERT_EQ(world.give(response(sent.bytes, 481, "t"), one), verdict::response_forwarded);
}

// To refuse it is for the end point (RFC 3891 3), which may be content with it; a proxy passes on
// what it need not read (RFC 3261 16.3).
TEST_F(engine_replaces, more_than_one_or_a_broken_one_goes_by_the_rules_as_it_is) {
  for (const std::string& extra :
       {replacing() + replacing("b", "a", "b"), std::string{"Replaces: 17@caller.example\r\n"},
        std::string{"Replaces: \r\n"},
        std::string{"Replaces: 17@caller.example;to-tag=to-1;from-tag=from-1, 2;to-tag=1\r\n"}}) {
    EXPECT_EQ(way_of(extra), four) << extra;
    EXPECT_EQ(last, verdict::request_forwarded) << extra;
    EXPECT_NE(offered.find(extra), std::string::npos) << extra;
  }
  EXPECT_EQ(replaced(), 0u);
}

// A call pick-up: the phone that shall stop calling has called itself, and what rings has any tag.
TEST_F(engine_replaces, a_call_that_rings_is_found_by_its_caller) {
  call_parts rings;
  rings.call_id = "rings@caller.example";
  rings.from_tag = "caller";
  ASSERT_EQ(world.give(invite(rings), caller_address), verdict::request_forwarded);
  ASSERT_EQ(world.take().at(1).to, four);
  ASSERT_EQ(way_of(""), one);
  EXPECT_EQ(way_of(replacing("caller", "ringing", rings.call_id) + "X: 1\r\n"), four);
  EXPECT_EQ(way_of(replacing("ringing", "caller", rings.call_id)), four);
  EXPECT_EQ(way_of(replacing("ringing", "somebody", rings.call_id)), one);
  EXPECT_EQ(replaced(), 2u);
}

// The rule counts the call of a machine on that machine, and who replaces it has to go there.
TEST_F(engine_replaces, a_call_that_a_destination_makes_is_found_there) {
  call_parts made;
  made.call_id = "made@box.example";
  made.from_tag = "box";
  ASSERT_EQ(world.give(invite(made), four), verdict::request_forwarded);
  const auto sent = world.take().at(1);
  ASSERT_EQ(sent.to, caller_address);
  ASSERT_EQ(world.give(response(sent.bytes, 200, "core"), caller_address),
            verdict::response_forwarded);
  (void)world.take();
  ASSERT_EQ(world.load(4, "pstn"), 1);
  ASSERT_EQ(way_of(""), one);
  EXPECT_EQ(way_of(replacing("box", "core", made.call_id)), four);
  EXPECT_EQ(replaced(), 1u);
}

// From machine 4 to machine 1: each has one end of it.
TEST_F(engine_replaces, of_a_call_between_two_destinations_the_to_tag_says_which) {
  auto model = study_case();
  model.rules.erase(model.rules.begin());
  world.reload(model);
  call_parts made;
  made.call_id = "made@box.example";
  made.from_tag = "box4";
  ASSERT_EQ(offer("").to, four);
  ASSERT_EQ(world.give(invite(made), endpoint{four.ip, 5099}), verdict::request_forwarded);
  const auto sent = world.take().at(1);
  ASSERT_EQ(sent.to, one);
  ASSERT_EQ(world.give(response(sent.bytes, 200, "box1"), one), verdict::response_forwarded);
  (void)world.take();
  ASSERT_EQ(way_of(""), four);
  EXPECT_EQ(way_of(replacing("box1", "box4", made.call_id)), one);
  ASSERT_EQ(offer("").to, four);
  ASSERT_EQ(way_of(""), one);
  EXPECT_EQ(way_of(replacing("box4", "box1", made.call_id)), four);
  EXPECT_EQ(replaced(), 2u);
}

// The first proxy sent it back, and the second machine has answered.
TEST_F(engine_replaces, of_a_call_that_came_back_the_last_way_leads_to_the_callee) {
  auto model = study_case();
  model.rules.erase(model.rules.begin());
  world.reload(model);
  call_parts twice;
  twice.call_id = "twice@caller.example";
  ASSERT_EQ(world.give(invite(twice), caller_address), verdict::request_forwarded);
  const auto back = world.take().at(1);
  ASSERT_EQ(back.to, four);
  world.now += 1000;
  const std::string via = "Via: SIP/2.0/UDP 192.0.2.14:5060;branch=z9hG4bKback\r\n";
  ASSERT_EQ(world.give(std::string{back.bytes}.insert(back.bytes.find("Via: "), via), four),
            verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(there.to, one);
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), one), verdict::response_forwarded);
  const auto ok = replace(world.take_one().bytes, via, "");
  ASSERT_EQ(world.give(ok, four), verdict::response_forwarded);
  (void)world.take();
  ASSERT_EQ(way_of(""), four);
  EXPECT_EQ(way_of(replacing("t", "from-1", twice.call_id)), one);
  EXPECT_EQ(replaced(), 1u);
}

// It does not want it, and would send it back again until it has come back too often.
TEST_F(engine_replaces, who_sends_it_back_does_not_get_it_again_for_that) {
  auto model = study_case();
  model.rules.erase(model.rules.begin());
  world.reload(model);
  ASSERT_EQ(offer("").to, four);
  ASSERT_EQ(offer("").to, one); // 30 lines of 1 are left, and 31 of 4
  const auto back = offer(replacing());
  ASSERT_EQ(back.to, one);
  const std::string via = "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKback\r\n";
  ASSERT_EQ(world.give(std::string{back.bytes}.insert(back.bytes.find("Via: "), via), one),
            verdict::request_forwarded);
  EXPECT_EQ(world.take().at(1).to, four);
  EXPECT_EQ(replaced(), 1u);
}

// But by a rule that forwards it may well come back, to go there.
TEST_F(engine_replaces, a_machine_that_replaces_a_call_of_its_own_gets_it_by_way_of_the_core) {
  call_parts parts;
  parts.call_id = "own@box.example";
  parts.extra = replacing();
  ASSERT_EQ(world.give(invite(parts), one), verdict::request_forwarded);
  const auto forwarded = world.take().at(1);
  ASSERT_EQ(forwarded.to, caller_address);
  const std::string via = "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKcore\r\n";
  ASSERT_EQ(world.give(std::string{forwarded.bytes}.insert(forwarded.bytes.find("Via: "), via),
                       caller_address),
            verdict::request_forwarded);
  EXPECT_EQ(world.take().at(1).to, one);
  EXPECT_EQ(replaced(), 1u);
}

TEST_F(engine_replaces, a_call_of_the_run_before_is_found) {
  ASSERT_EQ(world.restart(), 1u);
  EXPECT_EQ(way_of(replacing()), one);
  EXPECT_EQ(replaced(), 1u);
}

} // namespace
} // namespace linehunt::test::engine_replaces_test
