// SPDX-License-Identifier: Apache-2.0
// Do the checks of the ledger's tests see a broken ledger? Each test breaks one thing from outside,
// between the ledgers or in what is asked of them, and demands that a check says so.
#include "ledger_cluster.h"
#include "ledger_world.h"

#include <gtest/gtest.h>

#include <random>

namespace linehunt::ledger_mutation_test {
namespace {

using test::cluster_call;
using test::ledger_cluster;
using stage = cluster_call::stage;

std::shared_ptr<const snapshot> two_boxes() {
  auto world = std::make_shared<snapshot>();
  test::add_destination(*world, 1, {{0, 3}, {1, 2}}, 0);
  test::add_destination(*world, 1, {{0, 2}, {1, 3}}, 1);
  return world;
}

// Calls come and go at random. What the checks say, or nothing.
std::string drive(ledger_cluster& cluster, std::uint32_t seed, bool release_twice = false) {
  std::mt19937 random(seed);
  std::vector<std::uint32_t> live;
  for (int i = 0; i < 3000; ++i) {
    const auto a = static_cast<worker_id>(random() % 3), b = static_cast<worker_id>(random() % 3);
    const std::uint32_t what = static_cast<std::uint32_t>(random() % 10);
    std::vector<std::uint32_t> held, waiting;
    for (const std::uint32_t c : live)
      if (const stage at = cluster.calls()[c].at; at == stage::held || at == stage::pending)
        (at == stage::held ? held : waiting).push_back(c);
    if (what < 2 && waiting.size() < 10) {
      cluster_call call;
      call.worker = a;
      call.resources = what == 0 ? std::vector<resource_id>{0} : std::vector<resource_id>{0, 1};
      live.push_back(cluster.add_call(call));
      cluster.start(live.back());
    } else if (what < 4 && !held.empty()) {
      const std::uint32_t c = held[random() % held.size()];
      holding again = cluster.calls()[c].lines;
      cluster.end(c);
      if (release_twice && random() % 10 == 0) cluster.at(cluster.calls()[c].worker).release(again);
    } else if (what < 7) {
      cluster.flush(a);
    } else if (cluster.can_deliver(a, b)) {
      cluster.deliver(a, b);
    }
    if (std::string text = cluster.broken(); !text.empty()) return text;
  }
  if (!cluster.settle()) return "never comes to rest";
  return cluster.broken_at_rest();
}

std::string with_copies(const std::function<int(const mail&)>& copies) {
  ledger_cluster cluster(3, 4, two_boxes());
  cluster.copies = copies;
  return drive(cluster, 11);
}

TEST(ledger_mutation, untouched_passes) {
  ledger_cluster cluster(3, 4, two_boxes());
  EXPECT_EQ(drive(cluster, 11), "");
  EXPECT_EQ(with_copies([](const mail&) { return 1; }), "");
}

TEST(ledger_mutation, lines_released_twice_are_seen) {
  ledger_cluster cluster(3, 4, two_boxes());
  EXPECT_NE(drive(cluster, 11, true), "");
}

// The third mail of a kind is lost or doubled.
class one_mail_of_a_kind : public testing::TestWithParam<std::tuple<mail_kind, int>> {};

TEST_P(one_mail_of_a_kind, lost_or_doubled_is_seen) {
  const auto [kind, copies] = GetParam();
  int seen = 0;
  const std::string text = with_copies([&, kind = kind, copies = copies](const mail& m) {
    const bool carries = m.kind != mail_kind::lease_return || m.value != 0;
    return m.kind == kind && carries && ++seen == 3 ? copies : 1;
  });
  ASSERT_GE(seen, 3);
  EXPECT_NE(text, "");
}

INSTANTIATE_TEST_SUITE_P(
    lost, one_mail_of_a_kind,
    testing::Combine(testing::Values(mail_kind::lease_request, mail_kind::lease_grant,
                                     mail_kind::lease_refuse, mail_kind::lease_recall,
                                     mail_kind::lease_return),
                     testing::Values(0)));
INSTANTIATE_TEST_SUITE_P(doubled, one_mail_of_a_kind,
                         testing::Combine(testing::Values(mail_kind::lease_grant,
                                                          mail_kind::lease_return),
                                          testing::Values(2)));

TEST(ledger_mutation, loads_never_told_are_seen) {
  EXPECT_NE(with_copies([](const mail& m) { return m.kind == mail_kind::load_update ? 0 : 1; }),
            "");
}

} // namespace
} // namespace linehunt::ledger_mutation_test
