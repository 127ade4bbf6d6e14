// SPDX-License-Identifier: Apache-2.0
// The ends of a call, each giving its lines back exactly once: BYE in its variants, longest
// duration, lost ACK, admin. The session timer is in engine_session_test.cpp.
#include "ending_call.h"

namespace linehunt::test::engine_end_test {
namespace {

using engine_end = ending_call;

TEST_F(engine_end, an_unanswered_bye_ends_the_call_after_32_s) {
  const auto call = start();
  ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  world.wait_ms(31'900);
  EXPECT_EQ(world.total_load(), 1);
  world.wait_ms(200);
  expect_gone(end_cause::bye);
}

TEST_F(engine_end, a_challenged_bye_is_waited_for_once_more) {
  const auto call = start();
  (void)world.give(within(call.ok_at_caller, {}), caller_address);
  const auto bye = world.take_one();
  (void)world.give(response(bye.bytes, 407, ""), bye.to);
  EXPECT_EQ(world.take().size(), 1u);
  world.wait_ms(40'000);
  EXPECT_EQ(world.total_load(), 1) << "without credentials the call goes on";
  (void)world.take();
  dialog_request again;
  again.cseq = 3;
  again.branch = "z9hG4bKagain";
  (void)world.give(within(call.ok_at_caller, again), caller_address);
  const auto second = world.take_one();
  (void)world.give(response(second.bytes, 200, ""), second.to);
  (void)world.take();
  expect_gone(end_cause::bye);
}

TEST_F(engine_end, a_repeated_bye_travels_on_the_same_branch_and_counts_once) {
  const auto call = start();
  (void)world.give(within(call.ok_at_caller, {}), caller_address);
  const auto first = world.take_one();
  (void)world.give(response(first.bytes, 200, ""), first.to);
  (void)world.take();
  expect_gone(end_cause::bye);
  // The 200 was lost.
  ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  const auto again = world.take_one();
  EXPECT_EQ(header(again.bytes, "Via"), header(first.bytes, "Via"));
  ASSERT_EQ(world.give(response(again.bytes, 200, ""), again.to), verdict::response_forwarded);
  EXPECT_EQ(world.counters().calls_ended, 1u);
  // And once more when nothing of the call is left.
  world.wait_ms(33'000);
  (void)world.take();
  ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::rejected_no_dialog);
  EXPECT_EQ(status_of(world.take_one().bytes), 481);
}

TEST_F(engine_end, its_event_names_the_destination) {
  mail off;
  off.kind = mail_kind::set_enabled;
  world.mail(off); // the first one
  const auto call = start();
  ASSERT_EQ(call.callee, at("192.0.2.14:5060"));
  ASSERT_EQ(destination, 3u);
  (void)world.give(within(call.ok_at_caller, {}), caller_address);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  expect_gone(end_cause::bye);
}

// RFC 5407 3.1.2: the caller hangs up while it rings, by BYE, and the 2xx is on its way already.
TEST_F(engine_end, an_early_bye_that_crosses_the_2xx_ends_the_call) {
  for (const bool bye_is_answered_first : {false, true}) {
    call_parts parts;
    parts.call_id = bye_is_answered_first ? "18@caller.example" : "19@caller.example";
    parts.branch += bye_is_answered_first ? "a" : "b";
    ASSERT_EQ(world.give(invite(parts), caller_address), verdict::request_forwarded);
    const auto at_callee = world.take().at(1);
    ASSERT_EQ(world.give(response(at_callee.bytes, 180, "t"), at_callee.to),
              verdict::response_forwarded);
    const auto ringing = world.take_one();
    ASSERT_EQ(world.give(within(ringing.bytes, {}), caller_address), verdict::request_forwarded);
    const auto bye = world.take_one();
    if (bye_is_answered_first) {
      ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
    }
    ASSERT_EQ(world.give(response(at_callee.bytes, 200, "t"), at_callee.to),
              verdict::response_forwarded);
    remember();
    dialog_request ack;
    ack.method = "ACK";
    ack.cseq = 1;
    ASSERT_EQ(world.give(within(ringing.bytes, ack), caller_address), verdict::request_forwarded);
    if (bye_is_answered_first) {
      world.wait_ms(33'000);
      both_answer(byes()); // whose Contact that BYE went to, nobody knew yet
    } else {
      ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
    }
    (void)world.take();
    expect_gone(end_cause::bye);
  }
}

TEST_F(engine_end, nobody_else_is_called_for_who_has_hung_up_while_it_rang) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto at_callee = world.take().at(1);
  (void)world.give(response(at_callee.bytes, 180, "t"), at_callee.to);
  const auto ringing = world.take_one();
  (void)world.give(within(ringing.bytes, {}), caller_address);
  (void)world.take();
  ASSERT_EQ(world.give(response(at_callee.bytes, 503, "t"), at_callee.to),
            verdict::response_forwarded);
  for (const auto& m : world.take())
    EXPECT_FALSE(m.bytes.starts_with("INVITE ")) << m.bytes;
  EXPECT_EQ(world.total_load(), 0);
}

// RFC 3515: how a transfer went is told in the dialog that the transfer has ended.
TEST_F(engine_end, a_notify_behind_the_bye_gets_through) {
  const auto call = establish(world);
  (void)world.give(within(call.ok_at_caller, {}), caller_address);
  const auto bye = world.take_one();
  (void)world.give(response(bye.bytes, 200, ""), bye.to);
  (void)world.take();
  dialog_request notify;
  notify.method = "NOTIFY";
  notify.from_caller = false;
  ASSERT_EQ(world.give(within(call.ok_at_caller, notify), call.callee), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, caller_address);
  notify.method = "INVITE";
  EXPECT_EQ(world.give(within(call.ok_at_caller, notify), call.callee),
            verdict::rejected_no_dialog);
}

// RFC 3515 2.4.4: until its subscription ends, which knows nothing of the BYE.
TEST_F(engine_end, word_of_a_transfer_gets_through_long_after_the_call) {
  const auto call = establish(world);
  (void)world.give(within(call.ok_at_caller, {}), caller_address);
  const auto bye = world.take_one();
  (void)world.give(response(bye.bytes, 200, ""), bye.to);
  world.wait_ms(40'000);
  (void)world.take();
  const auto notify = [&](const std::string& event, const std::string& method = "NOTIFY") {
    dialog_request what;
    what.method = method;
    what.from_caller = false;
    what.cseq = 7;
    what.extra = event + "\r\n";
    return within(call.ok_at_caller, what);
  };
  for (const char* event : {"Event: refer", "o: refer ;id=93809824", "EVENT:refer;id=2"}) {
    ASSERT_EQ(world.give(notify(event), call.callee), verdict::request_forwarded) << event;
    const auto there = world.take_one();
    EXPECT_EQ(there.to, caller_address);
    EXPECT_TRUE(headers(there.bytes, "Route").empty());
    ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
    EXPECT_EQ(world.take_one().to, at("192.0.2.11:5070"));
  }
  // Nothing else of a call that is over, and nothing between strangers.
  for (const auto& text :
       {notify("Event: refer", "INFO"), notify("Event: check-sync"), notify("Event: referral"),
        notify("Subject: refer"), notify("Event: refer\r\no: check-sync"),
        notify("Event: refer, check-sync"), replace(notify("Event: refer"), ";lh=", ";no=")})
    EXPECT_EQ(world.give(text, call.callee), verdict::rejected_no_dialog) << text;
  EXPECT_EQ(world.give(notify("Event: refer"), at("203.0.113.9:5060")),
            verdict::rejected_no_dialog);
  EXPECT_EQ(world.counters().calls_ended, 1u);
}

// Also to a Contact at an address of its own, which the call alone knows.
TEST_F(engine_end, word_of_an_accepted_transfer_finds_the_contact_of_who_asked_for_it) {
  for (const int status : {202, 603}) {
    const auto call = establish(world);
    dialog_request what;
    what.method = "REFER";
    what.from_caller = false;
    ASSERT_EQ(world.give(within(call.ok_at_caller, what), call.callee), verdict::request_forwarded);
    const auto refer = world.take_one();
    (void)world.give(response(refer.bytes, status, ""), refer.to);
    (void)world.take();
    (void)world.give(within(call.ok_at_caller, {}), caller_address);
    const auto bye = world.take_one();
    (void)world.give(response(bye.bytes, 200, ""), bye.to);
    EXPECT_EQ(world.total_load(), 0);
    what.method = "NOTIFY";
    what.from_caller = true;
    what.extra = "Event: refer\r\n";
    const auto notify = within(call.ok_at_caller, what);
    world.wait_ms(210'000);
    (void)world.take();
    if (status == 603) {
      EXPECT_EQ(world.give(notify, caller_address), verdict::rejected_no_dialog);
      continue;
    }
    ASSERT_EQ(world.give(notify, caller_address), verdict::request_forwarded);
    EXPECT_EQ(world.take_one().to, at("192.0.2.99:5070"));
    // Nobody else is reached so.
    const auto astray =
        replace(notify, "sip:machine@192.0.2.99:5070", "sip:machine@203.0.113.50:5070");
    ASSERT_EQ(world.give(astray, at("203.0.113.9:5060")), verdict::request_forwarded);
    EXPECT_EQ(world.take_one().to, call.callee);
    world.wait_ms(5'000);
    EXPECT_EQ(world.give(notify, caller_address), verdict::rejected_no_dialog);
    (void)world.take();
  }
}

// Else it would have its line back while the core knows nothing of it.
TEST_F(engine_end, a_box_cannot_end_a_call_of_its_own_at_itself) {
  const endpoint box = at("192.0.2.11:5060");
  ASSERT_EQ(world.give(invite(), box), verdict::request_forwarded);
  const auto at_core = world.take().at(1);
  ASSERT_EQ(world.give(response(at_core.bytes, 200, "t"), at_core.to), verdict::response_forwarded);
  const auto ok = world.take_one();
  ASSERT_EQ(world.total_load(), 1);
  const auto bye =
      replace(within(ok.bytes, {}), "sip:machine@192.0.2.99:5070", "sip:me@192.0.2.11:5060");
  ASSERT_EQ(world.give(bye, box), verdict::request_forwarded);
  EXPECT_EQ(world.take_one().to, at_core.to);
}

// Where our own BYE would have to go: to the old place, until the callee has agreed to the new one.
TEST_F(engine_end, a_refused_target_refresh_changes_nothing) {
  const auto call = establish(world);
  const endpoint moved = at("198.51.100.8:5060");
  unsigned cseq = 2;
  const auto refresh = [&](int status) {
    dialog_request again;
    again.method = "INVITE";
    again.cseq = cseq++;
    again.branch = "z9hG4bKre" + std::to_string(status);
    again.extra = "Contact: <sip:alice@198.51.100.8:5060>\r\n";
    ASSERT_EQ(world.give(within(call.ok_at_caller, again), caller_address),
              verdict::request_forwarded);
    const auto sent = world.take_one();
    ASSERT_EQ(world.give(response(sent.bytes, status, ""), sent.to), verdict::response_forwarded);
    (void)world.take();
  };
  const auto bye = [&] {
    dialog_request what;
    what.cseq = cseq++;
    return world.give(within(call.ok_at_caller, what), moved);
  };
  refresh(491);
  EXPECT_EQ(bye(), verdict::dropped_wrong_source);
  refresh(200);
  EXPECT_EQ(bye(), verdict::request_forwarded);
}

TEST_F(engine_end, byes_that_cross_end_the_call_once) {
  const auto call = start();
  dialog_request from_callee;
  from_callee.from_caller = false;
  (void)world.give(within(call.ok_at_caller, {}), caller_address);
  const auto one = world.take_one();
  (void)world.give(within(call.ok_at_caller, from_callee), call.callee);
  const auto two = world.take_one();
  ASSERT_EQ(world.give(response(one.bytes, 200, ""), one.to), verdict::response_forwarded);
  ASSERT_EQ(world.give(response(two.bytes, 481, ""), two.to), verdict::response_forwarded);
  expect_gone(end_cause::bye);
}

TEST_F(engine_end, an_early_bye_leaves_the_end_to_the_invite) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 180, "t"), there.to);
  const auto ringing = world.take_one().bytes;
  ASSERT_EQ(world.give(within(ringing, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 1);
  ASSERT_EQ(world.give(response(there.bytes, 487, "t"), there.to), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_end, without_an_ack_both_get_a_bye) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 200, "t"), there.to);
  const auto ok = world.take_one().bytes;
  remember();
  dialog_request ack; // of the wrong side
  ack.method = "ACK";
  ack.from_caller = false;
  ack.cseq = 1;
  (void)world.give(within(ok, ack), there.to);
  (void)world.take();
  world.wait_ms(31'900);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(110);
  const auto [to_caller, to_callee] = byes();
  EXPECT_EQ(first_line(to_caller.bytes), "BYE sip:alice@198.51.100.7:5060 SIP/2.0");
  EXPECT_EQ(to_caller.to, caller_address);
  EXPECT_NE(header(to_caller.bytes, "From").find(";tag=t"), std::string::npos);
  EXPECT_EQ(header(to_caller.bytes, "To"), "<sip:alice@caller.example>;tag=from-1");
  EXPECT_EQ(first_line(to_callee.bytes), "BYE sip:machine@192.0.2.99:5070 SIP/2.0");
  EXPECT_EQ(to_callee.to, at("192.0.2.99:5070"));
  EXPECT_EQ(header(to_callee.bytes, "CSeq"), "2 BYE");
  EXPECT_EQ(world.total_load(), 1) << "until both have answered";
  ASSERT_EQ(world.give(response(to_caller.bytes, 200, ""), to_caller.to),
            verdict::response_consumed);
  EXPECT_EQ(world.total_load(), 1);
  ASSERT_EQ(world.give(response(to_callee.bytes, 481, ""), to_callee.to),
            verdict::response_consumed);
  expect_gone(end_cause::no_ack);
}

TEST_F(engine_end, our_byes_are_repeated_and_given_up) {
  (void)start();
  end_by_admin(world);
  const auto [to_caller, to_callee] = byes();
  (void)world.give(response(to_caller.bytes, 200, ""), to_caller.to);
  (void)world.take();
  world.wait_ms(520);
  const auto again = world.take_one();
  EXPECT_EQ(again.bytes, to_callee.bytes);
  world.wait_ms(36'000);
  expect_gone(end_cause::admin);
}

// RFC 3261 12.2.1.2: who asked should say BYE, and who does not would leave the line in use.
TEST_F(engine_end, a_party_that_does_not_know_its_call_any_more_ends_it) {
  for (const std::string method : {"INVITE", "UPDATE"})
    for (const bool from_caller : {true, false}) {
      const auto call = start();
      dialog_request offer;
      offer.method = method;
      offer.from_caller = from_caller;
      ASSERT_EQ(
          world.give(within(call.ok_at_caller, offer), from_caller ? caller_address : call.callee),
          verdict::request_forwarded);
      const auto there = world.take_one();
      ASSERT_EQ(world.give(response(there.bytes, 481, ""), there.to), verdict::response_forwarded);
      const auto sent = byes();
      EXPECT_EQ(sent.first.to, caller_address);
      EXPECT_EQ(world.total_load(), 1) << "until both have answered: it may be made up";
      both_answer(sent);
      EXPECT_EQ(world.total_load(), 0) << method << from_caller;
      EXPECT_EQ(world.sink.events.back().cause, static_cast<std::uint16_t>(end_cause::ping_lost));
      world.wait_ms(40'000); // the record goes
      (void)world.take();
    }
  EXPECT_EQ(world.counters().calls_ended, world.counters().calls_started);
}

// Other requests may be of other usages of the dialog (RFC 5057 5.1), other answers leave the call.
TEST_F(engine_end, other_refusals_within_a_call_do_not_end_it) {
  const auto call = start();
  unsigned cseq = 2;
  for (const auto& [method, status] : {std::pair{"INFO", 481},
                                       {"NOTIFY", 481},
                                       {"OPTIONS", 481},
                                       {"INVITE", 488},
                                       {"INVITE", 408},
                                       {"UPDATE", 491}}) {
    dialog_request what;
    what.method = method;
    what.cseq = cseq++;
    what.branch += std::to_string(cseq);
    ASSERT_EQ(world.give(within(call.ok_at_caller, what), caller_address),
              verdict::request_forwarded);
    const auto there = world.take_one();
    ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to), verdict::response_forwarded);
    EXPECT_EQ(world.take().size(), 1u) << method << status << ": the answer alone";
    EXPECT_EQ(world.total_load(), 1);
  }
}

// Requests may overtake each other: the highest number counts.
TEST_F(engine_end, our_byes_go_on_counting_where_the_parties_have_stopped) {
  for (const bool from_caller : {true, false}) {
    engine_world fresh;
    const auto call = establish(fresh);
    for (const unsigned cseq : {7u, 2u}) {
      dialog_request info;
      info.method = "INFO";
      info.from_caller = from_caller;
      info.cseq = cseq;
      info.branch += std::to_string(cseq);
      ASSERT_EQ(
          fresh.give(within(call.ok_at_caller, info), from_caller ? caller_address : call.callee),
          verdict::request_forwarded);
    }
    (void)fresh.take();
    end_by_admin(fresh);
    const auto [to_caller, to_callee] = byes_of(fresh);
    EXPECT_EQ(header(from_caller ? to_callee.bytes : to_caller.bytes, "CSeq"), "8 BYE");
  }
}

TEST_F(engine_end, our_byes_go_to_the_latest_contacts) {
  const std::string alice = "sip:alice@198.51.100.8:5060", machine = "sip:machine@192.0.2.98:5070";
  const std::string usual = "sip:machine@192.0.2.99:5070";
  for (const std::string method : {"INVITE", "UPDATE"}) {
    for (const bool from_caller : {true, false}) {
      engine_world fresh;
      const auto call = establish(fresh);
      dialog_request what;
      what.method = method;
      what.from_caller = from_caller;
      what.extra = "Contact: <" + (from_caller ? alice : machine) + ">\r\n";
      ASSERT_EQ(
          fresh.give(within(call.ok_at_caller, what), from_caller ? caller_address : call.callee),
          verdict::request_forwarded);
      const auto there = fresh.take_one();
      const std::string extra = method == "INVITE" ? "" : "Contact: <" + usual + ">\r\n";
      const auto ok =
          replace(response(there.bytes, 200, "", extra), usual, from_caller ? machine : alice);
      ASSERT_EQ(fresh.give(ok, there.to), verdict::response_forwarded);
      (void)fresh.take();
      end_by_admin(fresh);
      const auto [to_caller, to_callee] = byes_of(fresh);
      EXPECT_EQ(first_line(to_caller.bytes), "BYE " + alice + " SIP/2.0") << method << from_caller;
      EXPECT_EQ(first_line(to_callee.bytes), "BYE " + machine + " SIP/2.0") << method;
    }
  }
}

TEST_F(engine_end, our_byes_are_repeated_when_both_only_try) {
  (void)establish(world);
  end_by_admin(world);
  const auto [to_caller, to_callee] = byes();
  (void)world.give(response(to_caller.bytes, 100, ""), to_caller.to);
  (void)world.give(response(to_callee.bytes, 100, ""), to_callee.to);
  EXPECT_EQ(world.total_load(), 1);
  ASSERT_TRUE(world.take().empty());
  world.wait_ms(520);
  const auto again = byes();
  EXPECT_EQ(again.first.bytes, to_caller.bytes);
  EXPECT_EQ(again.second.bytes, to_callee.bytes);
  EXPECT_EQ(world.total_load(), 1);
}

TEST_F(engine_end, an_admin_need_not_wait_for_the_answer_to_a_bye) {
  const auto call = start();
  ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  (void)world.take();
  world.wait_ms(100);
  end_by_admin(world);
  const auto sent = byes();
  EXPECT_EQ(sent.first.to, caller_address);
  EXPECT_EQ(sent.second.to, at("192.0.2.99:5070"));
  both_answer(sent);
  expect_gone(end_cause::admin);
}

TEST_F(engine_end, an_admin_ends_a_call_that_nobody_has_reacted_to) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  end_by_admin(world);
  const auto refusal = world.take_one();
  EXPECT_EQ(status_of(refusal.bytes), 480);
  EXPECT_EQ(world.total_load(), 0);
  const auto to = header(refusal.bytes, "To");
  const auto tag = to.find(";tag=");
  ASSERT_NE(tag, std::string::npos);
  ASSERT_EQ(world.give(hop_request("ACK", {}, to.substr(tag + 5)), caller_address),
            verdict::ack_absorbed);
  world.wait_ms(31'000);
  EXPECT_TRUE(world.take().empty());
  // It rings after all.
  ASSERT_EQ(world.give(response(there.bytes, 180, "late"), there.to), verdict::response_consumed);
  const auto cancel = world.take_one();
  EXPECT_TRUE(cancel.bytes.starts_with("CANCEL "));
  EXPECT_EQ(cancel.to, there.to);
}

// As parties of RFC 2543 may do.
TEST_F(engine_end, a_bye_without_a_to_tag_ends_a_call_without_one) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  const auto ok = world.take_one().bytes;
  ASSERT_EQ(header(ok, "To").find(";tag="), std::string::npos);
  ASSERT_EQ(world.give(within(ok, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  EXPECT_EQ(world.total_load(), 0);
}

// Found by fuzz_engine: the Record-Route of an INVITE is not looked at until we need it.
TEST_F(engine_end, a_broken_record_route_is_left_out_of_our_byes) {
  const std::string whole = "<sip:198.51.100.8;lr>", broken = "<sip:198.51.100.8:x;lr", star = "*";
  for (const auto& [value, route] :
       {std::pair{whole, whole}, {whole + ", " + broken, std::string{}}, {star, std::string{}}}) {
    engine_world fresh;
    call_parts parts;
    parts.extra = "Record-Route: " + value + "\r\n";
    ASSERT_EQ(fresh.give(invite(parts), caller_address), verdict::request_forwarded);
    const auto there = fresh.take().at(1);
    ASSERT_EQ(fresh.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
    (void)fresh.take();
    end_by_admin(fresh);
    const auto sent = fresh.take();
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(header(sent[0].bytes, "Route"), route);
    EXPECT_EQ(sent[0].to, route.empty() ? caller_address : at("198.51.100.8:5060"));
  }
}

TEST_F(engine_end, an_admin_ends_a_ringing_call) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  (void)world.give(response(there.bytes, 180, "t"), there.to);
  (void)world.take();
  end_by_admin(world);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("CANCEL "));
  EXPECT_EQ(status_of(sent[1].bytes), 480);
  EXPECT_EQ(world.total_load(), 0);
}

TEST_F(engine_end, no_call_lasts_longer_than_allowed) {
  snapshot_model model = study_case();
  model.timers.max_call_s = 300;
  world.reload(model);
  (void)start();
  world.wait_ms(299'000);
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(1'500);
  const auto [to_caller, to_callee] = byes();
  (void)world.give(response(to_caller.bytes, 200, ""), to_caller.to);
  (void)world.give(response(to_callee.bytes, 200, ""), to_callee.to);
  expect_gone(end_cause::max_duration);
}

void allow_calls_of(engine_world& world, std::uint32_t seconds) {
  snapshot_model model = study_case();
  model.timers.max_call_s = seconds;
  world.reload(model);
}

void ring(engine_world& world) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 180, "t"), there.to), verdict::response_forwarded);
  (void)world.take();
}

TEST_F(engine_end, a_reload_that_allows_longer_calls_lets_ringing_ones_ring) {
  allow_calls_of(world, 60);
  ring(world);
  world.wait_ms(50'000);
  allow_calls_of(world, 100);
  world.wait_ms(49'900);
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.load(1, "pstn"), 1);
  world.wait_ms(200);
  const auto sent = world.take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].bytes.starts_with("CANCEL "));
  EXPECT_EQ(status_of(sent[1].bytes), 408);
}

TEST_F(engine_end, a_reload_that_allows_longer_calls_leaves_no_time_beyond_that_to_answer) {
  allow_calls_of(world, 60);
  ring(world);
  allow_calls_of(world, 1000);
  world.wait_ms(119'900); // fr_inv_timeout
  EXPECT_TRUE(world.take().empty());
  world.wait_ms(200);
  EXPECT_EQ(world.take().size(), 2u);
}

TEST_F(engine_end, a_reload_that_allows_longer_calls_leaves_a_silent_destination_its_time) {
  allow_calls_of(world, 2);
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  allow_calls_of(world, 1000);
  world.wait_ms(4'900);
  EXPECT_EQ(world.counters().failovers, 0u);
  EXPECT_EQ(world.load(1, "pstn"), 1);
  world.wait_ms(200);
  EXPECT_EQ(world.counters().failovers, 1u);
}

TEST_F(engine_end, nothing_is_left_behind) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      call_parts parts;
      parts.call_id = std::to_string(round) + "-" + std::to_string(i) + "@x";
      parts.from_tag = std::to_string(i);
      const auto call = establish(world, parts);
      (void)world.give(within(call.ok_at_caller, {}), caller_address);
      const auto bye = world.take_one();
      (void)world.give(response(bye.bytes, 200, ""), bye.to);
      (void)world.take();
    }
    EXPECT_EQ(world.total_load(), 0);
    world.wait_ms(33'000);
  }
  EXPECT_EQ(world.counters().calls_ended, 300u);
  EXPECT_EQ(world.counters().transactions_live, 0u);
  EXPECT_EQ(world.engine().next_timer(), timer_wheel::never);
}

} // namespace
} // namespace linehunt::test::engine_end_test
