// SPDX-License-Identifier: Apache-2.0
// What rules say, as callers see it: refusals with their status, dropping, and what balancing alone
// asks for.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_rules_test {
namespace {

const endpoint stranger = at("203.0.113.66:5060");

TEST(engine_rules, rules_may_refuse) {
  snapshot_model model = study_case();
  rule_model no;
  rule_condition c;
  c.field = rule_field::ruri_user;
  c.pattern = "^0900";
  no.conditions = {c};
  no.action = rule_action::reply;
  no.status = 603;
  no.reason = "Not Here";
  rule_model unknown = no;
  unknown.conditions[0].pattern = "^odd";
  unknown.action = rule_action::balance;
  unknown.status = 0;
  unknown.reason.clear();
  unknown.group = 1;
  unknown.resources = {"nonsense"};
  rule_model nobody = unknown;
  nobody.conditions[0].pattern = "^far";
  nobody.group = 1;
  nobody.resources = {"transc", "conf", "vm", "pstn"};
  model.rules.insert(model.rules.begin(), {no, unknown, nobody});
  engine_world world(model);
  call_parts parts;
  parts.user = "09001234";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::rejected_by_rule);
  EXPECT_EQ(first_line(world.take_one().bytes), "SIP/2.0 603 Not Here");
  parts.user = "odd";
  parts.call_id = "2@x";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::rejected_unknown_resource);
  EXPECT_EQ(first_line(world.take_one().bytes), "SIP/2.0 500 Service full");
  EXPECT_EQ(world.counters().unknown_resource, 1u);
  parts.user = "far";
  parts.call_id = "3@x";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded)
      << "destination 4 has them all";
  model.destinations.pop_back();
  world.reload(model);
  parts.call_id = "4@x";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::rejected_no_destination);
}

TEST(engine_rules, a_full_rule_answers_as_it_says) {
  snapshot_model model = study_case();
  model.destinations.resize(1);
  for (resource_model& r : model.destinations[0].resources)
    r.capacity = 0;
  model.rules = {models::balancing("^[0-9]+$", {"pstn"})};
  model.rules[0].status = 486;
  model.rules[0].reason = "Busy";
  engine_world world(model);
  EXPECT_EQ(world.give(invite(), caller_address), verdict::rejected_no_capacity);
  EXPECT_EQ(first_line(world.take_one().bytes), "SIP/2.0 486 Busy");
}

// As in OpenSIPS, where counting that fails is no reason to refuse the call.
TEST(engine_rules, what_nobody_offers_is_in_the_way_of_balancing_alone) {
  snapshot_model model = study_case();
  rule_model nonsense;
  nonsense.action = rule_action::add;
  nonsense.resources = {"nonsense"};
  rule_model forward = models::from_machines("192.0.2.99:5060");
  model.rules = {nonsense, forward};
  engine_world counting(model);
  EXPECT_EQ(counting.give(invite(), at("192.0.2.11:5060")), verdict::request_forwarded);
  EXPECT_EQ(counting.load(1, "pstn"), 1) << "what is known is counted";
  EXPECT_EQ(counting.counters().calls_uncounted, 1u);

  model.rules[1].count = false;
  model.rules[1].conditions.clear();
  engine_world plain(model);
  EXPECT_EQ(plain.give(invite(), caller_address), verdict::request_forwarded);
  EXPECT_EQ(plain.counters().calls_uncounted, 0u);
}

rule_model dropping(rule_field field, std::string pattern, std::string header_name = {}) {
  rule_model drop;
  rule_condition c;
  c.field = field;
  c.pattern = std::move(pattern);
  c.header_name = std::move(header_name);
  drop.conditions = {c};
  drop.action = rule_action::drop;
  return drop;
}

TEST(engine_rules, rules_may_drop_without_a_word_and_keep_nothing) {
  snapshot_model model = study_case();
  model.rules.insert(model.rules.begin(),
                     dropping(rule_field::header, "^friendly-scanner$", "User-Agent"));
  engine_world world(model);
  call_parts scanner;
  scanner.extra = "User-Agent: friendly-scanner\r\n";
  std::uint64_t dropped = 0;
  const auto is_dropped = [&](const std::string& text) {
    EXPECT_EQ(world.give(text, stranger), verdict::dropped_by_rule) << text;
    EXPECT_EQ(world.count_of(verdict::dropped_by_rule), ++dropped);
  };
  const std::string agent = "User-Agent: friendly-scanner\r\nMax-Forwards";
  is_dropped(invite(scanner));
  is_dropped(invite(scanner)); // a repetition
  for (const char* method : {"OPTIONS", "REGISTER", "CANCEL"})
    is_dropped(replace(hop_request(method, scanner), "Max-Forwards", agent));
  EXPECT_EQ(world.give(hop_request("ACK", scanner, "x"), stranger), verdict::dropped_stray_ack);
  world.engine().drain(true);
  is_dropped(invite(scanner));
  world.engine().drain(false);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.counters().transactions_live, 0u);
  EXPECT_EQ(world.counters().calls_started, 0u);
  world.wait_ms(40'000);
  EXPECT_TRUE(world.take().empty());
  // The others are served as ever, the same Call-ID included.
  EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  (void)world.take();
  EXPECT_EQ(world.give(hop_request("OPTIONS", {}), caller_address), verdict::request_answered);
  EXPECT_EQ(world.give(hop_request("REGISTER", {}), caller_address), verdict::rejected_method);
}

TEST(engine_rules, a_rule_above_keeps_requests_from_being_dropped) {
  snapshot_model model = study_case();
  model.rules.back() = dropping(rule_field::method, ".");
  rule_model known = model.rules[1];
  known.conditions[0].pattern = "^4930";
  model.rules.insert(model.rules.begin(), known);
  engine_world world(model);
  EXPECT_EQ(world.give(hop_request("OPTIONS", {}), caller_address), verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
  call_parts other;
  other.user = "nobody";
  EXPECT_EQ(world.give(hop_request("OPTIONS", other), caller_address), verdict::dropped_by_rule);
  EXPECT_EQ(world.give(invite(other), caller_address), verdict::dropped_by_rule);
  EXPECT_TRUE(world.take().empty());
  // Within a call nobody asks the rules.
  const auto call = establish(world);
  EXPECT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::request_forwarded);
}

} // namespace
} // namespace linehunt::test::engine_rules_test
