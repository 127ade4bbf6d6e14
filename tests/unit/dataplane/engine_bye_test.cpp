// SPDX-License-Identifier: Apache-2.0
// BYEs that are challenged or refused, early ones, and calls that pass us twice or fork on both
// sides of us: the line goes with the last of the call, and not before.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace linehunt::test::engine_bye_test {
namespace {

// An INVITE that a box hands back to us, as a proxy without Record-Route does: as it is at that
// proxy, and as it is at the box that gets it from there.
std::pair<sent_message, sent_message> pass_twice(engine_world& world) {
  EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto at_proxy = world.take().at(1);
  auto onward = at_proxy.bytes;
  onward.insert(onward.find("Via: "), "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKproxy\r\n");
  EXPECT_EQ(world.give(onward, at_proxy.to), verdict::request_forwarded);
  return {at_proxy, world.take().at(1)};
}

// As an admin does; both parties answer our BYEs.
void end_by_admin(engine_world& world, std::uint64_t handle) {
  mail end;
  end.kind = mail_kind::end_call;
  end.subject = handle;
  world.mail(end);
  for (const auto& m : world.take())
    if (m.bytes.starts_with("BYE ")) (void)world.give(response(m.bytes, 200, ""), m.to);
}

// Ours that were sent. All are answered.
std::size_t byes_answered(engine_world& world) {
  std::size_t byes = 0;
  for (const auto& m : world.take()) {
    if (!m.bytes.starts_with("BYE ")) continue;
    ++byes;
    EXPECT_EQ(world.give(response(m.bytes, 200, ""), m.to), verdict::response_consumed);
  }
  return byes;
}

struct engine_bye : ::testing::Test {
  engine_world world;

