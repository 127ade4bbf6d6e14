// SPDX-License-Identifier: Apache-2.0
// Overload control (RFC 7339): what we offer, whom we believe, which calls are shed, when it ends.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test::engine_overload_test {
namespace {

snapshot_model with_overload(bool only_first = true) {
  snapshot_model model = study_case();
  model.overload.enabled = true;
  model.destinations[3].enabled = !only_first;
  for (auto& d : model.destinations)
    for (auto& r : d.resources)
      r.capacity = 1000;
  return model;
}

// What a destination writes into the topmost Via of its response.
std::string asking(const std::string& reply, const std::string& parameters) {
  return replace(reply, ";oc;oc-algo=\"loss\"", parameters);
}

struct engine_overload : ::testing::Test {
  engine_world world{with_overload()};
  int calls = 0;

  std::string next_invite() {
    ++calls;
    call_parts parts;
    parts.call_id = "o" + std::to_string(calls) + "@caller.example";
    parts.branch = "z9hG4bKo" + std::to_string(calls);
    return invite(parts);
  }
  sent_message start(engine_world& in) {
    EXPECT_EQ(in.give(next_invite(), caller_address), verdict::request_forwarded);
    return in.take().at(1);
  }
  // A call that is refused by its destination, which says so.
  void hear(engine_world& in, const std::string& parameters) {
    const auto sent = start(in);
    ASSERT_EQ(in.give(asking(response(sent.bytes, 486, "b"), parameters), sent.to),
              verdict::response_forwarded);
    (void)in.take();
  }
  // Of `count` new calls, how many are refused for overload.
  int shed(engine_world& in, int count) {
    int refused = 0;
    for (int i = 0; i < count; ++i) {
      const verdict v = in.give(next_invite(), caller_address);
      const auto sent = in.take();
      if (v == verdict::rejected_overload) {
        ++refused;
        EXPECT_EQ(first_line(sent.at(0).bytes), "SIP/2.0 503 Destination Overload");
        EXPECT_EQ(header(sent.at(0).bytes, "Retry-After"), "");
        continue;
      }
      EXPECT_EQ(v, verdict::request_forwarded);
      (void)in.give(response(sent.at(1).bytes, 486, "b"), sent.at(1).to);
      (void)in.take();
    }
    return refused;
  }
};

TEST_F(engine_overload, is_offered_to_destinations_only_and_only_when_enabled) {
  const auto sent = start(world);
  EXPECT_TRUE(headers(sent.bytes, "Via").at(0).ends_with(";oc;oc-algo=\"loss\""));
  EXPECT_EQ(headers(sent.bytes, "Via").at(1).find(";oc"), std::string::npos);
  engine_world off;
  EXPECT_EQ(start(off).bytes.find(";oc"), std::string::npos);
  // A call of a destination goes to the core, which is none.
  call_parts parts;
  parts.sent_by = "192.0.2.11:5060";
  ASSERT_EQ(world.give(invite(parts), at("192.0.2.11")), verdict::request_forwarded);
  EXPECT_EQ(world.take().at(1).bytes.find(";oc"), std::string::npos);
}

TEST_F(engine_overload, echo_asks_for_nothing) {
  const auto sent = start(world);
  (void)world.give(response(sent.bytes, 486, "b"), sent.to);
  EXPECT_EQ(shed(world, 50), 0);
}

TEST_F(engine_overload, sheds_the_share_that_is_asked_for_until_it_expires) {
  hear(world, ";oc=30;oc-algo=\"loss\";oc-validity=2000;oc-seq=1282321615.782");
  const int refused = shed(world, 400);
  EXPECT_GT(refused, 80);
  EXPECT_LT(refused, 160);
  EXPECT_EQ(world.counters().calls_shed, static_cast<std::uint64_t>(refused));
  EXPECT_EQ(world.count_of(verdict::rejected_overload), static_cast<std::uint64_t>(refused));
  EXPECT_EQ(world.total_load(), 0);
  world.wait_ms(2'010);
  EXPECT_EQ(shed(world, 50), 0);
}

TEST_F(engine_overload, one_per_cent_is_one_call_of_a_hundred) {
  hear(world, ";oc=1;oc-algo=\"loss\";oc-validity=60000;oc-seq=1.0");
  const int refused = shed(world, 5'000);
  EXPECT_GT(refused, 20);
  EXPECT_LT(refused, 80);
}

TEST_F(engine_overload, the_same_calls_are_shed_in_every_run) {
  engine_world again{with_overload()};
  hear(world, ";oc=50;oc-validity=9000;oc-seq=1.0");
  const int refused = shed(world, 100);
  calls = 0;
  hear(again, ";oc=50;oc-validity=9000;oc-seq=1.0");
  EXPECT_EQ(shed(again, 100), refused);
}

TEST_F(engine_overload, half_a_second_where_no_validity_is_said) {
  hear(world, ";oc=100;oc-algo=\"loss\";oc-seq=1.0");
  EXPECT_EQ(shed(world, 20), 20);
  world.wait_ms(510);
  EXPECT_EQ(shed(world, 20), 0);
}

TEST_F(engine_overload, zero_validity_ends_it) {
  const auto open = start(world);
  hear(world, ";oc=100;oc-algo=\"loss\";oc-validity=60000;oc-seq=1.0");
  EXPECT_EQ(shed(world, 5), 5);
  (void)world.give(
      asking(response(open.bytes, 180, "b"), ";oc=100;oc-algo=\"loss\";oc-validity=0;oc-seq=2.0"),
      open.to);
  (void)world.take();
  EXPECT_EQ(shed(world, 5), 0);
}

TEST_F(engine_overload, older_sequence_numbers_are_ignored) {
  const auto open = start(world);
  hear(world, ";oc=100;oc-algo=\"loss\";oc-validity=60000;oc-seq=20.5");
  for (const char* old : {"20.4", "19.99999", "3.0"})
    (void)world.give(asking(response(open.bytes, 180, "b"),
                            ";oc=0;oc-algo=\"loss\";oc-validity=60000;oc-seq=" + std::string{old}),
                     open.to);
  (void)world.take();
  EXPECT_EQ(shed(world, 5), 5);
  (void)world.give(
      asking(response(open.bytes, 180, "b"), ";oc=0;oc-validity=60000;oc-seq=20.50001"), open.to);
  (void)world.take();
  EXPECT_EQ(shed(world, 5), 0);
}

TEST_F(engine_overload, what_cannot_be_meant_is_ignored) {
  for (const char* wrong : {";oc=101;oc-validity=9000", ";oc=x;oc-validity=9000",
                            ";oc=50;oc-algo=\"rate\";oc-validity=9000", ";oc=50;oc-validity=many",
                            ";oc=50;oc-validity=9000;oc-seq=1.2.3", ";oc-validity=9000;oc-seq=9.9",
                            ";oc=99999999999999999999;oc-validity=9000"})
    hear(world, wrong);
  EXPECT_EQ(shed(world, 30), 0);
  hear(world, ";OC=100;Oc-Validity=9000");
  EXPECT_EQ(shed(world, 5), 5);
}

TEST_F(engine_overload, longest_validity_is_bounded) {
  hear(world, ";oc=100;oc-validity=4294967295");
  EXPECT_EQ(shed(world, 5), 5);
  world.now += 301'000'000;
  world.wait_ms(10);
  EXPECT_EQ(shed(world, 5), 0);
}

TEST_F(engine_overload, strangers_are_not_believed) {
  const auto sent = start(world);
  EXPECT_EQ(world.give(asking(response(sent.bytes, 486, "b"), ";oc=100;oc-validity=9000"),
                       at("203.0.113.66")),
            verdict::dropped_wrong_source);
  EXPECT_EQ(shed(world, 20), 0);
}

TEST_F(engine_overload, calls_go_to_those_who_shed_nothing) {
  engine_world both{with_overload(false)};
  hear(both, ";oc=100;oc-validity=60000;oc-seq=1.0");
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(start(both).to, at("192.0.2.14"));
  EXPECT_EQ(both.counters().calls_shed, 0u);
  EXPECT_EQ(both.counters().passed_over, 20u);
  EXPECT_EQ(both.load(1, "pstn"), 0);
  EXPECT_EQ(both.load(4, "pstn"), 20);
}

TEST_F(engine_overload, requests_within_a_call_are_never_shed) {
  const running_call call = establish(world);
  hear(world, ";oc=100;oc-validity=60000;oc-seq=1.0");
  EXPECT_EQ(shed(world, 3), 3);
  dialog_request update;
  update.method = "UPDATE";
  EXPECT_EQ(world.give(within(call.ok_at_caller, update), caller_address),
            verdict::request_forwarded);
  (void)world.take();
  dialog_request bye;
  bye.cseq = 3;
  bye.branch = "z9hG4bKbye";
  EXPECT_EQ(world.give(within(call.ok_at_caller, bye), caller_address), verdict::request_forwarded);
  EXPECT_TRUE(world.take_one().bytes.starts_with("BYE "));
}

TEST_F(engine_overload, responses_within_a_call_speak_too) {
  const running_call call = establish(world);
  dialog_request info;
  info.method = "INFO";
  // The Contact is elsewhere; the Route leads to us, and the request to the address that answered.
  std::string text = replace(within(call.ok_at_caller, info), "sip:machine@192.0.2.99:5070 ",
                             "sip:machine@192.0.2.11:5060 ");
  ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
  const auto sent = world.take_one();
  ASSERT_NE(sent.bytes.find(";oc;oc-algo=\"loss\""), std::string::npos);
  ASSERT_EQ(world.give(asking(response(sent.bytes, 200, ""), ";oc=100;oc-validity=9000"), sent.to),
            verdict::response_forwarded);
  EXPECT_EQ(world.take_one().bytes.find(";oc"), std::string::npos);
  EXPECT_EQ(shed(world, 5), 5);
}

TEST_F(engine_overload, our_value_does_not_go_upstream) {
  const auto sent = start(world);
  for (const int status : {180, 200}) {
    (void)world.give(
        asking(response(sent.bytes, status, "b"), ";oc=20;oc-algo=\"loss\";oc-validity=9000"),
        sent.to);
    EXPECT_EQ(world.take_one().bytes.find(";oc"), std::string::npos);
  }
}

// A client of ours may offer overload control itself; only we could answer it, and we do not.
TEST_F(engine_overload, foreign_values_are_taken_out_and_an_offer_is_left) {
  for (const bool spoiled : {false, true}) {
    std::string text = next_invite();
    text = replace(text, ";branch=", ";oc;oc-algo=\"loss\";branch=");
    ASSERT_EQ(world.give(text, caller_address), verdict::request_forwarded);
    const auto sent = world.take().at(1);
    std::string reply = response(sent.bytes, 180, "b");
    if (spoiled)
      reply = replace(reply, ";oc;oc-algo=\"loss\";branch=",
                      ";oc=90;oc-algo=\"loss\";oc-validity=60000;branch=");
    ASSERT_EQ(world.give(reply, sent.to), verdict::response_forwarded);
    const auto via = header(world.take_one().bytes, "Via");
    if (spoiled)
      EXPECT_EQ(via.find("oc"), std::string::npos) << via;
    else
      EXPECT_NE(via.find(";oc;oc-algo=\"loss\";branch="), std::string::npos) << via;
  }
  EXPECT_EQ(shed(world, 20), 0) << "and it asks nothing of us";
}

TEST_F(engine_overload, other_workers_hear_of_it) {
  mail m;
  m.kind = mail_kind::overload;
  m.slot = 0;
  m.flags = 0x80 | 100;
  m.value = 1000;
  m.subject = 7;
  world.mail(m);
  EXPECT_EQ(shed(world, 5), 5);
  m.flags = 0x80 | 0;
  m.subject = 6; // older
  world.mail(m);
  EXPECT_EQ(shed(world, 5), 5);
  world.wait_ms(1'010);
  EXPECT_EQ(shed(world, 5), 0);
  m.slot = 4'000'000'000;
  world.mail(m);
}

TEST_F(engine_overload, reload_that_disables_it_ends_it) {
  hear(world, ";oc=100;oc-validity=60000;oc-seq=1.0");
  auto model = with_overload();
  model.overload.enabled = false;
  world.reload(model);
  EXPECT_EQ(shed(world, 5), 0);
}

TEST_F(engine_overload, another_uri_has_asked_for_nothing) {
  hear(world, ";oc=100;oc-validity=60000;oc-seq=1.0");
  EXPECT_EQ(shed(world, 5), 5);
  auto model = with_overload();
  for (destination_model& d : model.destinations)
    d.uri += ";box=2";
  world.reload(model);
  EXPECT_EQ(shed(world, 5), 0);
}

// An INVITE that still rings where the destination was before.
TEST_F(engine_overload, the_box_from_before_asks_for_nobody_else) {
  const auto sent = start(world);
  auto model = with_overload();
  for (destination_model& d : model.destinations) {
    d.uri = "sip:192.0.2.12" + std::to_string(d.id);
    d.addresses = {at("192.0.2.12" + std::to_string(d.id))};
  }
  world.reload(model);
  const std::string ringing =
      asking(response(sent.bytes, 180, "b"), ";oc=100;oc-validity=60000;oc-seq=1.0");
  ASSERT_EQ(world.give(ringing, sent.to), verdict::response_forwarded);
  (void)world.take();
  EXPECT_EQ(shed(world, 5), 0);
}

TEST(engine_pause, mail_pauses_a_destination_for_its_time) {
  engine_world world;
  mail m;
  m.kind = mail_kind::pause;
  m.subject = 0;
  m.value = 3;
  world.mail(m);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(2'900);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(200);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
  mail off;
  off.kind = mail_kind::set_enabled;
  off.subject = 0;
  world.mail(off);
  world.mail(m); // what an admin has disabled stays so
  world.wait_ms(4'000);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  m.subject = 1'000'000;
  world.mail(m);
}

TEST(engine_pause, of_two_workers_the_longer_one_counts) {
  engine_world world;
  mail m;
  m.kind = mail_kind::pause;
  m.subject = 0;
  for (const int seconds : {2, 300, 5}) {
    m.value = seconds;
    world.mail(m);
  }
  world.wait_ms(299'000);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(1'100);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
}

// The first destination is paused for 3 s, and then a reload takes place.
struct engine_pause_of_first : ::testing::Test {
  engine_pause_of_first() {
    mail m;
    m.kind = mail_kind::pause;
    m.subject = 0;
    m.value = 3;
    world.mail(m);
  }
  engine_world world;
  snapshot_model model = study_case();
};

TEST_F(engine_pause_of_first, its_end_does_not_enable_another_uri) {
  model.destinations[0].uri = "sip:192.0.2.33";
  model.destinations[0].enabled = false;
  world.reload(model);
  world.wait_ms(4'000);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
}

TEST_F(engine_pause_of_first, its_end_does_not_enable_who_has_the_number_next) {
  const destination_model first = model.destinations[0];
  model.destinations.erase(model.destinations.begin());
  world.reload(model);
  // The same once more, as whoever else gets the number.
  model.destinations.insert(model.destinations.begin(), first);
  model.destinations[0].enabled = false;
  world.reload(model);
  world.wait_ms(4'000);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
}

TEST_F(engine_pause_of_first, goes_on_where_a_reload_changes_something_else) {
  model.destinations[1].uri = "sip:192.0.2.33";
  world.reload(model);
  EXPECT_FALSE(world.engine().ledger().enabled(0));
  world.wait_ms(4'000);
  EXPECT_TRUE(world.engine().ledger().enabled(0));
}

} // namespace
} // namespace linehunt::test::engine_overload_test
