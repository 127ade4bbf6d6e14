// SPDX-License-Identifier: Apache-2.0
// A call whose parties are asked whether they live: for the tests of what makes us ask.
#pragma once

#include "ending_call.h"

#include <algorithm>

namespace linehunt::test {

struct asked_call : ending_call {
  // An offer of one side, as it comes to the other.
  sent_message offer(const running_call& call, bool from_caller,
                     const std::string& method = "INVITE", unsigned cseq = 2) {
    dialog_request what;
    what.method = method;
    what.from_caller = from_caller;
    what.branch += method + std::to_string(cseq);
    what.cseq = cseq;
    EXPECT_EQ(
        world.give(within(call.ok_at_caller, what), from_caller ? caller_address : call.callee),
        verdict::request_forwarded);
    return world.take_one();
  }
  void timed_out(const running_call& call, bool from_caller, const std::string& method = "INVITE",
                 unsigned cseq = 2) {
    const auto there = offer(call, from_caller, method, cseq);
    EXPECT_EQ(world.give(response(there.bytes, 408, ""), there.to), verdict::response_forwarded);
    EXPECT_EQ(status_of(world.take_one().bytes), 408);
  }
  // The OPTIONS that go out in that time, which must be so many, those of the caller first.
  std::vector<sent_message> asked(std::uint64_t ms, std::size_t times) {
    world.wait_ms(ms);
    auto sent = world.take();
    EXPECT_TRUE(std::ranges::all_of(
        sent, [](const sent_message& m) { return m.bytes.starts_with("OPTIONS "); }));
    EXPECT_EQ(sent.size(), times);
    sent.resize(times);
    return sent;
  }
  void answers(const sent_message& ping, int status) {
    EXPECT_EQ(world.give(response(ping.bytes, status, ""), ping.to), verdict::response_consumed);
  }
};

} // namespace linehunt::test
