// SPDX-License-Identifier: Apache-2.0
// Several workers: an INVITE that lacks a lease waits, goes on when its home has decided, and ends
// in every other way that a waiting INVITE can end.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <random>

namespace linehunt::test::engine_lease_test {
namespace {

struct engine_lease : ::testing::Test {
  index_book book{64, 256};
  std::unique_ptr<const snapshot> world;
  worker_id workers = 2;
  engine_limits limits = engine_world::small();
  std::vector<std::unique_ptr<engine>> engines;
  std::vector<recorder> sinks;
  node_secret secret{{1, 2}, {3, 4}};
  time_us now = 1'000'000;

  void SetUp() override { make(1); }
  void make(std::size_t destinations, std::int32_t lines = 3) {
    snapshot_model model = study_case();
    model.workers = workers;
    model.destinations.resize(destinations);
    model.destinations[0].resources[1].capacity = lines; // pstn
    model.overload.enabled = true;
    std::vector<build_error> errors;
    world = build_snapshot(model, book, errors);
    ASSERT_TRUE(world);
    engines.clear();
    sinks = std::vector<recorder>(workers);
    for (worker_id w = 0; w < workers; ++w)
      engines.push_back(models::make_engine(*world, limits, w, workers, secret, 1));
  }
  worker_id home() const { return world->destinations[0].home; }
  worker_id other() const { return static_cast<worker_id>(1 - home()); }

  // Parts of a call that this worker owns.
  call_parts owned_by(worker_id w, int number) const {
    call_parts parts;
    for (int i = 0;; ++i) {
      parts.call_id = std::to_string(number) + "-" + std::to_string(i) + "@lease";
      if (owner_of(call_hash(parts.call_id, secret), workers) == w) return parts;
    }
  }
  verdict give(worker_id w, const std::string& bytes, const endpoint& from) {
    sinks[w].at_hand = bytes;
    return engines[w]->on_datagram({sinks[w].at_hand, from, 0}, now, sinks[w]);
  }
  // Timers, flushes and mail until nothing moves any more.
  void settle(std::uint64_t ms = 20) {
    now += ms * 1000;
    for (int round = 0; round < 8; ++round) {
      for (worker_id w = 0; w < workers; ++w)
        engines[w]->advance(now, sinks[w]);
      for (worker_id w = 0; w < workers; ++w) {
        for (const auto& [to, what] : std::exchange(sinks[w].mails, {}))
          engines[to]->on_mail(what, now, sinks[to]);
      }
    }
  }
  std::vector<sent_message> take(worker_id w) { return std::exchange(sinks[w].sent, {}); }
  std::int64_t used() const {
    std::int64_t sum = 0;
    for (std::size_t d = 0; d < world->destinations.size(); ++d)
      sum += used(d);
    return sum;
  }
  std::int64_t used(std::size_t destination) const {
    std::int64_t sum = 0;
    for (const auto& e : engines) {
      for (const auto& r : world->destinations[destination].resources)
        sum += e->ledger().view(r.slot).used;
    }
    return sum;
  }
};

TEST_F(engine_lease, a_parked_invite_goes_on_when_its_home_grants) {
  const auto parts = owned_by(other(), 1);
  ASSERT_EQ(give(other(), invite(parts), caller_address), verdict::request_parked);
  auto sent = take(other());
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(status_of(sent[0].bytes), 100);
  ASSERT_EQ(give(other(), invite(parts), caller_address), verdict::retransmission_answered);
  (void)take(other());
  settle();
  sent = take(other());
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].bytes.starts_with("INVITE sip:4930123456@192.0.2.1 SIP/2.0\r\nVia: "
                                        "SIP/2.0/UDP 192.0.2.1:5060;branch="));
  EXPECT_EQ(headers(sent[0].bytes, "Via").size(), 2u);
  EXPECT_EQ(used(), 1);
  ASSERT_EQ(give(other(), response(sent[0].bytes, 486, "t"), sent[0].to),
            verdict::response_forwarded);
  EXPECT_EQ(used(), 0);
}

TEST_F(engine_lease, no_more_calls_than_lines_whoever_owns_them) {
  int forwarded = 0, refused = 0;
  for (int i = 0; i < 10; ++i) {
    const auto w = static_cast<worker_id>(i % 2);
    (void)give(w, invite(owned_by(w, i)), caller_address);
    settle();
  }
  for (worker_id w = 0; w < 2; ++w) {
    for (const auto& m : take(w)) {
      forwarded += m.bytes.starts_with("INVITE ") ? 1 : 0;
      refused += m.bytes.starts_with("SIP/2.0 500 Service full") ? 1 : 0;
    }
  }
  EXPECT_EQ(forwarded, 3);
  EXPECT_EQ(refused, 7);
  EXPECT_EQ(used(), 3);
  std::uint64_t counted = 0;
  for (const auto& e : engines)
    counted += e->counters().no_capacity.total();
  EXPECT_EQ(counted, 7u);
}

