// SPDX-License-Identifier: Apache-2.0
// A call that is to end, and what must be left of it then: for the tests of its ends.
#pragma once

#include "engine_world.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace linehunt::test {

struct ending_call : ::testing::Test {
  engine_world world;
  std::uint64_t handle = 0; // of the call that is to end, and where it is
  destination_index destination = no_index;

  // Of the one call that there is.
  void remember() {
    world.engine().for_each_call([this](const call_info& c) {
      handle = c.handle;
      destination = c.destination;
    });
  }
  running_call start() {
    auto call = establish(world);
    remember();
    return call;
  }

  // Both BYEs of ours: the first goes to the caller, the second to the callee.
  std::pair<sent_message, sent_message> byes() { return byes_of(world); }
  static std::pair<sent_message, sent_message> byes_of(engine_world& in) {
    std::vector<sent_message> found;
    for (auto& m : in.take()) {
      if (m.bytes.starts_with("BYE ")) found.push_back(std::move(m));
    }
    EXPECT_GE(found.size(), 2u);
    if (found.size() < 2) return {};
    return {found[0], found[1]};
  }
  static void end_by_admin(engine_world& in) {
    mail end;
    end.kind = mail_kind::end_call;
    end.subject = in.handles().at(0);
    in.mail(end);
  }
  // A call that rings for so long, is answered with these headers, and is acknowledged.
  std::string answered_with(const std::string& extra, std::uint64_t ringing_ms = 0) {
    EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
    const auto there = world.take().at(1);
    (void)world.give(response(there.bytes, 180, "t"), there.to);
    world.wait_ms(ringing_ms);
    (void)world.take();
    (void)world.give(response(there.bytes, 200, "t", extra), there.to);
    const auto ok = world.take_one().bytes;
    dialog_request ack;
    ack.method = "ACK";
    ack.cseq = 1;
    EXPECT_EQ(world.give(within(ok, ack), caller_address), verdict::request_forwarded);
    (void)world.take();
    remember();
    return ok;
  }
  void both_answer(const std::pair<sent_message, sent_message>& sent) {
    for (const auto& bye : {sent.first, sent.second})
      EXPECT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_consumed);
  }
  void expect_gone(end_cause cause) {
    EXPECT_EQ(world.total_load(), 0);
    EXPECT_EQ(world.counters().calls_live, 0u);
    EXPECT_EQ(world.counters().calls_ended, world.counters().calls_started);
    ASSERT_FALSE(world.sink.events.empty());
    EXPECT_EQ(world.sink.events.back().cause, static_cast<std::uint16_t>(cause));
    EXPECT_EQ(world.sink.events.back().destination, destination);
    EXPECT_EQ(world.sink.events.back().subject, handle);
    EXPECT_TRUE(world.handles().empty());
  }
};

} // namespace linehunt::test
