// SPDX-License-Identifier: Apache-2.0
// What strangers and broken parties send: forged responses, BYE and CANCEL from elsewhere, hidden
// tags, useless branches, malformed messages; what is answered without a call, and probes.
#include "engine_world.h"

#include <array>
#include <gtest/gtest.h>

namespace linehunt::test::engine_abuse_test {
namespace {

const endpoint stranger = at("203.0.113.66:5060");

TEST(engine_abuse, a_response_must_have_a_genuine_branch_of_ours) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  const auto good = response(there.bytes, 200, "t");
  const auto branch_at = good.find("branch=z9hG4bK");
  ASSERT_NE(branch_at, std::string::npos);
  for (std::size_t i = 0; i < 40; ++i) {
    auto forged = good;
    char& c = forged[branch_at + 7 + i];
    c = c == '0' ? '1' : '0';
    EXPECT_EQ(world.give(forged, there.to), verdict::dropped_foreign_via) << i;
  }
  EXPECT_EQ(world.give(replace(good, "192.0.2.1:5060;branch", "192.0.2.2:5060;branch"), there.to),
            verdict::dropped_foreign_via);
  // A branch of ours, but of another call.
  EXPECT_EQ(world.give(replace(good, "17@caller.example", "18@caller.example"), there.to),
            verdict::dropped_foreign_via);
  EXPECT_EQ(world.give(replace(good, "CSeq: 1 ", "CSeq: 2 "), there.to),
            verdict::dropped_foreign_via);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.counters().calls_answered, 0u);
}

TEST(engine_abuse, a_response_must_come_from_the_destination) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  EXPECT_EQ(world.give(response(there.bytes, 200, "t"), stranger), verdict::dropped_wrong_source);
  EXPECT_EQ(world.give(response(there.bytes, 503, "t"), stranger), verdict::dropped_wrong_source);
  // Another port of it is fine.
  EXPECT_EQ(world.give(response(there.bytes, 180, "t"), at("192.0.2.11:9999")),
            verdict::response_forwarded);
}

TEST(engine_abuse, a_late_provisional_without_its_transaction_is_stray) {
  engine_world world;
  const auto call = establish(world);
  EXPECT_EQ(world.give(response(call.invite_at_callee, 180, "to-1"), call.callee),
            verdict::dropped_stray_response);
}

TEST(engine_abuse, byes_of_strangers_or_with_wrong_tags_end_nothing) {
  engine_world world;
  const auto call = establish(world);
  EXPECT_EQ(world.give(within(call.ok_at_caller, {}), stranger), verdict::dropped_wrong_source);
  const auto bye = within(call.ok_at_caller, {});
  // A tag in the display name or in the URI is none.
  const std::array wrong_caller{
      replace(bye, ";tag=from-1", ";tag=from-2"),
      replace(replace(bye, "\"Alice\"", "\"Alice;tag=from-1\""), ";tag=from-1\r", ";tag=x\r")};
  const std::array wrong_callee{replace(bye, ";tag=to-1", ";tag=to-2"),
                                replace(bye, "@192.0.2.1>;tag=to-1", "@192.0.2.1;tag=to-1>;tag=z")};
  for (const auto& wrong : wrong_caller)
    EXPECT_EQ(world.give(wrong, caller_address), verdict::rejected_no_dialog);
  // For 64*T1 it may be the tag of a device that rings.
  for (const auto& wrong : wrong_callee)
    EXPECT_EQ(world.give(wrong, caller_address), verdict::request_forwarded);
  world.wait_ms(40'000);
  for (const auto& wrong : wrong_callee)
    EXPECT_EQ(world.give(wrong, caller_address), verdict::rejected_no_dialog);
  // The destination may take the last of two tags, and refuse it.
  for (const auto two : {";tag=to-1;tag=x", ";tag=to-1;tag", ";tag;tag=to-1"})
    EXPECT_EQ(world.give(replace(bye, ";tag=to-1", two), caller_address),
              verdict::rejected_malformed);
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

// A caller cannot end a call here that goes on at the destination.
TEST(engine_abuse, a_bye_goes_to_the_other_side_whomever_it_names) {
  engine_world world;
  const auto call = establish(world);
  dialog_request what;
  what.extra = "Route: <sip:198.51.100.7:5060;lr>\r\n";
  const auto bye = within(call.ok_at_caller, what);
  ASSERT_EQ(world.give(bye, caller_address), verdict::request_forwarded);
  const auto there = world.take_one();
  EXPECT_EQ(there.to, call.callee);
  EXPECT_EQ(world.total_load(), 1);
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), call.callee), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 0);
}

