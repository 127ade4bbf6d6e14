// SPDX-License-Identifier: Apache-2.0
// The basic call through the whole engine, in both directions, byte by byte where it matters.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_call_test {
namespace {

TEST(engine_call, invite_goes_to_the_destination_with_our_headers) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(first_line(sent[0].bytes), "SIP/2.0 100 Trying");
  EXPECT_EQ(sent[0].to, caller_address);
  EXPECT_EQ(header(sent[0].bytes, "Via"), "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKcaller1");

  const auto& out = sent[1];
  EXPECT_TRUE(out.forwarded);
  EXPECT_EQ(out.to, at("192.0.2.11:5060"));
  EXPECT_EQ(first_line(out.bytes), "INVITE sip:4930123456@192.0.2.1 SIP/2.0");
  EXPECT_EQ(header(out.bytes, "Max-Forwards"), "69");
  const auto vias = headers(out.bytes, "Via");
  ASSERT_EQ(vias.size(), 2u);
  EXPECT_TRUE(vias[0].starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKi")) << vias[0];
  EXPECT_EQ(vias[1], "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKcaller1");
  const auto rr = header(out.bytes, "Record-Route");
  EXPECT_TRUE(rr.starts_with("<sip:192.0.2.1:5060;lr;lh=")) << rr;
  EXPECT_EQ(out.bytes.substr(out.bytes.find("\r\n\r\n")),
            invite().substr(invite().find("\r\n\r\n")));
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_live, 1u);
}

TEST(engine_call, from_invite_to_bye_and_loads_back_to_zero) {
  engine_world world;
  const auto call = establish(world);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_answered, 1u);
  // The callee's answer had only the caller's Via left.
  EXPECT_EQ(headers(call.ok_at_caller, "Via"),
            (std::vector<std::string>{"SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKcaller1"}));

  ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  EXPECT_EQ(first_line(bye.bytes), "BYE sip:machine@192.0.2.99:5070 SIP/2.0");
  EXPECT_EQ(bye.to, at("192.0.2.99:5070"));
  EXPECT_TRUE(headers(bye.bytes, "Route").empty());
  EXPECT_EQ(world.load(1, "pstn"), 1) << "held until the BYE is answered";

  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), at("192.0.2.99:5070")),
            verdict::response_forwarded);
  const auto ok = world.take_one();
  EXPECT_EQ(ok.to, caller_address);
  EXPECT_EQ(headers(ok.bytes, "Via").size(), 1u);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
  EXPECT_EQ(world.counters().calls_ended, 1u);
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].cause, static_cast<std::uint16_t>(end_cause::bye));
}

TEST(engine_call, bye_from_the_callee_travels_to_the_caller) {
  engine_world world;
  const auto call = establish(world);
  dialog_request what;
  what.from_caller = false;
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), call.callee), verdict::request_forwarded);
  const auto bye = world.take_one();
  EXPECT_EQ(bye.to, caller_address);
  EXPECT_EQ(first_line(bye.bytes), "BYE sip:alice@198.51.100.7:5060 SIP/2.0");
  // It came from another address than its Via says.
  EXPECT_EQ(headers(bye.bytes, "Via").at(1),
            "SIP/2.0/UDP 192.0.2.99:5070;branch=z9hG4bKin1;received=192.0.2.11");
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), caller_address), verdict::response_forwarded);
  EXPECT_EQ(world.take_one().to, at("192.0.2.11:5070"));
  EXPECT_EQ(world.total_load(), 0);
}

TEST(engine_call, reinvite_from_either_side_holds_no_further_line) {
  engine_world world;
  const auto call = establish(world);
  for (const bool from_caller : {true, false}) {
    dialog_request what;
    what.method = "INVITE";
    what.from_caller = from_caller;
    what.cseq = 5;
    what.branch = from_caller ? "z9hG4bKre1" : "z9hG4bKre2";
    const endpoint source = from_caller ? caller_address : call.callee;
    ASSERT_EQ(world.give(within(call.ok_at_caller, what), source), verdict::request_forwarded);
    const auto there = world.take_one();
    EXPECT_EQ(world.load(1, "pstn"), 1);
    ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
    (void)world.take_one();
    what.method = "ACK";
    ASSERT_EQ(world.give(within(call.ok_at_caller, what), source), verdict::request_forwarded);
    (void)world.take_one();
  }
  EXPECT_EQ(world.load(1, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_live, 1u);
}

TEST(engine_call, requests_without_route_still_find_their_call) {
  engine_world world;
  const auto call = establish(world);
  dialog_request what;
  what.with_route = false;
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
            verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, at("192.0.2.99:5070"));
}