  sent_message bye(const std::string& seen, unsigned cseq, bool from_caller = true,
                   const endpoint& from = caller_address) {
    dialog_request what;
    what.cseq = cseq;
    what.from_caller = from_caller;
    what.branch = "z9hG4bKbye" + std::to_string(cseq) + (from_caller ? "a" : "b");
    EXPECT_EQ(world.give(within(seen, what), from), verdict::request_forwarded);
    return world.take_one();
  }
  void answer(const sent_message& to, int status, std::string_view tag = "") {
    EXPECT_EQ(world.give(response(to.bytes, status, tag), to.to), verdict::response_forwarded);
    (void)world.take();
  }
  void acknowledge(const std::string& ok) {
    dialog_request what;
    what.method = "ACK";
    what.cseq = 1;
    EXPECT_EQ(world.give(within(ok, what), caller_address), verdict::request_forwarded);
    EXPECT_TRUE(world.take_one().bytes.starts_with("ACK "));
  }
  // A call that rings with this tag: its INVITE there, and its 180 at the caller.
  std::pair<sent_message, std::string> ringing(const std::string& tag) {
    EXPECT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
    auto there = world.take().at(1);
    (void)world.give(response(there.bytes, 180, tag), there.to);
    return {there, world.take_one().bytes};
  }
};

TEST_F(engine_bye, a_challenge_that_comes_twice_does_not_undo_the_next_bye) {
  const auto call = establish(world);
  const auto first = bye(call.ok_at_caller, 2);
  answer(first, 407);
  const auto second = bye(call.ok_at_caller, 3);
  answer(first, 407); // of the repetition that the callee got, too
  answer(second, 200);
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
}

// The BYE may overtake the ACK.
TEST_F(engine_bye, an_ack_behind_a_bye_that_is_challenged_counts) {
  const auto [there, progress] = ringing("t");
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  const std::string ok = world.take_one().bytes;
  const auto first = bye(ok, 2);
  acknowledge(ok);
  answer(first, 407);
  world.wait_ms(60'000);
  for (const auto& m : world.take())
    EXPECT_TRUE(m.bytes.starts_with("OPTIONS ")) << "it goes on, and whether it lives is asked";
  answer(bye(ok, 3), 200);
  EXPECT_EQ(world.total_load(), 0);
}

// Its number is above all that the caller has sent, before the dialog was told from others as well.
TEST_F(engine_bye, of_a_second_dialog_goes_on_where_the_caller_was) {
  // A record before that of the call, which is free when the second dialog wants one.
  call_parts before;
  before.from_tag = "before";
  before.branch = "z9hG4bKbefore";
  ASSERT_EQ(world.give(invite(before), caller_address), verdict::request_forwarded);
  const auto busy = world.take().at(1);
  const auto [there, progress] = ringing("b");
  ASSERT_EQ(world.give(response(busy.bytes, 486, "busy"), busy.to), verdict::response_forwarded);
  (void)world.take();
  dialog_request what;
  what.method = "UPDATE";
  what.cseq = 7;
  ASSERT_EQ(world.give(within(progress, what), caller_address), verdict::request_forwarded);
  (void)world.take();
  ASSERT_EQ(world.give(response(there.bytes, 200, "a"), there.to), verdict::response_forwarded);
  acknowledge(world.take_one().bytes);
  ASSERT_EQ(world.give(response(there.bytes, 200, "b"), there.to), verdict::response_forwarded);
  (void)world.take();
  world.wait_ms(33'000); // no ACK
  bool seen = false;
  for (const auto& m : world.take())
    if (m.bytes.starts_with("BYE sip:machine@")) {
      seen = true;
      EXPECT_EQ(header(m.bytes, "CSeq"), "8 BYE");
    }
  EXPECT_TRUE(seen);
}

// Else a party could have a BYE answered at another port, where nobody knows the call, or not at
// all, and talk on without a line.
TEST_F(engine_bye, that_went_to_another_port_of_the_other_side_is_over_with_byes_of_ours) {
  for (const bool by_caller : {true, false})
    for (const int status : {200, 481, 408, 0}) {
      engine_world fresh;
      const auto call = establish(fresh);
      dialog_request what;
      what.from_caller = by_caller;
      const auto text = within(call.ok_at_caller, what);
      const auto astray = by_caller ? replace(text, "@192.0.2.99:5070", "@192.0.2.99:5999")
                                    : replace(text, "@198.51.100.7:5060", "@198.51.100.7:5999");
      ASSERT_EQ(fresh.give(astray, by_caller ? caller_address : call.callee),
                verdict::request_forwarded);
      const auto there = fresh.take_one();
      ASSERT_EQ(there.to, at(by_caller ? "192.0.2.99:5999" : "198.51.100.7:5999"));
      if (status != 0) {
        ASSERT_EQ(fresh.give(response(there.bytes, status, ""), there.to),
                  verdict::response_forwarded);
      } else {
        fresh.wait_ms(32'100);
      }
      std::size_t byes = 0;
      EXPECT_EQ(fresh.total_load(), status == 200 ? 0 : 1) << status;
      for (const auto& m : fresh.take()) {
        if (!m.bytes.starts_with("BYE ")) continue;
        ++byes;
        EXPECT_TRUE(m.to == caller_address || m.to == at("192.0.2.99:5070"));
        EXPECT_EQ(fresh.give(response(m.bytes, 200, ""), m.to), verdict::response_consumed);
      }
      EXPECT_EQ(byes, status == 200 ? 0u : 2u) << status;
      EXPECT_EQ(fresh.total_load(), 0);
      EXPECT_EQ(fresh.counters().ended_by[static_cast<std::size_t>(end_cause::bye)], 1u);
    }
}

// Nor by one more that goes where the call is, with a number that is refused there.
TEST_F(engine_bye, that_went_astray_is_not_made_good_by_another_one) {
  for (const bool by_caller : {true, false}) {
    engine_world fresh;
    const auto call = establish(fresh);
    dialog_request what;
    what.from_caller = by_caller;
    const auto source = by_caller ? caller_address : call.callee;
    const auto astray = replace(within(call.ok_at_caller, what),
                                by_caller ? "@192.0.2.99:5070" : "@198.51.100.7:5060",
                                by_caller ? "@192.0.2.99:5999" : "@198.51.100.7:5999");
    ASSERT_EQ(fresh.give(astray, source), verdict::request_forwarded);
    const auto there = fresh.take_one();
    what.cseq = 1;
    what.branch = "z9hG4bKlow";
    ASSERT_EQ(fresh.give(within(call.ok_at_caller, what), source), verdict::request_forwarded);
    ASSERT_NE(fresh.take_one().to, there.to);
    ASSERT_EQ(fresh.give(response(there.bytes, 481, ""), there.to), verdict::response_forwarded);
    EXPECT_EQ(fresh.total_load(), 1) << "it goes on";
    const auto sent = fresh.take();
    EXPECT_EQ(std::ranges::count_if(
                  sent, [](const sent_message& m) { return m.bytes.starts_with("BYE "); }),
              2);
  }
}

// Nor are the lines of the same call on its other way through us free before.
TEST_F(engine_bye, that_went_astray_holds_the_lines_of_both_passes) {
  for (const int status : {481, 0}) {
    engine_world fresh;
    const auto [at_proxy, at_box] = pass_twice(fresh);
    ASSERT_EQ(fresh.give(response(at_box.bytes, 200, "t"), at_box.to), verdict::response_forwarded);
    const auto back = replace(fresh.take_one().bytes,
                              "Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKproxy\r\n", "");
    ASSERT_EQ(fresh.give(back, at_proxy.to), verdict::response_forwarded);
    const auto ok = fresh.take_one().bytes;
    dialog_request ack;
    ack.method = "ACK";
    ack.cseq = 1;
    ASSERT_EQ(fresh.give(within(ok, ack), caller_address), verdict::request_forwarded);
    (void)fresh.take();
    const auto text = replace(within(ok, {}), "@192.0.2.99:5070", "@192.0.2.99:5999");
    ASSERT_EQ(fresh.give(text, caller_address), verdict::request_forwarded);
    const auto there = fresh.take_one();
    ASSERT_EQ(there.to, at("192.0.2.99:5999"));
    if (status != 0) {
      ASSERT_EQ(fresh.give(response(there.bytes, status, ""), there.to),
                verdict::response_forwarded);
    } else {
      fresh.wait_ms(32'100);
    }
    EXPECT_EQ(fresh.total_load(), 2) << status;
    EXPECT_EQ(byes_answered(fresh), 2u);
    EXPECT_EQ(fresh.total_load(), 0);
    EXPECT_EQ(fresh.counters().ended_by[static_cast<std::size_t>(end_cause::bye)], 2u);
  }
}

// The next run knows no ways of BYEs, so it asks nobody's word for its end.
TEST_F(engine_bye, that_went_astray_is_over_with_byes_of_the_next_run) {
  for (const bool crash : {false, true}) {
    engine_world fresh;
    const auto call = establish(fresh);
    const auto astray = replace(within(call.ok_at_caller, {}), "@192.0.2.99:5070", "@192.0.2.99");
    ASSERT_EQ(fresh.give(astray, caller_address), verdict::request_forwarded);
    ASSERT_EQ(fresh.take_one().to, at("192.0.2.99:5060"));
    ASSERT_EQ(crash ? fresh.crash(fresh.copy(), 5'000) : fresh.restart(), 1u);
    fresh.wait_ms(20);
    EXPECT_EQ(fresh.total_load(), 1);
    EXPECT_EQ(byes_answered(fresh), 2u);
    EXPECT_EQ(fresh.total_load(), 0);
    EXPECT_EQ(fresh.counters().ended_by[static_cast<std::size_t>(end_cause::bye)], 1u);
  }
}

// A proxy behind us says 408 of whatever it cannot reach, and 481 of whom else it does reach.
TEST_F(engine_bye, that_asks_for_another_way_behind_the_next_hop_is_over_with_byes_of_ours) {
  const std::string proxy = "<sip:192.0.2.11:5080;lr>", contact = "sip:machine@192.0.2.99:5070";
  const std::string further = "Route: <sip:203.0.113.5;lr>\r\nFrom: ";
  const std::string named = "Route: <sip:nowhere.example;lr>\r\nFrom: ";
  struct way {
    bool by_proxy;
    std::string what, instead;
    bool known = false;
  };
  for (const auto& [by_proxy, what, instead, known] :
       {way{false, "From: ", further}, way{false, "From: ", named},
        way{false, contact, "sip:machine@nowhere.example"},
        way{false, contact, "sip:nobody@192.0.2.99:5070"},
        way{false, contact, "sip:machine@192.0.2.1:5060;maddr=192.0.2.99"},
        way{false, contact, contact + ";x=1", true}, way{true, "From: ", further},
        way{true, contact, contact + ";transport=tcp"},
        way{true, contact, "sip:machine@203.0.113.5"}, way{true, "Route: " + proxy + "\r\n", ""},
        way{true, contact, contact, true}, way{true, contact, "sip:machine@192.0.2.11:5060"}}) {
    engine_world fresh;
    const auto call = establish(fresh, {}, "to-1", by_proxy ? proxy : std::string{});
    auto text = within(call.ok_at_caller, {});
    if (by_proxy) {
      text = replace(text, "Route: " + proxy + ", ", "Route: "); // as a list in one line
      text = replace(text, "From: ", "Route: " + proxy + "\r\nFrom: ");
    }
    text = replace(text, what, instead);
    ASSERT_EQ(fresh.give(text, caller_address), verdict::request_forwarded);
    const auto there = fresh.take_one();
    ASSERT_EQ(fresh.give(response(there.bytes, 408, ""), there.to), verdict::response_forwarded);
    EXPECT_EQ(fresh.total_load(), known ? 0 : 1) << text;
    EXPECT_EQ(byes_answered(fresh), known ? 0u : 2u) << text;
    EXPECT_EQ(fresh.total_load(), 0);
  }
}

// The last Route says where it goes (RFC 3261 16.4).
TEST_F(engine_bye, that_comes_by_a_strict_router_is_known_by_its_last_route) {
  const std::string contact = "sip:machine@192.0.2.99:5070";
  for (const bool known : {true, false}) {
    engine_world fresh;
    const auto call = establish(fresh);
    auto text = within(call.ok_at_caller, {});
    const std::string route = header(text, "Route");
    const std::string target = known ? contact : "sip:machine@nowhere.example";
    text = replace(text, route, "<" + target + ">");
    text = replace(text, "BYE " + contact, "BYE " + route.substr(1, route.size() - 2));
    ASSERT_EQ(fresh.give(text, caller_address), verdict::request_forwarded);
    const auto there = fresh.take_one();
    EXPECT_TRUE(there.bytes.starts_with("BYE " + target));
    ASSERT_EQ(fresh.give(response(there.bytes, 481, ""), there.to), verdict::response_forwarded);
    EXPECT_EQ(fresh.total_load(), known ? 0 : 1);
    EXPECT_EQ(byes_answered(fresh), known ? 0u : 2u);
    EXPECT_EQ(fresh.total_load(), 0);
  }
}

// Another machine of the same destination does not know the call.
TEST_F(engine_bye, that_went_to_another_address_of_the_destination_is_over_with_byes_of_ours) {
  snapshot_model model = study_case();
  model.destinations[0].addresses = {at("192.0.2.11"), at("192.0.2.61")};
  engine_world fresh(model);
  const auto call = establish(fresh);
  const auto other = at(call.callee == at("192.0.2.11") ? "192.0.2.61" : "192.0.2.11");
  const std::string there_is = "@" + std::string{std::string_view{to_text(other)}};
  ASSERT_EQ(fresh.give(replace(within(call.ok_at_caller, {}), "@192.0.2.99:5070", there_is),
                       caller_address),
            verdict::request_forwarded);
  const auto there = fresh.take_one();
  ASSERT_EQ(there.to, other);
  ASSERT_EQ(fresh.give(response(there.bytes, 481, ""), there.to), verdict::response_forwarded);
  EXPECT_EQ(fresh.total_load(), 1);
  for (const auto& m : fresh.take())
    if (m.bytes.starts_with("BYE ")) {
      EXPECT_TRUE(m.to == caller_address || m.to == at("192.0.2.99:5070"));
      EXPECT_EQ(fresh.give(response(m.bytes, 200, ""), m.to), verdict::response_consumed);
    }
  EXPECT_EQ(fresh.total_load(), 0);
  EXPECT_EQ(fresh.counters().calls_ended, 1u);
}

// Its Contact, where the INVITE came from or went (as from behind a NAT), a Contact that has
// changed, a proxy of its own.
TEST_F(engine_bye, that_went_where_the_other_side_is_known_to_be_is_over_with_a_481) {
  call_parts parts;
  parts.extra = "Record-Route: <sip:198.51.100.9:5080;lr>\r\n";
  for (const bool by_route : {true, false})
    for (const std::string& target :
         {std::string{"192.0.2.99:5070"}, std::string{"192.0.2.11:5060"},
          std::string{"192.0.2.99:5999"}}) {
      engine_world fresh;
      const auto call = establish(fresh, by_route ? parts : call_parts{});
      if (target.ends_with("5999")) {
        dialog_request again;
        again.method = "INVITE";
        ASSERT_EQ(fresh.give(within(call.ok_at_caller, again), caller_address),
                  verdict::request_forwarded);
        const auto there = fresh.take_one();
        ASSERT_EQ(fresh.give(replace(response(there.bytes, 200, ""), "192.0.2.99:5070", target),
                             there.to),
                  verdict::response_forwarded);
        (void)fresh.take();
      }
      dialog_request what;
      what.cseq = 3;
      what.from_caller = !by_route;
      auto text = within(call.ok_at_caller, what);
      if (!by_route) text = replace(text, "192.0.2.99:5070", target);
      ASSERT_EQ(fresh.give(text, by_route ? call.callee : caller_address),
                verdict::request_forwarded);
      const auto bye = fresh.take_one();
      EXPECT_EQ(bye.to, at(by_route ? "198.51.100.9:5080" : target));
      ASSERT_EQ(fresh.give(response(bye.bytes, 481, ""), bye.to), verdict::response_forwarded);
      EXPECT_EQ(fresh.total_load(), 0);
      EXPECT_EQ(fresh.take().size(), 1u) << "no BYE of ours";
    }
}

TEST_F(engine_bye, of_two_that_cross_one_is_enough) {
  for (const bool challenged_first : {true, false}) {
    engine_world fresh;
    const auto call = establish(fresh);
    (void)fresh.give(within(call.ok_at_caller, {}), caller_address);
    const auto to_callee = fresh.take_one();
    dialog_request other;
    other.from_caller = false;
    other.branch = "z9hG4bKother";
    (void)fresh.give(within(call.ok_at_caller, other), call.callee);
    const auto to_caller = fresh.take_one();
    const auto challenge = response(to_callee.bytes, 407, ""),
               ok = response(to_caller.bytes, 200, "");
    if (challenged_first) (void)fresh.give(challenge, to_callee.to);
    (void)fresh.give(ok, to_caller.to);
    if (!challenged_first) (void)fresh.give(challenge, to_callee.to);
    EXPECT_EQ(fresh.total_load(), 0) << challenged_first;
    EXPECT_EQ(fresh.counters().calls_ended, 1u);
  }
}

// The method is no part of a branch: who has got another request could answer a BYE in its place.
TEST_F(engine_bye, an_answer_to_none_ends_nothing) {
  for (const char* method : {"INVITE", "INFO"}) {
    engine_world fresh;
    const auto call = establish(fresh);
    dialog_request info;
    info.method = method;
    info.from_caller = false;
    ASSERT_EQ(fresh.give(within(call.ok_at_caller, info), call.callee), verdict::request_forwarded);
    const auto there = fresh.take_one();
    const auto forged =
        replace(response(there.bytes, 200, ""), "CSeq: 2 " + std::string{method}, "CSeq: 2 BYE");
    (void)fresh.give(forged, caller_address);
    EXPECT_EQ(fresh.total_load(), 1) << method;
    // Nor where the other side has sent one that was challenged.
    (void)fresh.give(within(call.ok_at_caller, {}), caller_address);
    const auto bye = fresh.take().back();
    (void)fresh.give(response(bye.bytes, 401, ""), bye.to);
    (void)fresh.give(forged, caller_address);
    EXPECT_EQ(fresh.total_load(), 1) << method;
  }
}

struct engine_refused_bye : engine_bye, ::testing::WithParamInterface<int> {};

// The dialog lives, whatever the caller wanted: the 200 to the INVITE comes after all.
TEST_P(engine_refused_bye, does_not_end_a_call_that_is_answered_later) {
  const auto [there, seen] = ringing("t");
  answer(bye(seen, 2), GetParam());
  ASSERT_EQ(world.give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
  const auto ok = world.take_one().bytes;
  acknowledge(ok);
  world.wait_ms(40'000);
  EXPECT_EQ(world.total_load(), 1);
  answer(bye(ok, 3), 200);
  EXPECT_EQ(world.total_load(), 0);
}

INSTANTIATE_TEST_SUITE_P(by, engine_refused_bye, ::testing::Values(407, 420, 500));

TEST_F(engine_bye, after_one_no_other_address_rings) {
  snapshot_model model = study_case();
  for (auto& d : model.destinations)
    d.addresses.push_back(at("192.0.2.9" + std::to_string(d.id)));
  world.reload(model);
  const auto [there, seen] = ringing("t");
  answer(bye(seen, 2), 200);
  ASSERT_EQ(world.give(response(there.bytes, 503, "t"), there.to), verdict::response_forwarded);
  for (const auto& m : world.take())
    EXPECT_FALSE(m.bytes.starts_with("INVITE ")) << "to who has hung up: " << m.bytes;
  EXPECT_EQ(world.total_load(), 0);
}

// As parties of RFC 2543 may do (RFC 3261 12.2.1.1).
TEST_F(engine_bye, a_call_without_a_to_tag_lives_on_its_ack) {
  ASSERT_EQ(world.give(invite(), caller_address), verdict::request_forwarded);
  const auto there = world.take().at(1);
  ASSERT_EQ(world.give(response(there.bytes, 200, ""), there.to), verdict::response_forwarded);
  const auto ok = world.take_one().bytes;
  acknowledge(ok);
  world.wait_ms(40'000);
  EXPECT_TRUE(world.take().empty()) << "its ACK is known";
  EXPECT_EQ(world.total_load(), 1);
}

// The proxy between the two passes is in no route, so our own BYEs go round the second pass.
TEST_F(engine_bye, an_admin_ends_both_passes_of_a_call) {
  const auto [at_proxy, at_box] = pass_twice(world);
  answer(at_box, 200, "t");
  ASSERT_EQ(world.give(response(at_proxy.bytes, 200, "t"), at_proxy.to),
            verdict::response_forwarded);
  const auto ok = world.take_one().bytes;
  acknowledge(ok);
  ASSERT_EQ(world.total_load(), 2);

  end_by_admin(world, world.handles().at(0));
  EXPECT_EQ(world.total_load(), 0);
  EXPECT_EQ(world.counters().calls_live, 0u);
  EXPECT_EQ(world.counters().ended_by[static_cast<std::size_t>(end_cause::admin)], 2u);
}

// Another fork of the same INVITE rings meanwhile: it is no pass of that call.
TEST_F(engine_bye, ringing_forks_do_not_hide_the_second_pass) {
  for (const int forks : {1, 4})
    for (const bool before : {true, false}) {
      engine_world fresh;
      const auto fork = [&] {
        for (int i = 0; i < forks; ++i) {
          call_parts other;
          other.branch = "z9hG4bKfork" + std::to_string(i);
          ASSERT_EQ(fresh.give(invite(other), caller_address), verdict::request_forwarded);
        }
        (void)fresh.take();
      };
      if (before) fork();
      const auto [at_proxy, at_box] = pass_twice(fresh);
      if (!before) fork();
      (void)fresh.give(response(at_box.bytes, 200, "t"), at_box.to);
      (void)fresh.give(response(at_proxy.bytes, 200, "t"), at_proxy.to);
      (void)fresh.take();
      ASSERT_EQ(fresh.total_load(), 2 + forks);
      std::vector<std::uint64_t> answered;
      fresh.engine().for_each_call([&](const call_info& c) {
        if (c.answered) answered.push_back(c.handle);
      });
      ASSERT_EQ(answered.size(), 2u);
      end_by_admin(fresh, answered[0]);
      EXPECT_EQ(fresh.total_load(), forks) << "the forks alone";
      EXPECT_EQ(fresh.counters().calls_live, static_cast<std::uint64_t>(forks));
    }
}

// A proxy before us forks to two boxes, and one of these to two devices: one of them answers, the
// other rings on, and what the caller sends to it goes there, not to the other box.
TEST_F(engine_bye, a_device_behind_one_fork_is_not_sought_behind_the_other) {
  call_parts one, other;
  other.branch = "z9hG4bKcaller2";
  ASSERT_EQ(world.give(invite(one), caller_address), verdict::request_forwarded);
  ASSERT_EQ(world.give(invite(other), caller_address), verdict::request_forwarded);
  const auto sent = world.take();
  const auto &here = sent.at(1), &there = sent.at(3);
  ASSERT_NE(here.to, there.to);
  (void)world.give(response(there.bytes, 180, "r"), there.to);
  (void)world.give(response(here.bytes, 180, "a2"), here.to);
  const auto rings = world.take().at(1).bytes;
  answer(here, 200, "a1");
  EXPECT_EQ(bye(rings, 2).to, at("192.0.2.99:5070")) << "the device, by its Contact";
  // The other fork has not been hung up on: a 503 of its box still leads to another one.
  ASSERT_NE(world.give(response(there.bytes, 503, "r"), there.to), verdict::response_forwarded);
}

} // namespace
} // namespace linehunt::test::engine_bye_test