TEST(engine_abuse, a_bye_of_the_destination_goes_to_the_caller) {
  engine_world world;
  const auto call = establish(world);
  dialog_request what;
  what.from_caller = false;
  auto bye = within(call.ok_at_caller, what);
  bye = replace(bye, "BYE sip:alice@198.51.100.7:5060", "BYE sip:alice@203.0.113.66");
  ASSERT_EQ(world.give(bye, call.callee), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
}

// Whoever has seen a branch of ours cannot have us send what it likes to anybody.
TEST(engine_abuse, a_response_within_a_call_goes_where_its_request_came_from) {
  engine_world world;
  const auto call = establish(world);
  dialog_request what;
  what.method = "INFO";
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
            verdict::request_forwarded);
  const auto info = world.take_one();
  const auto answer = response(info.bytes, 200, "");
  const auto to_stranger =
      replace(answer, "198.51.100.7:5060;branch=z9hG4bKin1", "203.0.113.66:5060;branch=z9hG4bKin1");
  ASSERT_NE(answer, to_stranger);
  ASSERT_EQ(world.give(answer, call.callee), verdict::response_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
  // With the call at hand, to its caller all the same; without it, to nobody.
  (void)world.give(to_stranger, stranger);
  for (const auto& sent : world.take())
    EXPECT_EQ(sent.to, caller_address);
  const auto received =
      replace(answer, ";branch=z9hG4bKin1", ";received=203.0.113.66;branch=z9hG4bKin1");
  (void)world.give(received, stranger);
  for (const auto& sent : world.take())
    EXPECT_EQ(sent.to, caller_address);
  what = {};
  ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
            verdict::request_forwarded);
  (void)world.give(response(world.take_one().bytes, 200, ""), call.callee);
  world.wait_ms(40'000);
  (void)world.take();
  EXPECT_EQ(world.give(to_stranger, stranger), verdict::dropped_no_route);
  EXPECT_EQ(world.give(received, stranger), verdict::dropped_no_route);
  EXPECT_EQ(world.give(answer, call.callee), verdict::response_forwarded);
}

// Long messages of failed calls, which linger, leave room for new ones.
TEST(engine_abuse, texts_of_failed_calls_make_room_for_new_ones) {
  engine_world world;
  for (unsigned i = 0; i < 100; ++i) {
    call_parts parts;
    parts.call_id = "long" + std::to_string(i) + "@x";
    parts.branch = "z9hG4bKlong" + std::to_string(i);
    parts.extra = "X-Long: " + std::string(30'000, 'x') + "\r\n";
    ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded) << i;
    const auto there = world.take().at(1);
    ASSERT_EQ(world.give(response(there.bytes, 486, "t"), there.to), verdict::response_forwarded)
        << i;
    (void)world.take();
  }
  EXPECT_EQ(world.total_load(), 0);
}

TEST(engine_abuse, the_cookie_alone_is_no_identifier) {
  engine_world world;
  call_parts one, two;
  one.branch = two.branch = "z9hG4bK";
  two.user = "493099";
  ASSERT_EQ(world.give(invite(one), caller_address), verdict::request_forwarded);
  ASSERT_EQ(world.give(invite(two), caller_address), verdict::request_forwarded)
      << "same Call-ID and tag, but another Request-URI";
  two.call_id = "elsewhere@x";
  ASSERT_EQ(world.give(invite(two), caller_address), verdict::request_forwarded);
  ASSERT_EQ(world.give(invite(one), caller_address), verdict::retransmission_answered);
  EXPECT_EQ(world.counters().calls_live, 3u);
}

TEST(engine_abuse, an_invite_without_branch_is_matched_as_rfc_2543_says) {
  engine_world world;
  auto text = replace(invite(), ";branch=z9hG4bKcaller1", "");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(text, caller_address), verdict::retransmission_answered);
  (void)world.give(response(there.bytes, 486, "t"), there.to);
  EXPECT_EQ(world.give(replace(hop_request("ACK", {}, "t"), ";branch=z9hG4bKcaller1", ""),
                       caller_address),
            verdict::ack_absorbed);
}

