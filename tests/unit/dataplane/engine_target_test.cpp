// SPDX-License-Identifier: Apache-2.0
// Parties that move within a call, by an offer with another Contact (RFC 3261 12.2.1.2, RFC 3311):
// where they are known to be when their offers cross a BYE or later ones.
#include "ending_call.h"

namespace linehunt::test::engine_target_test {
namespace {

const std::string usual = "sip:machine@192.0.2.99:5070";
const std::string alice = "sip:alice@198.51.100.8:5060",
                  alice_later = "sip:alice@198.51.100.9:5060";
const std::string machine = "sip:machine@192.0.2.98:5070";

struct sender {
  std::string dialog; // empty: of the call
  bool is_stranger = false;
};

struct engine_target : ending_call {
  running_call call = start();

  sent_message offer(bool from_caller, unsigned cseq, const std::string& contact,
                     const sender& by = {}) {
    dialog_request what;
    what.method = "UPDATE";
    what.from_caller = from_caller;
    what.cseq = cseq;
    what.branch = "z9hG4bKoffer" + std::to_string(cseq) + (from_caller ? "a" : "b");
    what.extra = "Contact: <" + contact + ">\r\n";
    if (by.is_stranger) what.branch += "stranger";
    endpoint from = from_caller ? caller_address : call.callee;
    if (by.is_stranger) from = at("203.0.113.66:5060");
    EXPECT_EQ(world.give(within(by.dialog.empty() ? call.ok_at_caller : by.dialog, what), from),
              verdict::request_forwarded);
    return world.take_one();
  }
  void refuse(const sent_message& offered) {
    EXPECT_EQ(world.give(response(offered.bytes, 491, ""), offered.to),
              verdict::response_forwarded);
    (void)world.take();
  }
  void agree(const sent_message& to, const std::string& contact) {
    EXPECT_EQ(world.give(response(to.bytes, 200, "", "Contact: <" + contact + ">\r\n"), to.to),
              verdict::response_forwarded);
    (void)world.take();
  }
  void expect_at(const std::string& caller, const std::string& callee) {
    end_by_admin(world);
    const auto [to_caller, to_callee] = byes();
    EXPECT_EQ(first_line(to_caller.bytes), "BYE " + caller + " SIP/2.0");
    EXPECT_EQ(first_line(to_callee.bytes), "BYE " + callee + " SIP/2.0");
  }
};

// Whoever answers it again has not taken it for news (RFC 3261 12.2.2).
TEST_F(engine_target, of_an_offer_that_comes_again_behind_a_later_one_is_not_news) {
  agree(offer(true, 2, alice), usual);
  agree(offer(true, 3, alice_later), usual);
  agree(offer(true, 2, alice), usual);
  expect_at(alice_later, usual);
}

// Its sender may have moved since.
TEST_F(engine_target, of_an_agreement_that_comes_again_is_not_news) {
  const auto first = offer(true, 2, alice);
  agree(first, usual);
  agree(offer(false, 1, machine), alice);
  agree(first, usual);
  (void)offer(true, 3, alice);
  agree(first, usual);
  expect_at(alice, machine);
}

// The BYE may be challenged, or have gone astray: the call may go on, and its end needs both.
TEST_F(engine_target, is_learned_while_a_bye_waits_for_its_answer) {
  ASSERT_EQ(world.give(within(call.ok_at_caller, {}), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  agree(offer(false, 1, machine), alice);
  ASSERT_EQ(world.give(response(bye.bytes, 407, ""), bye.to), verdict::response_forwarded);
  (void)world.take();
  expect_at(alice, machine);
}

// Of one that was refused nothing is known but its number.
TEST_F(engine_target, of_an_older_offer_that_comes_late_displaces_none) {
  const auto first = offer(true, 2, alice);
  refuse(first);
  const auto second = offer(true, 3, alice_later);
  (void)offer(true, 2, alice);
  agree(second, usual);
  expect_at(alice_later, usual);
}

// It is not kept, but what it says of agreements is.
TEST_F(engine_target, that_is_too_long_to_be_kept_moves_nobody_back) {
  const auto first = offer(true, 2, "sip:" + std::string(200, 'a') + "@198.51.100.8");
  agree(first, usual);
  agree(offer(false, 1, machine), alice);
  agree(first, usual);
  expect_at(alice, machine);
}

// The places are of 256 calls by their number.
struct engine_target_in_one_place : engine_target {
  std::string other; // a call in the place of the other one
  const std::string as_always = "sip:alice@198.51.100.7:5060";

  engine_target_in_one_place() {
    auto model = study_case();
    model.destinations[0] = models::machine(1, "transc=30; pstn=1000");
    world.reload(model);
    for (int i = 0; i < 256; ++i) {
      call_parts parts;
      parts.call_id = std::to_string(i) + "@other";
      parts.branch += std::to_string(i);
      other = establish(world, parts).ok_at_caller;
    }
    EXPECT_EQ(static_cast<std::uint32_t>(world.handles().back()), 256u);
  }
  // Of the call, where the place is its own: the first answer comes again, late.
  void expect_agreements_known() {
    const auto first = offer(true, 2, as_always);
    agree(first, usual);
    agree(offer(false, 1, machine), as_always);
    agree(first, usual);
    expect_at(as_always, machine);
  }
};

TEST_F(engine_target_in_one_place, one_that_was_refused_waits_no_more) {
  refuse(offer(true, 2, alice, {other}));
  expect_agreements_known();
}

TEST_F(engine_target_in_one_place, nor_does_one_whose_call_is_over) {
  (void)offer(true, 2, alice, {other});
  dialog_request what;
  what.cseq = 3;
  ASSERT_EQ(world.give(within(other, what), caller_address), verdict::request_forwarded);
  const auto bye = world.take_one();
  ASSERT_EQ(world.give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  (void)world.take();
  expect_agreements_known();
}

TEST_F(engine_target_in_one_place, what_says_nothing_new_displaces_none_that_waits) {
  const auto waits = offer(true, 2, alice, {other});
  agree(offer(true, 2, as_always), usual);
  agree(waits, usual);
  mail end;
  end.kind = mail_kind::end_call;
  end.subject = world.handles().back();
  world.mail(end);
  EXPECT_EQ(first_line(byes().first.bytes), "BYE " + alice + " SIP/2.0");
}

// Whoever knows the tags can send an offer from anywhere, and have it refused, or not answered.
struct engine_target_and_strangers : engine_target {
  sent_message stranger_offers(unsigned cseq) {
    return offer(true, cseq, "sip:x@203.0.113.66:5060", {{}, true});
  }
};

TEST_F(engine_target_and_strangers, whose_offer_was_refused_do_not_keep_it_from_being_learned) {
  refuse(stranger_offers(1'000'000));
  agree(offer(true, 2, alice), usual);
  expect_at(alice, usual);
}

TEST_F(engine_target_and_strangers, whose_offer_nobody_answers_do_not_either) {
  (void)stranger_offers(1'000'000);
  agree(offer(true, 2, alice), usual);
  expect_at(alice, usual);
}

TEST_F(engine_target_and_strangers, who_take_the_number_of_an_offer_are_not_known_by_its_answer) {
  const auto first = offer(true, 5, alice);
  (void)stranger_offers(5);
  agree(first, usual);
  expect_at(alice, usual);
}

// The answer to the earlier one comes twice, with a move of the other side between.
TEST_F(engine_target, that_a_later_offer_was_refused_makes_no_late_agreement_news) {
  const auto first = offer(true, 2, alice);
  refuse(offer(true, 3, alice_later));
  agree(first, usual);
  agree(offer(false, 1, machine), alice);
  agree(first, usual);
  end_by_admin(world);
  EXPECT_EQ(first_line(byes().second.bytes), "BYE " + machine + " SIP/2.0");
}

// RFC 4028 8: what it said of the session, a later one may have changed.
TEST_F(engine_target, a_late_agreement_shortens_no_session) {
  const auto first = offer(true, 2, alice);
  const auto agree_for = [&](const sent_message& to, const std::string& session) {
    EXPECT_EQ(world.give(response(to.bytes, 200, "", session), to.to), verdict::response_forwarded);
    (void)world.take();
  };
  agree_for(first, "Session-Expires: 90\r\n");
  agree_for(offer(true, 3, alice), "Session-Expires: 1800\r\n");
  agree_for(first, "Session-Expires: 90\r\n");
  world.wait_ms(150'000);
  EXPECT_EQ(world.total_load(), 1);
  agree_for(first, "");
  world.wait_ms(1'800'000);
  EXPECT_EQ(world.total_load(), 0) << "nor makes it endless";
}

struct engine_target_of_devices : ending_call {
  // An UPDATE of the callee that the caller agrees to.
  void moves(const std::string& dialog, const endpoint& callee, unsigned cseq,
             const std::string& contact) {
    dialog_request what;
    what.method = "UPDATE";
    what.from_caller = false;
    what.cseq = cseq;
    what.branch = "z9hG4bKmoves" + std::to_string(cseq);
    what.extra = "Contact: <" + contact + ">\r\n";
    ASSERT_EQ(world.give(within(dialog, what), callee), verdict::request_forwarded);
    const auto there = world.take_one();
    ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
    (void)world.take();
  }
};

// Each counts its requests from a number of its own.
TEST_F(engine_target_of_devices, that_only_rang_say_nothing_of_the_one_that_answers) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 180, "rings"), there.to), verdict::response_forwarded);
  moves(world.take_one().bytes, there.to, 5000, usual);
  ASSERT_EQ(world.give(response(there.bytes, 200, "answers"), there.to),
            verdict::response_forwarded);
  const auto ok = world.take_one().bytes;
  dialog_request ack;
  ack.method = "ACK";
  ack.cseq = 1;
  ASSERT_EQ(world.give(within(ok, ack), caller_address), verdict::request_forwarded);
  (void)world.take();
  moves(ok, there.to, 1, machine);
  end_by_admin(world);
  EXPECT_EQ(first_line(byes().second.bytes), "BYE " + machine + " SIP/2.0");
}

// RFC 3311 5.2; the INVITE's answer says where it is since.
TEST_F(engine_target_of_devices, is_not_again_what_an_answer_to_an_early_update_said) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 180, "t"), there.to), verdict::response_forwarded);
  dialog_request what;
  what.method = "UPDATE";
  what.extra = "Contact: <" + alice + ">\r\n";
  ASSERT_EQ(world.give(within(world.take_one().bytes, what), caller_address),
            verdict::request_forwarded);
  const auto update = world.take_one();
  const auto agreed = response(update.bytes, 200, "", "Contact: <" + machine + ">\r\n");
  ASSERT_EQ(world.give(agreed, update.to), verdict::response_forwarded);
  (void)world.take();
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  const auto ok = world.take_one().bytes;
  what.method = "ACK";
  what.cseq = 1;
  what.extra.clear();
  ASSERT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
  (void)world.take();
  ASSERT_EQ(world.give(agreed, update.to), verdict::response_forwarded);
  (void)world.take();
  end_by_admin(world);
  const auto [to_caller, to_callee] = byes();
  EXPECT_EQ(first_line(to_caller.bytes), "BYE " + alice + " SIP/2.0");
  EXPECT_EQ(first_line(to_callee.bytes), "BYE " + usual + " SIP/2.0");
}

