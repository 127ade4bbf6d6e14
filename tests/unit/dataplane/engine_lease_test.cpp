// SPDX-License-Identifier: Apache-2.0
// Two workers: an INVITE that lacks a lease waits, goes on when its home has decided, and ends in
// every other way that a waiting INVITE can end.
#include "engine_world.h"

#include <gtest/gtest.h>

namespace linehunt::test {
namespace {

struct engine_lease : ::testing::Test {
  index_book book{64, 256};
  std::unique_ptr<const snapshot> world;
  std::array<std::unique_ptr<engine>, 2> engines;
  std::array<recorder, 2> sinks;
  node_secret secret{{1, 2}, {3, 4}};
  time_us now = 1'000'000;

  void SetUp() override { make(1); }
  void make(std::size_t destinations) {
    snapshot_model model = study_case();
    model.workers = 2;
    model.destinations.resize(destinations);
    model.destinations[0].resources[1].capacity = 3; // pstn
    std::vector<build_error> errors;
    world = build_snapshot(model, book, errors);
    ASSERT_TRUE(world);
    for (worker_id w = 0; w < 2; ++w) {
      engine_setup setup;
      setup.self = w;
      setup.workers = 2;
      setup.limits = engine_world::small();
      setup.secret = secret;
      engines[w] = std::make_unique<engine>(setup, *world);
    }
  }
  worker_id home() const { return world->destinations[0].home; }
  worker_id other() const { return static_cast<worker_id>(1 - home()); }

  // Parts of a call that this worker owns.
  call_parts owned_by(worker_id w, int number) const {
    call_parts parts;
    for (int i = 0;; ++i) {
      parts.call_id = std::to_string(number) + "-" + std::to_string(i) + "@lease";
      if (owner_of(call_hash(parts.call_id, secret), 2) == w) return parts;
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
      for (worker_id w = 0; w < 2; ++w)
        engines[w]->advance(now, sinks[w]);
      for (worker_id w = 0; w < 2; ++w) {
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
  settle();
  EXPECT_EQ(used(), 0);
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
} // namespace linehunt::test