TEST(engine_abuse, unknown_dialogs_are_481_and_their_acks_dropped) {
  engine_world world;
  const auto call = establish(world);
  const auto elsewhere = replace(call.ok_at_caller, "17@caller.example", "99@caller.example");
  EXPECT_EQ(world.give(within(elsewhere, {}), caller_address), verdict::rejected_no_dialog);
  EXPECT_EQ(status_of(world.take_one().bytes), 481);
  dialog_request what;
  what.method = "ACK";
  EXPECT_EQ(world.give(within(elsewhere, what), caller_address), verdict::dropped_stray_ack);
  EXPECT_TRUE(world.take().empty());
}

// Whoever has seen a branch could else have us send what it likes to whom it likes.
TEST(engine_abuse, a_late_2xx_of_a_stranger_goes_nowhere) {
  engine_world world;
  const auto call = establish(world);
  const auto late = response(call.invite_at_callee, 200, "to-2");
  EXPECT_EQ(world.give(late, stranger), verdict::dropped_wrong_source);
  const auto other_caller = replace(late, ";tag=from-1", ";tag=from-2");
  EXPECT_EQ(world.give(other_caller, stranger), verdict::dropped_wrong_source);
  EXPECT_EQ(world.give(replace(late, "SIP/2.0/UDP 198.51.100.7:5060", "SIP/2.0/UDP 203.0.113.99"),
                       stranger),
            verdict::dropped_wrong_source);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.handles().size(), 1u);
  EXPECT_EQ(world.give(late, call.callee), verdict::response_forwarded);
}

TEST(engine_abuse, a_box_cannot_invent_callers_without_end) {
  engine_world world;
  const auto call = establish(world);
  const auto late = response(call.invite_at_callee, 200, "to-2");
  unsigned forwarded = 0;
  for (int i = 2; i < 40; ++i) {
    const auto other = replace(late, ";tag=from-1", ";tag=from-" + std::to_string(i));
    const auto became = world.give(other, call.callee);
    if (became == verdict::response_forwarded)
      ++forwarded;
    else
      EXPECT_EQ(became, verdict::dropped_excess_dialog) << i;
  }
  EXPECT_EQ(forwarded, 7u) << "beside the call itself";
}

// Its Contact would make it a party of the call, who may end it.
TEST(engine_abuse, a_stranger_does_not_become_a_party_by_a_refused_update) {
  engine_world world;
  const auto call = establish(world);
  dialog_request update;
  update.method = "UPDATE";
  update.extra = "Contact: <sip:x@203.0.113.66:5060>\r\n";
  ASSERT_EQ(world.give(within(call.ok_at_caller, update), stranger), verdict::request_forwarded);
  const auto sent = world.take_one();
  ASSERT_EQ(world.give(response(sent.bytes, 500, ""), sent.to), verdict::response_forwarded);
  (void)world.take();
  dialog_request bye;
  bye.cseq = 3;
  EXPECT_EQ(world.give(within(call.ok_at_caller, bye), stranger), verdict::dropped_wrong_source);
  EXPECT_EQ(world.load(1, "pstn"), 1);
}

// As a run before this one has numbered it: the four digits that name the run are others.
std::string of_another_run(std::string text) {
  const auto at = text.find(";lh=");
  if (at == std::string::npos) return {};
  text[at + 4] = text[at + 4] == '1' ? '2' : '1';
  return text;
}