TEST(engine_call, a_request_uri_that_names_us_becomes_the_remote_target) {
  engine_world world;
  const auto call = establish(world);
  dialog_request what;
  what.with_route = false;
  auto bye = within(call.ok_at_caller, what);
  bye = replace(bye, "sip:machine@192.0.2.99:5070 SIP/2.0", "sip:192.0.2.1:5060 SIP/2.0");
  ASSERT_EQ(world.give(bye, caller_address), verdict::request_forwarded);
  const auto out = world.take_one();
  EXPECT_EQ(out.to, at("192.0.2.99:5070"));
  EXPECT_EQ(first_line(out.bytes), "BYE sip:machine@192.0.2.99:5070 SIP/2.0");
}

TEST(engine_call, a_request_uri_with_our_name_becomes_the_remote_target) {
  snapshot_model model = study_case();
  model.listeners[0].names = {"lb.example.net"};
  engine_world world(model);
  const auto call = establish(world);
  dialog_request what;
  what.with_route = false;
  const auto bye = replace(within(call.ok_at_caller, what), "sip:machine@192.0.2.99:5070 SIP/2.0",
                           "sip:LB.example.net SIP/2.0");
  ASSERT_EQ(world.give(bye, caller_address), verdict::request_forwarded);
  const auto out = world.take_one();
  EXPECT_EQ(out.to, at("192.0.2.99:5070"));
  EXPECT_EQ(first_line(out.bytes), "BYE sip:machine@192.0.2.99:5070 SIP/2.0");
}

TEST(engine_call, missing_max_forwards_is_added) {
  engine_world world;
  ASSERT_EQ(world.give(replace(invite(), "Max-Forwards: 70\r\n", ""), caller_address),
            verdict::request_forwarded);
  EXPECT_EQ(header(world.take().at(1).bytes, "Max-Forwards"), "70");
}

TEST(engine_call, rport_and_received_are_filled_and_obeyed) {
  engine_world world;
  const endpoint natted = at("203.0.113.9:40123");
  auto text = invite();
  text = replace(text, "branch=z9hG4bKcaller1", "rport;branch=z9hG4bKcaller1");
  ASSERT_EQ(world.give(text, natted), verdict::request_forwarded);
  const auto sent = world.take();
  EXPECT_EQ(sent.at(0).to, natted);
  EXPECT_NE(header(sent[0].bytes, "Via").find("rport=40123"), std::string::npos);
  EXPECT_NE(header(sent[0].bytes, "Via").find("received=203.0.113.9"), std::string::npos);
  const auto via = headers(sent.at(1).bytes, "Via").at(1);
  EXPECT_NE(via.find("rport=40123"), std::string::npos) << via;
  EXPECT_NE(via.find("received=203.0.113.9"), std::string::npos) << via;
  ASSERT_EQ(world.give(response(sent[1].bytes, 180, "t"), sent[1].to), verdict::response_forwarded);
  EXPECT_EQ(world.take_one().to, natted);
}

TEST(engine_call, compact_and_folded_headers_pass_as_they_came) {
  engine_world world;
  auto text = invite();
  text = replace(text, "Via: ", "v: ");
  text = replace(text, "From: \"Alice\" ", "f: \"Alice\"\r\n  ");
  text = replace(text, "To: ", "t: ");
  text = replace(text, "Call-ID: ", "i: ");
  text = replace(text, "CSeq: 1 INVITE", "CSeq: 1\r\n\tINVITE");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
  const auto out = world.take().at(1).bytes;
  EXPECT_NE(out.find("f: \"Alice\"\r\n  <sip:alice@caller.example>;tag=from-1\r\n"),
            std::string::npos);
  EXPECT_NE(out.find("CSeq: 1\r\n\tINVITE\r\n"), std::string::npos);
}

// RFC 4475 3.1.1.11 to 3.1.1.13 in the answers to a call: only our own Via is missing.
TEST(engine_call, odd_responses_pass_as_they_came) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  const std::string body{"\0\x01\r\n\xff--boundary\0", 16};
  for (const std::string start :
       {"SIP/2.0 180 ", "SIP/2.0 183 = 2**3 * 5**2 \xd0\xbd\xd0\xbe", "SIP/2.0 299 \t;;,,"}) {
    std::string text = response(there.bytes, 180, "t", "X-Odd : ;;,,;;,;\r\n\tand \"more\r\n");
    text = start + text.substr(text.find("\r\n"));
    text = replace(text, "Content-Length: 0\r\n\r\n",
                   "l : " + std::to_string(body.size()) + "\r\n\r\n" + body);
    ASSERT_EQ(world.give(text, there.to), verdict::response_forwarded) << start;
    const auto via = text.find("Via: ");
    EXPECT_EQ(world.take_one().bytes, text.erase(via, text.find("\r\n", via) + 2 - via));
  }
}

TEST(engine_call, preloaded_route_to_us_is_stripped) {
  engine_world world;
  call_parts parts;
  parts.extra = "Route: <sip:192.0.2.1:5060;lr>\r\n";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  EXPECT_TRUE(headers(world.take().at(1).bytes, "Route").empty());
  parts = {};
  parts.call_id = "other@x";
  parts.extra = "Route: <sip:192.0.2.1:5060;lr>, <sip:next.example;lr>\r\n";
  ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  EXPECT_EQ(headers(world.take().at(1).bytes, "Route"),
            (std::vector<std::string>{"<sip:next.example;lr>"}));
}

