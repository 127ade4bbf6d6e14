// SPDX-License-Identifier: Apache-2.0
// An INVITE that replaces a call of another worker (RFC 3891): it waits until that one has said
// where the call is, and ends its waiting in every way that it can.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <utility>

namespace linehunt::test::engine_replaces_mail_test {
namespace {

// Worker 1 has a call at machine 4. Worker 0 gets INVITEs that replace it, which by the rules would
// go to machine 1.
struct engine_replaces_mail : ::testing::Test {
  index_book book{64, 256};
  std::unique_ptr<const snapshot> world;
  std::vector<std::unique_ptr<engine>> engines;
  std::vector<recorder> sinks{2};
  engine_limits limits = engine_world::small();
  time_us now = 1'000'000;
  const endpoint one = at("192.0.2.11:5060"), four = at("192.0.2.14:5060");
  call_parts first;

  void SetUp() override { make(false); }
  // `lines`: calls need some, so that they may have to wait for a lease as well.
  void make(bool lines, std::int32_t of_four = 32) {
    snapshot_model model = study_case();
    model.workers = 2;
    if (!lines) { // the first one is chosen
      model.rules[2].resources.clear();
      auto adding = models::balancing("^T", {"pstn"});
      adding.action = rule_action::add;
      model.rules.insert(model.rules.begin(), adding);
    }
    model.destinations[3].resources[3].capacity = of_four;
    world = models::build(model, book);
    ASSERT_EQ(world->destinations[0].home, 0);
    ASSERT_EQ(world->destinations[3].home, 1);
    engines.clear();
    for (worker_id w = 0; w < 2; ++w)
      engines.push_back(models::make_engine(*world, limits, w, 2));
    first = owned_by(1, "first");
    switch_all_but_four(false);
    ASSERT_EQ(give(1, invite(first)), verdict::request_forwarded);
    const auto sent = take(1).at(1);
    ASSERT_EQ(sent.to, four);
    ASSERT_EQ(give(1, response(sent.bytes, 200, "to-1"), four), verdict::response_forwarded);
    (void)take(1);
    switch_all_but_four(true);
  }
  void switch_all_but_four(bool on) {
    mail m;
    m.kind = mail_kind::set_enabled;
    m.value = on ? 1 : 0;
    for (m.subject = 0; m.subject < 3; ++m.subject)
      engines[1]->on_mail(m, now, sinks[1]);
  }
  static call_parts owned_by(worker_id w, const std::string& name) {
    call_parts parts;
    for (int i = 0;; ++i) {
      parts.call_id = name + std::to_string(i) + "@replaces";
      parts.branch = "z9hG4bK" + name;
      if (owner_of(call_hash(parts.call_id, models::secret), 2) == w) return parts;
    }
  }
  call_parts replacing(const std::string& name, std::string_view to_tag = "to-1") const {
    call_parts parts = owned_by(0, name);
    parts.extra = "Replaces: " + first.call_id + ";from-tag=" + first.from_tag +
                  ";to-tag=" + std::string{to_tag} + "\r\n";
    return parts;
  }
  verdict give(worker_id w, const std::string& bytes, const endpoint& from = caller_address) {
    sinks[w].at_hand = bytes;
    return engines[w]->on_datagram({sinks[w].at_hand, from, 0}, now, sinks[w]);
  }
  std::vector<sent_message> take(worker_id w) { return std::exchange(sinks[w].sent, {}); }
  // Its mail to the other one.
  void deliver(worker_id from) {
    for (const auto& [to, what] : std::exchange(sinks[from].mails, {}))
      engines[to]->on_mail(what, now, sinks[to]);
  }
  void wait_ms(std::uint64_t ms) {
    for (const time_us until = now + ms * 1000; now < until;) {
      now += 1000;
      for (worker_id w = 0; w < 2; ++w)
        engines[w]->advance(now, sinks[w]);
    }
  }
  void settle() {
    for (int i = 0; i < 8; ++i) {
      wait_ms(1);
      deliver(0);
      deliver(1);
    }
  }
  // One waits, and has told its caller so.
  void park(const call_parts& parts) {
    ASSERT_EQ(give(0, invite(parts)), verdict::request_parked);
    const auto sent = take(0);
    ASSERT_EQ(sent.size(), 1u);
    ASSERT_EQ(status_of(sent[0].bytes), 100);
  }
  void expect_invite_to(const endpoint& where) {
    const auto sent = take(0);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(first_line(sent[0].bytes), "INVITE sip:4930123456@192.0.2.1 SIP/2.0");
    EXPECT_EQ(headers(sent[0].bytes, "Via").size(), 2u);
    EXPECT_EQ(sent[0].to, where);
  }
  std::uint64_t replaced() const { return engines[0]->counters().calls_replacing; }
  std::uint64_t unheard() const { return engines[0]->counters().calls_unheard; }
};

TEST_F(engine_replaces_mail, it_waits_for_word_of_the_other_worker) {
  const auto parts = replacing("a");
  park(parts);
  ASSERT_EQ(sinks[0].mails.size(), 1u);
  EXPECT_EQ(sinks[0].mails[0].first, 1);
  ASSERT_EQ(give(0, invite(parts)), verdict::retransmission_answered);
  EXPECT_EQ(status_of(take(0).at(0).bytes), 100);
  ASSERT_EQ(sinks[0].mails.size(), 1u) << "asked once";
  deliver(0);
  deliver(1);
  expect_invite_to(four);
  EXPECT_EQ(replaced(), 1u);
  EXPECT_EQ(unheard(), 0u);
  wait_ms(400);
  EXPECT_TRUE(sinks[0].mails.empty());
  EXPECT_TRUE(take(0).empty()) << "neither asked nor sent again";
  ASSERT_EQ(give(0, invite(owned_by(0, "other"))), verdict::request_forwarded);
  EXPECT_EQ(take(0).at(1).to, one);
}

TEST_F(engine_replaces_mail, what_the_other_worker_does_not_know_goes_by_the_rules) {
  park(replacing("a", "to-2"));
  deliver(0);
  deliver(1);
  expect_invite_to(one);
  EXPECT_EQ(replaced(), 0u);
}

TEST_F(engine_replaces_mail, a_question_or_an_answer_that_is_lost_is_asked_for_again) {
  park(replacing("a"));
  sinks[0].mails.clear();
  wait_ms(25);
  ASSERT_EQ(sinks[0].mails.size(), 1u);
  deliver(0);
  sinks[1].mails.clear();
  wait_ms(45);
  deliver(0);
  deliver(1);
  expect_invite_to(four);
}

// Each time the INVITE is read again, and the mail may be what fills the ring.
TEST_F(engine_replaces_mail, it_asks_more_and_more_seldom) {
  park(replacing("a"));
  wait_ms(25);
  EXPECT_EQ(sinks[0].mails.size(), 2u);
  wait_ms(470);
  EXPECT_EQ(sinks[0].mails.size(), 5u) << "after 20, 60, 140 and 300 ms";
  wait_ms(15);
  expect_invite_to(one);
}

TEST_F(engine_replaces_mail, full_rings_hold_it_up_and_no_more) {
  sinks[0].rings_full = true;
  park(replacing("a"));
  wait_ms(50);
  sinks[0].rings_full = false;
  wait_ms(25);
  sinks[1].rings_full = true;
  deliver(0);
  sinks[1].rings_full = false;
  deliver(1);
  EXPECT_TRUE(take(0).empty());
  wait_ms(75);
  deliver(0);
  deliver(1);
  expect_invite_to(four);
}

TEST_F(engine_replaces_mail, without_an_answer_it_goes_by_the_rules) {
  park(replacing("a"));
  const auto question = sinks[0].mails.at(0).second;
  wait_ms(495);
  ASSERT_TRUE(take(0).empty());
  wait_ms(10);
  expect_invite_to(one);
  EXPECT_EQ(replaced(), 0u);
  EXPECT_EQ(unheard(), 1u);
  // Too late.
  engines[1]->on_mail(question, now, sinks[1]);
  deliver(1);
  wait_ms(100);
  EXPECT_TRUE(take(0).empty());
}

TEST_F(engine_replaces_mail, whoever_gives_it_up_while_it_waits_ends_it) {
  for (const bool by_caller : {true, false}) {
    const auto parts = replacing(by_caller ? "a" : "b");
    park(parts);
    if (by_caller) {
      ASSERT_EQ(give(0, hop_request("CANCEL", parts)), verdict::request_answered);
      EXPECT_EQ(status_of(take(0).at(1).bytes), 487);
    } else {
      mail end;
      end.kind = mail_kind::end_call;
      engines[0]->for_each_call([&end](const call_info& c) { end.subject = c.handle; });
      engines[0]->on_mail(end, now, sinks[0]);
      EXPECT_EQ(status_of(take(0).at(0).bytes), 480);
    }
    deliver(0);
    deliver(1);
    ASSERT_EQ(give(0, hop_request("ACK", parts, "x")), verdict::ack_absorbed);
    wait_ms(600);
    EXPECT_TRUE(take(0).empty());
    EXPECT_TRUE(sinks[0].mails.empty()) << "nor is anybody asked";
    EXPECT_EQ(engines[0]->counters().calls_live, 0u);
  }
}

// Each of them has a place until it goes on or is given up.
TEST_F(engine_replaces_mail, so_many_wait_and_the_next_one_goes_by_the_rules) {
  limits.max_parked = 2;
  make(false);
  sinks[0].mails.clear();
  const auto first_parked = replacing("a");
  park(first_parked);
  park(replacing("b"));
  ASSERT_EQ(give(0, invite(replacing("c"))), verdict::request_forwarded);
  EXPECT_EQ(take(0).at(1).to, one);
  EXPECT_EQ(unheard(), 1u);
  EXPECT_EQ(sinks[0].mails.size(), 2u) << "nobody is asked for it";
  ASSERT_EQ(give(0, hop_request("CANCEL", first_parked)), verdict::request_answered);
  (void)take(0);
  park(replacing("d"));
  ASSERT_EQ(give(0, invite(replacing("e"))), verdict::request_forwarded);
  (void)take(0);
  deliver(0);
  deliver(1);
  EXPECT_EQ(take(0).size(), 2u) << "both of them go on";
  park(replacing("f"));
  park(replacing("g"));
  wait_ms(505); // until their deadline
  (void)take(0);
  EXPECT_EQ(unheard(), 4u);
  park(replacing("h"));
  park(replacing("i"));
}

TEST_F(engine_replaces_mail, an_answer_is_for_the_invite_that_it_was_asked_for) {
  limits.max_transactions = 1;
  make(false);
  const auto given_up = replacing("a");
  park(given_up);
  ASSERT_EQ(give(0, hop_request("CANCEL", given_up)), verdict::request_answered);
  (void)take(0);
  deliver(0);
  const auto answer = sinks[1].mails.at(0).second;
  sinks[1].mails.clear();
  park(replacing("b", "to-2")); // in the same record
  engines[0]->on_mail(answer, now, sinks[0]);
  EXPECT_TRUE(take(0).empty());
  deliver(0);
  deliver(1);
  expect_invite_to(one);
}

TEST_F(engine_replaces_mail, a_number_that_is_another_ones_by_now_is_no_answer) {
  park(replacing("a"));
  deliver(0);
  ASSERT_EQ(sinks[1].mails.at(0).second.subject, world->destinations[3].index);
  ASSERT_EQ(std::exchange(sinks[1].mails.at(0).second.value, 9), 4);
  deliver(1);
  expect_invite_to(one);
}

TEST_F(engine_replaces_mail, mail_that_fits_nothing_does_nothing) {
  mail odd;
  odd.kind = mail_kind::find_replaced;
  odd.from = 2;
  engines[0]->on_mail(odd, now, sinks[0]);
  EXPECT_TRUE(sinks[0].mails.empty());
  odd.kind = mail_kind::found_replaced;
  for (const std::uint32_t slot : {0u, 127u, 128u, 0xffffffffu}) {
    odd.slot = slot;
    engines[0]->on_mail(odd, now, sinks[0]);
  }
  EXPECT_TRUE(take(0).empty());
}

// Then it waits for a line there, which is counted as ever.
TEST_F(engine_replaces_mail, the_line_may_have_to_be_leased) {
  make(true);
  park(replacing("a"));
  settle();
  expect_invite_to(four);
  EXPECT_EQ(replaced(), 1u);
  EXPECT_EQ(engines[0]->ledger().view(world->destinations[3].resources[3].slot).used, 1);
}

// Worker 0 has not heard that the only line is in use.
TEST_F(engine_replaces_mail, where_no_line_is_left_it_goes_by_the_rules) {
  make(true, 1);
  sinks[1].mails.clear();
  park(replacing("a"));
  settle();
  expect_invite_to(one);
  EXPECT_EQ(replaced(), 0u);
  EXPECT_EQ(engines[0]->ledger().view(world->destinations[0].resources[1].slot).used, 1);
}

} // namespace
} // namespace linehunt::test::engine_replaces_mail_test