TEST(engine_abuse, calls_of_a_run_before_this_one_can_be_ended_by_both_sides) {
  engine_world before, world;
  const auto call = establish(before);
  const auto ok = of_another_run(call.ok_at_caller);
  const std::string contact = "192.0.2.99:5070";
  const auto bye = replace(within(ok, {}), "BYE sip:machine@" + contact, "BYE sip:x@192.0.2.11");
  ASSERT_EQ(world.give(bye, caller_address), verdict::request_of_another_run);
  const auto sent = world.take_one();
  EXPECT_EQ(sent.to, at("192.0.2.11:5060"));
  EXPECT_TRUE(headers(sent.bytes, "Route").empty());
  ASSERT_EQ(headers(sent.bytes, "Via").size(), 2u);
  EXPECT_EQ(header(sent.bytes, "Max-Forwards"), "69");
  ASSERT_EQ(world.give(response(sent.bytes, 200, ""), sent.to), verdict::response_forwarded);
  const auto back = world.take_one();
  EXPECT_EQ(back.to, caller_address);
  EXPECT_EQ(headers(back.bytes, "Via").size(), 1u);
  // The same again has the same branch (RFC 3261 16.11).
  ASSERT_EQ(world.give(bye, caller_address), verdict::request_of_another_run);
  EXPECT_EQ(header(world.take_one().bytes, "Via"), header(sent.bytes, "Via"));

  dialog_request of_callee;
  of_callee.from_caller = false;
  ASSERT_EQ(world.give(within(ok, of_callee), call.callee), verdict::request_of_another_run);
  EXPECT_EQ(world.take_one().to, caller_address);
  of_callee.method = "ACK";
  ASSERT_EQ(world.give(within(ok, of_callee), call.callee), verdict::request_of_another_run);
  EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
  EXPECT_EQ(world.counters().calls_ended, 0u);
}

// A crash has lost the call, and a late repetition of its INVITE has made another one.
TEST(engine_abuse, a_call_of_a_run_before_is_ended_where_it_is_beside_another_of_its_call_id) {
  engine_world before;
  const auto ok = of_another_run(establish(before, {}, "to-before").ok_at_caller);
  for (const bool answered : {true, false}) {
    engine_world world;
    ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
    const auto later = world.take().at(1);
    (void)world.give(response(later.bytes, answered ? 200 : 180, "to-after"), later.to);
    (void)world.take();
    const std::string there = later.to.ip == at("192.0.2.11:5060").ip ? "192.0.2.12" : "192.0.2.11";
    const auto bye =
        replace(within(ok, {}), "BYE sip:machine@192.0.2.99:5070", "BYE sip:x@" + there);
    EXPECT_EQ(world.give(bye, caller_address), verdict::request_of_another_run) << answered;
    EXPECT_EQ(world.take_one().to, at(there + ":5060"));
    EXPECT_EQ(world.counters().calls_live, 1u);
  }
}

TEST(engine_abuse, such_calls_make_no_relay_between_strangers) {
  engine_world before, world;
  const auto ended = establish(before).ok_at_caller;
  const auto ok = of_another_run(ended);
  EXPECT_EQ(world.give(within(ok, {}), caller_address), verdict::rejected_no_dialog);
  EXPECT_EQ(status_of(world.take_one().bytes), 481);
  dialog_request ack;
  ack.method = "ACK";
  EXPECT_EQ(world.give(within(ok, ack), caller_address), verdict::dropped_stray_ack);
  // Nor do they open a way past the rules: nothing but BYE and ACK.
  for (const char* method : {"INVITE", "MESSAGE", "REFER", "INFO"}) {
    dialog_request what;
    what.method = method;
    const auto text = replace(within(ok, what), "sip:machine@192.0.2.99:5070", "sip:x@192.0.2.11");
    EXPECT_EQ(world.give(text, caller_address), verdict::rejected_no_dialog) << method;
  }
  // Of this run, a call that is not there has ended.
  dialog_request of_callee;
  of_callee.from_caller = false;
  EXPECT_EQ(world.give(within(ended, of_callee), at("192.0.2.11:5060")),
            verdict::rejected_no_dialog);
}

