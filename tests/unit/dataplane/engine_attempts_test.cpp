// SPDX-License-Identifier: Apache-2.0
// How many destinations and addresses one call tries, and what each of them may say afterwards.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <set>

namespace linehunt::test::engine_attempts_test {
namespace {

// So many gateways alike, of which the first that has not been tried gets the next attempt.
snapshot_model gateways(std::uint32_t count, std::uint32_t addresses = 1) {
  snapshot_model model = study_case();
  model.destinations.clear();
  for (std::uint32_t id = 1; id <= count; ++id) {
    auto& gateway = model.destinations.emplace_back(models::machine(id, "pstn=32"));
    for (std::uint32_t a = 1; a < addresses; ++a)
      gateway.addresses.push_back(at("203.0.113." + std::to_string(10 * id + a)));
  }
  model.rules = {models::balancing("^[0-9]+$", {"pstn"})};
  return model;
}

endpoint gateway(std::uint32_t id) {
  return at("192.0.2." + std::to_string(10 + id));
}

struct engine_attempts : ::testing::Test {
  void make(const snapshot_model& model) { world = std::make_unique<engine_world>(model); }
  void start() {
    ASSERT_EQ(world->give(invite(), caller_address), verdict::request_forwarded);
    tried = {world->take().at(1)};
  }
  // Who has the INVITE refuses it. True if another one gets it.
  bool goes_on_after(int status = 503) {
    EXPECT_EQ(world->give(response(tried.back().bytes, status, "x"), tried.back().to),
              verdict::response_consumed);
    const auto sent = world->take();
    EXPECT_EQ(sent.size(), 2u);
    EXPECT_TRUE(sent.front().bytes.starts_with("ACK "));
    EXPECT_EQ(sent.front().to, tried.back().to);
    refusal = sent.back();
    if (!refusal.bytes.starts_with("INVITE ")) return false;
    tried.push_back(refusal);
    return true;
  }
  [[nodiscard]] std::size_t places_tried() const {
    std::set<endpoint> places;
    for (const auto& m : tried)
      places.insert(m.to);
    return places.size();
  }
  void expect_refused_and_nothing_left() {
    EXPECT_EQ(first_line(refusal.bytes), "SIP/2.0 500 Service full");
    EXPECT_EQ(places_tried(), tried.size()) << "none twice";
    EXPECT_EQ(world->total_load(), 0);
    EXPECT_EQ(world->counters().calls_failed, 1u);
    EXPECT_EQ(world->counters().calls_live, 0u);
    // Each may repeat what it has said, and gets the ACK of its own branch.
    for (const auto& m : tried) {
      ASSERT_EQ(world->give(response(m.bytes, 503, "x"), m.to), verdict::response_consumed);
      const auto ack = world->take_one();
      EXPECT_TRUE(ack.bytes.starts_with("ACK "));
      EXPECT_EQ(ack.to, m.to);
      EXPECT_EQ(header(ack.bytes, "Via"), header(m.bytes, "Via"));
    }
    world->wait_ms(33'000);
    EXPECT_EQ(world->counters().transactions_live, 0u);
  }

  std::unique_ptr<engine_world> world;
  std::vector<sent_message> tried; // the INVITEs
  sent_message refusal;            // of the caller, once nobody is left
};

TEST_F(engine_attempts, the_tenth_gateway_gets_the_call_where_nine_are_out_of_order) {
  make(gateways(10));
  start();
  for (std::uint32_t id = 1; id <= 9; ++id) {
    EXPECT_EQ(tried.back().to, gateway(id));
    ASSERT_TRUE(goes_on_after(id % 2 == 0 ? 500 : 503));
  }
  EXPECT_EQ(tried.back().to, gateway(10));
  EXPECT_EQ(world->load(10, "pstn"), 1);
  ASSERT_EQ(world->give(response(tried[0].bytes, 503, "x"), tried[0].to),
            verdict::response_consumed);
  EXPECT_EQ(header(world->take_one().bytes, "Via"), header(tried[0].bytes, "Via"));
  ASSERT_EQ(world->give(response(tried[9].bytes, 200, "t"), tried[9].to),
            verdict::response_forwarded);
  EXPECT_EQ(world->load(10, "pstn"), 1);
  EXPECT_EQ(world->total_load(), 1);
  EXPECT_EQ(world->counters().failovers, 9u);
  EXPECT_EQ(world->counters().calls_started, 1u);
  EXPECT_EQ(world->counters().calls_answered, 1u);
}

TEST_F(engine_attempts, a_call_is_refused_when_all_ten_are_out_of_order) {
  make(gateways(10));
  start();
  while (goes_on_after()) {
  }
  EXPECT_EQ(tried.size(), 10u);
  expect_refused_and_nothing_left();
}

TEST_F(engine_attempts, there_are_32_for_a_call) {
  make(gateways(40));
  start();
  while (goes_on_after(500)) {
  }
  EXPECT_EQ(tried.size(), 32u);
  expect_refused_and_nothing_left();
}

TEST_F(engine_attempts, four_addresses_each_leave_enough_for_eight_gateways) {
  make(gateways(9, 4));
  start();
  while (goes_on_after()) {
  }
  EXPECT_EQ(tried.size(), 32u);
  EXPECT_EQ(world->counters().failovers, 7u);
  EXPECT_EQ(world->counters().address_turns, 24u);
  expect_refused_and_nothing_left();
}

TEST_F(engine_attempts, a_cancel_at_the_tenth_reaches_it_and_nobody_else) {
  make(gateways(12));
  start();
  while (tried.size() < 10)
    ASSERT_TRUE(goes_on_after());
  ASSERT_EQ(world->give(response(tried[9].bytes, 180, "t"), tried[9].to),
            verdict::response_forwarded);
  (void)world->take();
  ASSERT_EQ(world->give(hop_request("CANCEL", {}), caller_address), verdict::request_answered);
  const auto sent = world->take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(status_of(sent[0].bytes), 200);
  EXPECT_TRUE(sent[1].bytes.starts_with("CANCEL "));
  EXPECT_EQ(sent[1].to, gateway(10));
  EXPECT_EQ(header(sent[1].bytes, "Via"), header(tried[9].bytes, "Via"));
  ASSERT_EQ(world->give(response(sent[1].bytes, 200, "t"), tried[9].to),
            verdict::response_consumed);
  ASSERT_EQ(world->give(response(tried[9].bytes, 487, "t"), tried[9].to),
            verdict::response_forwarded);
  EXPECT_EQ(status_of(world->take().back().bytes), 487);
  EXPECT_EQ(world->total_load(), 0);
  EXPECT_EQ(world->counters().failovers, 9u);
}

// They are silent for 5 s each; the first one answers when the twelfth has the INVITE.
TEST_F(engine_attempts, the_first_may_answer_at_the_time_of_the_twelfth) {
  make(gateways(14));
  start();
  while (tried.size() < 12) {
    world->wait_ms(5'050);
    tried.push_back(world->take().back());
    ASSERT_EQ(tried.back().to, gateway(static_cast<std::uint32_t>(tried.size())));
  }
  ASSERT_EQ(world->give(response(tried[1].bytes, 180, "b"), tried[1].to),
            verdict::response_consumed);
  EXPECT_EQ(world->take_one().to, gateway(2)) << "its CANCEL";
  ASSERT_EQ(world->give(response(tried[0].bytes, 200, "a"), tried[0].to),
            verdict::response_forwarded);
  EXPECT_EQ(status_of(world->take_one().bytes), 200);
  EXPECT_EQ(world->load(1, "pstn"), 1);
  EXPECT_EQ(world->total_load(), 1);
  EXPECT_EQ(world->counters().calls_answered, 1u);
  ASSERT_EQ(world->give(response(tried[11].bytes, 180, "l"), tried[11].to),
            verdict::response_consumed);
  const auto cancel = world->take_one();
  EXPECT_TRUE(cancel.bytes.starts_with("CANCEL "));
  EXPECT_EQ(cancel.to, gateway(12));
  EXPECT_EQ(header(cancel.bytes, "Via"), header(tried[11].bytes, "Via"));
  for (const auto& m : {tried[1], tried[11]}) {
    ASSERT_EQ(world->give(response(m.bytes, 487, "b"), m.to), verdict::response_consumed);
    EXPECT_TRUE(world->take_one().bytes.starts_with("ACK "));
  }
  EXPECT_EQ(world->total_load(), 1);
}

// In a loop each attempt is a way of its own, with attempts of its own.
TEST_F(engine_attempts, a_call_that_passes_again_tries_half_as_many) {
  for (const auto& [ways, most] : {std::pair{1, 32u}, {2, 16u}, {3, 8u}, {4, 8u}}) {
    SCOPED_TRACE(ways);
    make(gateways(40));
    start();
    for (int way = 1; way < ways; ++way) {
      std::string back = tried.back().bytes;
      back.insert(back.find("Via: "), "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKproxy" +
                                          std::to_string(way) + "\r\n");
      ASSERT_EQ(world->give(back, tried.back().to), verdict::request_forwarded);
      tried = {world->take().at(1)};
    }
    while (goes_on_after(500)) {
    }
    EXPECT_EQ(tried.size(), most);
    EXPECT_EQ(world->total_load(), ways - 1) << "of the ways before";
  }
}

} // namespace
} // namespace linehunt::test::engine_attempts_test