// Whole calls at four engines: never more than thirty, and as soon as one has ended there is room
// for one more, whichever worker it comes to.
TEST_F(engine_lease, thirty_lines_are_thirty_calls_of_ten_thousand_offered) {
  workers = 4;
  make(1, 30);
  struct live {
    worker_id owner;
    std::string ok;
  };
  std::vector<live> calls;
  std::mt19937 random(30);
  int admitted = 0, refused = 0;
  const auto offer = [&](int number) {
    const auto w = static_cast<worker_id>(random() % workers);
    (void)give(w, invite(owned_by(w, number)), caller_address);
    settle(2);
    for (const auto& m : take(w)) {
      refused += m.bytes.starts_with("SIP/2.0 500 Service full") &&
                         m.bytes.find("Call-ID: " + std::to_string(number) + "-") != m.bytes.npos
                     ? 1
                     : 0;
      if (!m.bytes.starts_with("INVITE ")) continue;
      ++admitted;
      ASSERT_EQ(give(w, response(m.bytes, 200, "t"), m.to), verdict::response_forwarded);
      calls.push_back({w, take(w).back().bytes});
      dialog_request ack;
      ack.method = "ACK";
      ack.cseq = 1;
      ASSERT_EQ(give(w, within(calls.back().ok, ack), caller_address), verdict::request_forwarded);
      (void)take(w);
    }
  };
  const auto hang_up = [&] {
    std::swap(calls[random() % calls.size()], calls.back());
    const live gone = calls.back();
    calls.pop_back();
    ASSERT_EQ(give(gone.owner, within(gone.ok, {}), caller_address), verdict::request_forwarded);
    const auto bye = take(gone.owner).back();
    ASSERT_EQ(give(gone.owner, response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  };
  for (int i = 0; i < 10'000; ++i) {
    const bool one_ends = calls.size() == 30 && i % 4 == 0;
    if (one_ends) hang_up();
    const int before = admitted;
    const bool room = calls.size() < 30;
    offer(i);
    if (HasFatalFailure()) return;
    ASSERT_EQ(admitted, before + (room ? 1 : 0)) << "offer " << i;
    ASSERT_EQ(used(), static_cast<std::int64_t>(calls.size()));
    ASSERT_LE(calls.size(), 30u);
  }
  EXPECT_EQ(admitted + refused, 10'000);
  while (!calls.empty())
    hang_up();
  EXPECT_EQ(used(), 0);
}

TEST_F(engine_lease, a_cancel_ends_a_parked_invite_at_once) {
  const auto parts = owned_by(other(), 1);
  ASSERT_EQ(give(other(), invite(parts), caller_address), verdict::request_parked);
  (void)take(other());
  ASSERT_EQ(give(other(), hop_request("CANCEL", parts), caller_address), verdict::request_answered);
  const auto sent = take(other());
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(status_of(sent[0].bytes), 200);
  EXPECT_EQ(status_of(sent[1].bytes), 487);
  settle();
  for (const auto& m : take(other()))
    EXPECT_FALSE(m.bytes.starts_with("INVITE "));
  EXPECT_EQ(used(), 0);
}

TEST_F(engine_lease, a_parked_invite_has_a_deadline) {
  const auto parts = owned_by(other(), 1);
  ASSERT_EQ(give(other(), invite(parts), caller_address), verdict::request_parked);
  (void)take(other());
  // The mail is lost in a full ring: nobody answers.
  for (int i = 0; i < 60; ++i)
    engines[other()]->advance(now += 10'000, sinks[other()]);
  const auto sent = take(other());
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(first_line(sent[0].bytes), "SIP/2.0 500 Service full");
  EXPECT_EQ(engines[other()]->counters().no_capacity.total(), 1u);
  settle();
  EXPECT_EQ(used(), 0);
}

// The line is granted, but by now the destination asks for no calls: the next one, and never the
// same one again, which would be granted and passed over for as long as the call may wait.
TEST_F(engine_lease, a_call_does_not_wait_twice_for_who_sheds_it) {
  make(4);
  const worker_id w = world->destinations[3].home;
  ASSERT_NE(w, home());
  mail full;
  full.kind = mail_kind::overload;
  full.from = home();
  full.flags = 100; // per cent
  full.value = 60'000;
  full.slot = world->destinations[3].index;
  engines[w]->on_mail(full, now, sinks[w]);
  // So it has to be the other one, whose lines are at another home.
  ASSERT_EQ(give(w, invite(owned_by(w, 1)), caller_address), verdict::request_parked);
  (void)take(w);
  full.slot = world->destinations[0].index;
  engines[w]->on_mail(full, now, sinks[w]);
  settle();
  const auto sent = take(w);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(first_line(sent[0].bytes), "SIP/2.0 503 Destination Overload");
  EXPECT_EQ(used(), 0);
}

TEST_F(engine_lease, no_more_invites_wait_than_there_are_places) {
  limits.max_parked = 2;
  make(1);
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(give(other(), invite(owned_by(other(), i)), caller_address), verdict::request_parked);
  (void)take(other());
  ASSERT_EQ(give(other(), invite(owned_by(other(), 2)), caller_address),
            verdict::rejected_no_capacity);
  EXPECT_EQ(first_line(take(other()).at(0).bytes), "SIP/2.0 500 Service full");
  settle();
  EXPECT_EQ(used(), 2);
  ASSERT_EQ(give(other(), invite(owned_by(other(), 3)), caller_address), verdict::request_parked)
      << "their places are free again";
}

TEST_F(engine_lease, who_ends_while_it_waits_leaves_its_place) {
  limits.max_parked = 1;
  for (const char* way : {"deadline", "CANCEL", "admin"}) {
    make(1);
    const worker_id w = other();
    const auto parts = owned_by(w, 1);
    ASSERT_EQ(give(w, invite(parts), caller_address), verdict::request_parked);
    (void)take(w);
    if (way == std::string_view{"deadline"}) {
      for (int i = 0; i < 60; ++i)
        engines[w]->advance(now += 10'000, sinks[w]);
    } else if (way == std::string_view{"CANCEL"}) {
      ASSERT_EQ(give(w, hop_request("CANCEL", parts), caller_address), verdict::request_answered);
    } else {
      mail end;
      end.kind = mail_kind::end_call;
      engines[w]->for_each_call([&end](const call_info& c) { end.subject = c.handle; });
      engines[w]->on_mail(end, now, sinks[w]);
    }
    EXPECT_GE(status_of(take(w).back().bytes), 480) << way;
    EXPECT_EQ(give(w, invite(owned_by(w, 2)), caller_address), verdict::request_parked) << way;
  }
}

TEST_F(engine_lease, a_late_failure_does_not_disturb_who_waits_for_the_next_destination) {
  make(4);
  const worker_id w = world->destinations[3].home; // most lines: the first choice
  ASSERT_NE(w, home()) << "the second choice must be leased";
  ASSERT_EQ(give(w, invite(owned_by(w, 1)), caller_address), verdict::request_forwarded);
  const auto first = take(w).at(1);
  engines[w]->advance(now += 5'010'000, sinks[w]);
  (void)take(w);
  ASSERT_EQ(used(), 0);
  ASSERT_EQ(give(w, response(first.bytes, 486, "late"), first.to), verdict::response_consumed);
  auto sent = take(w);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].bytes.starts_with("ACK "));
  EXPECT_EQ(sent[0].to, first.to);
  settle();
  sent = take(w);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].bytes.starts_with("INVITE "));
  EXPECT_EQ(sent[0].to, at("192.0.2.11:5060"));
  EXPECT_EQ(used(), 1);
}

TEST_F(engine_lease, a_late_2xx_takes_the_call_that_waits_for_the_next_destination) {
  make(4);
  const worker_id w = world->destinations[3].home; // most lines: the first choice
  ASSERT_NE(w, home()) << "the second choice must be leased";
  const auto parts = owned_by(w, 1);
  ASSERT_EQ(give(w, invite(parts), caller_address), verdict::request_forwarded);
  const auto first = take(w).at(1);
  ASSERT_EQ(first.to, at("192.0.2.14:5060"));
  // Silent: given up, and the next one is asked for.
  engines[w]->advance(now += 5'010'000, sinks[w]);
  (void)take(w);
  ASSERT_EQ(used(), 0);
  ASSERT_EQ(give(w, response(first.bytes, 200, "late"), first.to), verdict::response_forwarded);
  const auto sent = take(w);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(status_of(sent[0].bytes), 200);
  EXPECT_EQ(used(3), 1) << "counted where it answered";
  // The lease comes all the same, and nobody takes it for this call.
  settle();
  settle(600);
  for (const auto& m : take(w))
    EXPECT_FALSE(m.bytes.starts_with("INVITE ")) << m.bytes;
  EXPECT_EQ(used(0), 0);
  EXPECT_EQ(used(3), 1);
  dialog_request what;
  what.method = "ACK";
  what.cseq = 1;
  ASSERT_EQ(give(w, within(sent[0].bytes, what), caller_address), verdict::request_forwarded);
  (void)take(w);
  ASSERT_EQ(give(w, within(sent[0].bytes, {}), caller_address), verdict::request_forwarded);
  const auto bye = take(w).at(0);
  ASSERT_EQ(give(w, response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
  EXPECT_EQ(used(), 0);
}

} // namespace
} // namespace linehunt::test::engine_lease_test