TEST(engine_abuse, requests_outside_a_call) {
  engine_world world;
  EXPECT_EQ(world.give(hop_request("REGISTER", {}), caller_address), verdict::rejected_method);
  const auto refused = world.take_one();
  EXPECT_EQ(status_of(refused.bytes), 405);
  EXPECT_NE(header(refused.bytes, "Allow").find("INVITE"), std::string::npos);
  // OPTIONS to us is answered, to somebody else it is not ours to answer.
  auto options = hop_request("OPTIONS", {});
  EXPECT_EQ(world.give(options, caller_address), verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
  options = replace(options, "OPTIONS sip:4930123456@192.0.2.1", "OPTIONS sip:bob@other.example");
  EXPECT_EQ(world.give(options, caller_address), verdict::rejected_method);
  EXPECT_EQ(world.give(replace(options, "Max-Forwards: 70", "Max-Forwards: 0"), caller_address),
            verdict::rejected_max_forwards);
  (void)world.take();
  EXPECT_EQ(world.give(replace(invite(), "Max-Forwards: 70", "Max-Forwards: 0"), caller_address),
            verdict::rejected_max_forwards);
  EXPECT_EQ(status_of(world.take_one().bytes), 483);
}

// RFC 3261 11.2, 8.2.2.3: of an OPTIONS to us we are the end point.
TEST(engine_abuse, options_that_require_an_extension_are_420) {
  engine_world world;
  const auto options = hop_request("OPTIONS", {});
  const auto unsupported_of = [&](const std::string& require) {
    EXPECT_EQ(world.give(replace(options, "Max-F", require + "Max-F"), caller_address),
              verdict::rejected_malformed);
    const auto answer = world.take_one();
    EXPECT_EQ(status_of(answer.bytes), 420);
    return header(answer.bytes, "Unsupported");
  };
  EXPECT_EQ(unsupported_of("Require: foo\r\n"), "foo");
  EXPECT_EQ(unsupported_of("Require:\r\nRequire: foo ,bar\r\nRequire: 100rel\r\n"),
            "foo, bar, 100rel");
  EXPECT_EQ(unsupported_of("Require: ,foo, a b,bar,\r\n"), "foo, bar");
  EXPECT_EQ(world.give(replace(options, "Max-F", "Require:\r\nMax-F"), caller_address),
            verdict::request_answered);
  EXPECT_EQ(status_of(world.take_one().bytes), 200);
}

TEST(engine_abuse, of_many_unsupported_tags_the_first_that_fit_are_listed) {
  engine_world world;
  std::string tags = "foo";
  for (int i = 0; i < 300; ++i)
    tags += ", tag-" + std::to_string(i);
  EXPECT_EQ(world.give(replace(invite(), "Max-F", "Proxy-Require: " + tags + "\r\nMax-F"),
                       caller_address),
            verdict::rejected_malformed);
  const auto answer = world.take_one();
  EXPECT_EQ(status_of(answer.bytes), 420);
  const auto listed = header(answer.bytes, "Unsupported");
  EXPECT_GT(listed.size(), 900u);
  EXPECT_TRUE(tags.starts_with(listed + ", ")) << listed;
}

TEST(engine_abuse, broken_requests_are_answered_broken_others_dropped) {
  engine_world world;
  const auto broken = replace(invite(), "CSeq: 1 INVITE", "CSeq: INVITE");
  EXPECT_EQ(world.give(broken, caller_address), verdict::rejected_malformed);
  EXPECT_EQ(status_of(world.take_one().bytes), 400);
  EXPECT_EQ(world.give(replace(invite(), "INVITE sip:", "INVITE soap:"), caller_address),
            verdict::rejected_malformed);
  EXPECT_EQ(status_of(world.take_one().bytes), 416);
  EXPECT_EQ(world.give(replace(invite(), "SIP/2.0\r\n", "SIP/7.0\r\n"), caller_address),
            verdict::rejected_malformed);
  EXPECT_EQ(status_of(world.take_one().bytes), 505);
  EXPECT_EQ(
      world.give(replace(invite(), "Max-F", "Proxy-Require: foo, bar\r\nMax-F"), caller_address),
      verdict::rejected_malformed);
  const auto extension = world.take_one();
  EXPECT_EQ(status_of(extension.bytes), 420);
  EXPECT_EQ(header(extension.bytes, "Unsupported"), "foo, bar");
  EXPECT_EQ(world.give(replace(hop_request("ACK", {}), "CSeq: 1 ACK", "CSeq: ACK"), caller_address),
            verdict::dropped_malformed);
  EXPECT_EQ(world.give("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060\r\n\r\n", stranger),
            verdict::dropped_malformed);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.counters().calls_started, 0u);
}

TEST(engine_abuse, replies_go_where_the_request_came_from) {
  engine_world world;
  (void)world.give(hop_request("REGISTER", {}), stranger);
  const auto refused = world.take_one();
  EXPECT_EQ(refused.to, stranger);
  EXPECT_NE(header(refused.bytes, "Via").find("received=203.0.113.66"), std::string::npos);
  // Even with a `received` that the sender made up.
  (void)world.give(replace(hop_request("REGISTER", {}), "branch=", "received=192.0.2.77;branch="),
                   stranger);
  const auto other = world.take_one();
  EXPECT_EQ(other.to, stranger);
  EXPECT_EQ(header(other.bytes, "Via").find("192.0.2.77"), std::string::npos);
}

