// SPDX-License-Identifier: Apache-2.0
// Signs of life of answered calls: OPTIONS within the dialog, repeated, answered, refused, lost.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_ping_test {
namespace {

snapshot_model pinging(bool caller, bool callee) {
  snapshot_model model = study_case();
  for (rule_model& rule : model.rules)
    rule.ping = {caller, callee};
  return model;
}

std::vector<sent_message> only(std::string_view method, std::vector<sent_message> sent) {
  std::erase_if(
      sent, [&](const sent_message& m) { return !m.bytes.starts_with(std::string(method) + " "); });
  return sent;
}

TEST(engine_ping, both_are_asked_in_each_others_name) {
  engine_world world(pinging(true, true));
  const auto call = establish(world);
  world.wait_ms(29'900);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(200);
  const auto pings = only("OPTIONS", world.take());
  ASSERT_EQ(pings.size(), 2u);
  const auto& [to_caller, to_callee] = std::tie(pings[0], pings[1]);
  EXPECT_EQ(to_caller.to, caller_address);
  EXPECT_NE(header(to_caller.bytes, "From").find(";tag=to-1"), std::string::npos);
  EXPECT_NE(header(to_caller.bytes, "To").find(";tag=from-1"), std::string::npos);
  EXPECT_EQ(first_line(to_callee.bytes), "OPTIONS sip:machine@192.0.2.99:5070 SIP/2.0");
  EXPECT_NE(header(to_callee.bytes, "From").find(";tag=from-1"), std::string::npos);
  // The party's own next request finds its number free.
  EXPECT_EQ(header(to_callee.bytes, "CSeq"), "1 OPTIONS");
  EXPECT_EQ(header(to_caller.bytes, "CSeq"), "0 OPTIONS");

  for (const sent_message& ping : pings)
    EXPECT_EQ(world.give(response(ping.bytes, 200, ""), ping.to), verdict::response_consumed);
  world.wait_ms(29'000);
  EXPECT_TRUE(world.take().empty()) << "answered, so nothing is repeated";
  world.wait_ms(1'000);
  const auto next = only("OPTIONS", world.take());
  ASSERT_EQ(next.size(), 2u);
  EXPECT_NE(header(next[0].bytes, "Via"), header(to_caller.bytes, "Via")) << "a request of its own";
  EXPECT_EQ(world.total_load(), 1);
}

TEST(engine_ping, only_where_the_rule_asks) {
  engine_world nobody;
  (void)establish(nobody);
  nobody.wait_ms(120'000);
  EXPECT_TRUE(nobody.take().empty());

  engine_world callee_only(pinging(false, true));
  const auto call = establish(callee_only);
  callee_only.wait_ms(30'100);
  const auto pings = callee_only.take();
  ASSERT_EQ(pings.size(), 1u);
  EXPECT_EQ(pings[0].to, at("192.0.2.99:5070"));
}

TEST(engine_ping, one_that_stays_silent_ends_the_call_once) {
  engine_world world(pinging(true, true));
  (void)establish(world);
  world.wait_ms(30'100);
  const auto pings = only("OPTIONS", world.take());
  ASSERT_EQ(pings.size(), 2u);
  (void)world.give(response(pings[0].bytes, 200, ""), pings[0].to); // the caller lives
  world.wait_ms(31'000);
  const auto repeated = only("OPTIONS", world.take());
  EXPECT_EQ(repeated.size(), 9u); // 0.5, 1.5, 3.5, 7.5, ... 27.5 s after the first (timer E)
  for (const sent_message& m : repeated)
    EXPECT_EQ(m.bytes, pings[1].bytes);
  EXPECT_EQ(world.total_load(), 1);
  world.wait_ms(5'000);
  const auto byes = only("BYE", world.take());
  ASSERT_GE(byes.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(world.give(response(byes[i].bytes, 200, ""), byes[i].to), verdict::response_consumed);
  EXPECT_EQ(world.total_load(), 0);
  ASSERT_FALSE(world.sink.events.empty());
  EXPECT_EQ(world.sink.events.back().cause, static_cast<std::uint16_t>(end_cause::ping_lost));
  EXPECT_EQ(world.counters().calls_ended, 1u);
}

TEST(engine_ping, what_the_answers_mean) {
  for (const auto& [status, lives] :
       {std::pair{200, true}, {404, true}, {405, true}, {500, true}, {481, false}, {408, false}}) {
    engine_world world(pinging(false, true));
    (void)establish(world);
    world.wait_ms(30'100);
    const auto ping = world.take_one();
    EXPECT_EQ(world.give(response(ping.bytes, 100, ""), ping.to), verdict::response_consumed);
    EXPECT_EQ(world.give(response(ping.bytes, status, ""), ping.to), verdict::response_consumed);
    EXPECT_EQ(only("BYE", world.take()).size(), lives ? 0u : 2u) << status;
    EXPECT_EQ(world.count_of(verdict::response_consumed), 2u);
  }
}

TEST(engine_ping, forged_and_late_answers_change_nothing) {
  engine_world world(pinging(false, true));
  const auto call = establish(world);
  world.wait_ms(30'100);
  const auto ping = world.take_one();
  // A stranger who knows the dialog, but not our branch.
  const std::string via = header(ping.bytes, "Via");
  std::string guessed = via;
  guessed.back() = guessed.back() == '0' ? '1' : '0';
  EXPECT_EQ(world.give(replace(response(ping.bytes, 481, ""), via, guessed), ping.to),
            verdict::dropped_foreign_via);
  // The call ends; then the answer comes.
  (void)world.give(within(call.ok_at_caller, {}), caller_address);
  const auto bye = world.take_one();
  (void)world.give(response(bye.bytes, 200, ""), bye.to);
  (void)world.take();
  EXPECT_EQ(world.give(response(ping.bytes, 481, ""), ping.to), verdict::response_consumed);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(60'000);
  EXPECT_TRUE(world.take().empty()) << "no ping after the end";
}

TEST(engine_ping, the_other_ends_still_hold) {
  snapshot_model model = pinging(true, true);
  model.timers.max_call_s = 45;
  engine_world world(model);
  (void)establish(world);
  world.wait_ms(30'100);
  for (const sent_message& ping : world.take())
    (void)world.give(response(ping.bytes, 200, ""), ping.to);
  world.wait_ms(15'000);
  EXPECT_EQ(only("BYE", world.take()).size(), 2u);
}

TEST(engine_ping, not_before_the_ack) {
  snapshot_model model = pinging(true, true);
  model.timers.ping_interval_s = 1;
  engine_world world(model);
  (void)world.give(invite(), caller_address);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 200, "t"), there.to);
  (void)world.take();
  world.wait_ms(5'000);
  EXPECT_TRUE(only("OPTIONS", world.take()).empty());
}

} // namespace
} // namespace linehunt::test::engine_ping_test