// Numbers of strangers: our BYE to the other side comes behind them only where that side has
// counted them.
struct engine_numbers_of_strangers : ending_call {
  const endpoint stranger = at("203.0.113.66:5060");

  std::string info(const std::string& dialog, bool from_caller, unsigned cseq) {
    dialog_request what;
    what.method = "INFO";
    what.from_caller = from_caller;
    what.cseq = cseq;
    what.branch = "z9hG4bKinfo" + std::to_string(cseq);
    return within(dialog, what);
  }
  void expect_numbers(const std::string& to_caller, const std::string& to_callee) {
    end_by_admin(world);
    const auto [at_caller, at_callee] = byes();
    EXPECT_EQ(header(at_caller.bytes, "CSeq"), to_caller);
    EXPECT_EQ(header(at_callee.bytes, "CSeq"), to_callee);
  }
};

TEST_F(engine_numbers_of_strangers, who_know_one_tag_of_a_call_that_rings_do_not_count) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 180, "invented"), there.to),
            verdict::response_forwarded);
  const auto ringing = world.take_one().bytes;
  for (const bool from_caller : {true, false}) {
    EXPECT_EQ(world.give(info(ringing, from_caller, 2'000'000'000), stranger),
              verdict::request_forwarded);
    const auto device = world.take().back();
    (void)world.give(response(device.bytes, 200, ""), device.to);
  }
  EXPECT_EQ(world.give(info(ringing, true, 1'000'000'000), caller_address),
            verdict::request_forwarded)
      << "whose address can be forged";
  (void)world.take();
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  dialog_request ack;
  ack.method = "ACK";
  ack.cseq = 1;
  ASSERT_EQ(world.give(within(world.take_one().bytes, ack), caller_address),
            verdict::request_forwarded);
  (void)world.take();
  expect_numbers("1 BYE", "2 BYE");
}

TEST_F(engine_numbers_of_strangers, count_where_the_other_side_has_taken_them) {
  const auto call = start();
  for (const int status : {500, 200}) {
    const unsigned cseq = status == 200 ? 9 : 2'000'000'000;
    ASSERT_EQ(world.give(info(call.ok_at_caller, true, cseq), stranger),
              verdict::request_forwarded);
    const auto there = world.take_one();
    ASSERT_EQ(world.give(response(there.bytes, status, ""), there.to), verdict::response_forwarded);
    (void)world.take();
  }
  expect_numbers("1 BYE", "10 BYE");
}

} // namespace
} // namespace linehunt::test::engine_target_test