// Somebody named in maddr would get our replies and their repetitions without a forged packet.
TEST(engine_abuse, maddr_sends_no_reply_to_others) {
  const auto with_maddr = [](std::string_view message) {
    return replace(std::string{message}, ";branch=", ";maddr=192.0.2.77;branch=");
  };
  engine_world world;
  (void)world.give(with_maddr(hop_request("REGISTER", {})), stranger);
  EXPECT_EQ(world.take_one().to, stranger);

  ASSERT_EQ(world.give(with_maddr(invite()), caller_address), verdict::request_forwarded);
  auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(status_of(sent[0].bytes), 100);
  EXPECT_EQ(sent[0].to, caller_address);
  const auto there = sent[1];
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  const auto ok = world.take_one();
  EXPECT_EQ(ok.to, caller_address);
  EXPECT_NE(ok.bytes.find(";maddr=192.0.2.77"), std::string::npos) << "their Via stays as it is";
  // A repeated one.
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
  // Without state, by the record in the branch.
  ASSERT_EQ(world.give(with_maddr(within(ok.bytes, {})), caller_address),
            verdict::request_forwarded);
  const auto within_there = world.take_one();
  ASSERT_EQ(world.give(response(within_there.bytes, 200, "t"), within_there.to),
            verdict::response_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
}

TEST(engine_abuse, maddr_gets_no_repetitions_of_a_failure) {
  engine_world world;
  ASSERT_EQ(world.give(replace(invite(), ";branch=", ";maddr=192.0.2.77;branch="), caller_address),
            verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 486, "t"), there.to);
  world.wait_ms(4000);
  std::size_t failures = 0;
  for (const auto& m : world.take())
    if (status_of(m.bytes) == 486) {
      ++failures;
      EXPECT_EQ(m.to, caller_address);
    }
  EXPECT_GE(failures, 3u);
}

TEST(engine_abuse, a_via_of_ours_in_one_line_with_others_is_taken_out) {
  engine_world world;
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  const auto joined =
      replace(response(there.bytes, 180, "t"), "\r\nVia: SIP/2.0/UDP 198", ", SIP/2.0/UDP 198");
  ASSERT_EQ(world.give(joined, there.to), verdict::response_forwarded);
  EXPECT_EQ(headers(world.take_one().bytes, "Via"),
            (std::vector<std::string>{"SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKcaller1"}));
}

TEST(engine_abuse, what_is_around_a_message_goes_no_further) {
  engine_world world;
  ASSERT_EQ(world.give("\r\n\r\n" + invite() + "INVITE sip:second@x SIP/2.0\r\n", caller_address),
            verdict::request_forwarded);
  const auto out = world.take().at(1);
  EXPECT_TRUE(out.bytes.starts_with("INVITE sip:4930123456@"));
  EXPECT_TRUE(out.bytes.ends_with("RTP/AVP 0\r\n"));
  world.wait_ms(520);
  EXPECT_EQ(world.take_one().bytes, out.bytes);
}

TEST(engine_abuse, a_message_that_would_outgrow_a_datagram_is_513) {
  engine_world world;
  call_parts parts;
  parts.extra = "X-Long: " + std::string(64'900, 'x') + "\r\n";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::rejected_too_long);
  EXPECT_EQ(status_of(world.take_one().bytes), 513);
}

TEST(engine_abuse, draining_takes_no_new_calls) {
  engine_world world;
  const auto call = establish(world);
  world.engine().drain(true);
  call_parts parts;
  parts.call_id = "new@x";
  EXPECT_EQ(world.give(invite(parts), caller_address), verdict::dropped_draining);
  EXPECT_EQ(status_of(world.take_one().bytes), 503);
  EXPECT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::request_forwarded);
}