TEST(engine_call, a_call_from_a_destination_counts_there_and_goes_to_the_core) {
  engine_world world;
  call_parts parts;
  parts.sent_by = "192.0.2.14:5060";
  const endpoint machine = at("192.0.2.14:5060");
  ASSERT_EQ(world.give(invite(parts), machine), verdict::request_forwarded);
  const auto sent = world.take();
  EXPECT_EQ(sent.at(1).to, at("198.51.100.7:5060"));
  EXPECT_EQ(world.load(4, "pstn"), 1);
  ASSERT_EQ(world.give(response(sent[1].bytes, 486, "busy"), sent[1].to),
            verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_failed, 1u);
}

TEST(engine_call, a_call_that_its_machine_cannot_be_charged_for_is_told) {
  engine_world world;
  call_parts parts;
  parts.sent_by = "192.0.2.12:5060"; // offers no pstn
  ASSERT_EQ(world.give(invite(parts), at("192.0.2.12:5060")), verdict::request_forwarded);
  EXPECT_EQ(world.take().at(1).to, at("198.51.100.7:5060")) << "it goes on all the same";
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_uncounted, 1u);
  parts.sent_by = "192.0.2.14:5060";
  parts.call_id = "2@x";
  ASSERT_EQ(world.give(invite(parts), at("192.0.2.14:5060")), verdict::request_forwarded);
  EXPECT_EQ(world.load(4, "pstn"), 1);
  EXPECT_EQ(world.counters().calls_uncounted, 1u);
}

TEST(engine_call, every_given_datagram_is_counted_once) {
  engine_world world;
  const auto call = establish(world);
  (void)world.give("\r\n\r\n", caller_address);
  (void)world.give("GET / HTTP/1.1\r\n\r\n", caller_address);
  (void)world.give(invite(), caller_address);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < verdict_count; ++i)
    sum += world.counters().verdicts[i];
  EXPECT_EQ(sum, world.given);
  EXPECT_EQ(world.count_of(verdict::keep_alive), 1u);
  EXPECT_EQ(world.count_of(verdict::dropped_not_sip), 1u);
  EXPECT_EQ(world.count_of(verdict::retransmission_absorbed), 1u);
}

// A worker shows its calls in pieces and takes packets in between.
TEST(engine_call, calls_are_visited_in_pieces_each_of_them_once) {
  engine_world world;
  for (int i = 0; i < 5; ++i) {
    call_parts parts;
    parts.call_id = std::to_string(i) + "-visit@caller.example";
    parts.branch = "z9hG4bKvisit" + std::to_string(i);
    ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
  }
  for (const std::uint32_t places : {1u, 2u, 3u, 512u, 0xffffffffu}) {
    std::vector<std::uint64_t> seen;
    std::uint32_t at = 0, pieces = 0;
    do {
      at = world.engine().visit_calls(at, places,
                                      [&](const call_info& c) { seen.push_back(c.handle); });
      ++pieces;
    } while (at != 0);
    EXPECT_EQ(seen, world.handles()) << places;
    EXPECT_EQ(seen.size(), 5u);
    EXPECT_EQ(pieces, places >= 512 ? 1u : (512 + places - 1) / places);
  }
}

// Two branches of one INVITE, forked by a proxy before us: one has answered, the other rings and
// may get any tag yet. A second 2xx of the first has a tag of its own.
TEST(engine_call, a_ringing_fork_does_not_swallow_dialogs_of_another) {
  for (const bool answered_first : {true, false}) {
    engine_world world;
    call_parts one, other;
    other.branch = "z9hG4bKcaller2";
    ASSERT_EQ(world.give(invite(answered_first ? one : other), caller_address),
              verdict::request_forwarded);
    ASSERT_EQ(world.give(invite(answered_first ? other : one), caller_address),
              verdict::request_forwarded);
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 4u);
    const auto& here = sent[answered_first ? 1 : 3];
    const auto& there = sent[answered_first ? 3 : 1];
    ASSERT_NE(here.to, there.to);
    ASSERT_EQ(world.give(response(there.bytes, 180, "r"), there.to), verdict::response_forwarded);
    for (const char* tag : {"a", "x"}) {
      (void)world.take();
      ASSERT_EQ(world.give(response(here.bytes, 200, tag), here.to), verdict::response_forwarded);
      const auto ok = world.take_one();
      dialog_request ack;
      ack.method = "ACK";
      ack.cseq = 1;
      ack.with_route = false;
      const auto text = replace(within(ok.bytes, ack), "192.0.2.99:5070", "box.example");
      ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded) << tag;
      EXPECT_EQ(world.take_one().to, here.to) << tag;
    }
  }
}

} // namespace
} // namespace linehunt::test::engine_call_test