// A box whose 500 or 420 says that it goes on talking: its line stays until it has taken our BYE.
TEST(engine_abuse, a_refused_bye_does_not_give_the_line_back) {
  for (const int status : {500, 420, 302}) {
    engine_world world;
    const auto call = establish(world);
    ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address),
              verdict::request_forwarded);
    const auto bye = world.take_one();
    ASSERT_EQ(world.give(response(bye.bytes, status, ""), bye.to), verdict::response_forwarded);
    EXPECT_EQ(world.total_load(), 1);
    const auto sent = world.take();
    ASSERT_EQ(sent.size(), 3u) << "the refusal, and a BYE to each side";
    EXPECT_EQ(status_of(sent[2].bytes), status);
    EXPECT_TRUE(sent[1].bytes.starts_with("BYE "));
    EXPECT_EQ(header(sent[1].bytes, "CSeq"), "3 BYE") << "behind that of the caller";
    (void)world.give(response(sent[0].bytes, 481, ""), sent[0].to);
    EXPECT_EQ(world.total_load(), 1);
    (void)world.give(response(sent[1].bytes, 200, ""), sent[1].to);
    EXPECT_EQ(world.total_load(), 0);
    EXPECT_EQ(world.counters().ended_by[static_cast<std::size_t>(end_cause::bye)], 1u);
  }
  for (const int status : {481, 408}) {
    engine_world world;
    const auto call = establish(world);
    (void)world.give(within(call.ok_at_caller, {}), caller_address);
    const auto bye = world.take_one();
    (void)world.give(response(bye.bytes, status, ""), bye.to);
    EXPECT_EQ(world.total_load(), 0) << status;
    EXPECT_EQ(world.take().size(), 1u);
  }
}

TEST(engine_abuse, a_probe_counts_only_if_the_probed_one_answers) {
  engine_world world;
  mail probe;
  probe.kind = mail_kind::send_probe;
  probe.subject = 2;
  probe.value = 4711;
  world.mail(probe);
  const auto options = world.take_one();
  EXPECT_EQ(options.to, at("192.0.2.13:5060"));
  EXPECT_EQ(first_line(options.bytes), "OPTIONS sip:192.0.2.13:5060 SIP/2.0");
  EXPECT_TRUE(header(options.bytes, "From").starts_with("<sip:prober@localhost>;tag="));
  world.wait_ms(500);
  world.mail(probe);
  EXPECT_EQ(world.take_one().bytes, options.bytes) << "a repetition is the same request";
  world.wait_ms(20);
  const auto ok = response(options.bytes, 200, "t");
  std::string forged = ok; // the last digit of the branch's MAC
  const std::size_t end = forged.find_first_of(";\r", forged.find("branch=") + 7) - 1;
  forged[end] = forged[end] == '0' ? '1' : '0';
  EXPECT_NE(world.give(forged, options.to), verdict::response_consumed);
  EXPECT_EQ(world.give(ok, at("192.0.2.13:5061")), verdict::dropped_wrong_source);
  EXPECT_EQ(world.give(ok, stranger), verdict::dropped_wrong_source);
  EXPECT_TRUE(world.sink.events.empty());
  EXPECT_EQ(world.give(ok, options.to), verdict::response_consumed);
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].kind, event_kind::probe_answered);
  EXPECT_EQ(world.sink.events[0].cause, 200);
  EXPECT_EQ(world.sink.events[0].destination, 2u);
  EXPECT_EQ(world.sink.events[0].subject, 4711u);
  EXPECT_EQ(world.sink.events[0].round_trip_us, 520'000u);
  EXPECT_EQ(world.give(ok, options.to), verdict::dropped_stray_response) << "once";
}

TEST(engine_abuse, a_probe_has_the_method_and_the_sender_of_the_configuration) {
  snapshot_model model = study_case();
  model.probe_method = "INFO";
  model.probe_from = "sip:watch@198.51.100.9";
  engine_world world(model);
  mail probe;
  probe.kind = mail_kind::send_probe;
  probe.subject = 2;
  probe.value = 4711;
  world.mail(probe);
  const auto info = world.take_one();
  EXPECT_EQ(first_line(info.bytes), "INFO sip:192.0.2.13:5060 SIP/2.0");
  EXPECT_TRUE(header(info.bytes, "CSeq").ends_with(" INFO")) << info.bytes;
  EXPECT_TRUE(header(info.bytes, "From").starts_with("<sip:watch@198.51.100.9>;tag="));
  EXPECT_EQ(world.give(response(info.bytes, 200, "t"), info.to), verdict::response_consumed);
  ASSERT_EQ(world.sink.events.size(), 1u);
  EXPECT_EQ(world.sink.events[0].kind, event_kind::probe_answered);
  EXPECT_EQ(world.sink.events[0].subject, 4711u);
}

} // namespace
} // namespace linehunt::test::engine_abuse_test
