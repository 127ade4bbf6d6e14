// SPDX-License-Identifier: Apache-2.0
// A slot's number that goes on to a destination with another home: only when nothing of the one
// before is left anywhere, however late its mail comes.
#include "ledger_cluster.h"
#include "ledger_world.h"

#include <gtest/gtest.h>

#include <random>

namespace linehunt::ledger_number_test {
namespace {

using test::add_destination;
using test::cluster_call;
using test::ledger_cluster;
using stage = cluster_call::stage;
using shared_world = std::shared_ptr<const snapshot>;

constexpr worker_id workers = 3;
constexpr slot_index number = 2; // of resource 1
constexpr int capacity = 10;

// Two destinations of one line each, at home on workers 0 and 1; `owner` offers resource 1, too.
shared_world world_with(destination_index owner, int lines = capacity) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 1}}, 0);
  add_destination(*world, 2, {{0, 1}}, 1);
  if (owner != no_index)
    world->destinations[owner].resources.push_back({.name = 1, .slot = number, .capacity = lines});
  return world;
}

std::uint32_t call_for_number(ledger_cluster& cluster, worker_id w, std::uint32_t group) {
  cluster_call call;
  call.worker = w;
  call.group = group;
  call.resources = {1};
  const std::uint32_t c = cluster.add_call(call);
  cluster.start_unchecked(c);
  return c;
}

bool settled_everywhere(ledger_cluster& cluster) {
  for (worker_id w = 0; w < workers; ++w)
    if (!cluster.at(w).settled(number)) return false;
  return true;
}

TEST(ledger_number, is_not_settled_while_free_lines_lie_at_a_holder) {
  ledger_cluster cluster(workers, 8, world_with(0));
  EXPECT_FALSE(cluster.at(0).settled(number)) << "it is in the snapshot";
  const std::uint32_t c = call_for_number(cluster, 2, 1);
  ASSERT_TRUE(cluster.settle());
  cluster.end(c);
  ASSERT_TRUE(cluster.settle());
  ASSERT_GT(cluster.at(2).view(number).lease, 0) << "no spare lines";
  for (worker_id w = 0; w < workers; ++w) {
    cluster.adopt(w, world_with(no_index));
    cluster.flush(w);
  }
  ASSERT_EQ(cluster.used(number), 0);
  EXPECT_FALSE(cluster.at(2).settled(number)) << "free lines lie there";
  EXPECT_FALSE(cluster.at(0).settled(number)) << "they are away";
  EXPECT_TRUE(cluster.at(1).settled(number));
  ASSERT_TRUE(cluster.settle());
  EXPECT_TRUE(settled_everywhere(cluster));

  for (worker_id w = 0; w < workers; ++w)
    cluster.adopt(w, world_with(1));
  EXPECT_EQ(cluster.at(1).view(number).pool, capacity);
  std::vector<std::uint32_t> all;
  for (int i = 0; i < 3 * capacity; ++i) {
    all.push_back(call_for_number(cluster, static_cast<worker_id>(i % workers), 2));
    ASSERT_TRUE(cluster.settle());
    ASSERT_EQ(cluster.broken(), "");
  }
  EXPECT_EQ(cluster.used(number), capacity);
}

TEST(ledger_number, is_not_settled_while_a_call_waits_or_a_load_is_to_be_told) {
  ledger_cluster cluster(workers, 8, world_with(0, 1));
  const std::uint32_t holds = call_for_number(cluster, 0, 1);
  ASSERT_TRUE(cluster.settle());
  const std::uint32_t waits = call_for_number(cluster, 2, 1);
  if (cluster.calls()[waits].at != stage::pending) GTEST_FAIL() << "it does not wait";
  cluster.flush(2);
  for (worker_id w = 0; w < workers; ++w)
    cluster.adopt(w, world_with(no_index));
  EXPECT_FALSE(cluster.at(2).settled(number)) << "a call waits there";
  cluster.withdraw(waits);
  cluster.end(holds);
  EXPECT_FALSE(cluster.at(0).settled(number)) << "the others do not know that it is over";
  cluster.flush(0);
  for (const worker_id w : {worker_id{1}, worker_id{2}})
    while (cluster.can_deliver(0, w))
      cluster.deliver(0, w);
  EXPECT_TRUE(cluster.at(0).settled(number));
  EXPECT_FALSE(cluster.at(2).settled(number)) << "its request is not answered";
  ASSERT_TRUE(cluster.settle());
  EXPECT_TRUE(settled_everywhere(cluster));
}

// Forgets, in every way in which a ledger can, what a home before had given.
TEST(ledger_number, lines_of_the_home_before_are_none_of_the_next) {
  ledger_cluster cluster(workers, 8, world_with(0));
  const std::uint32_t c = call_for_number(cluster, 2, 1);
  ASSERT_TRUE(cluster.settle());
  cluster.end(c);
  ASSERT_TRUE(cluster.settle());
  ASSERT_GT(cluster.at(2).view(number).lease, 0);
  for (worker_id w = 0; w < workers; ++w)
    cluster.adopt(w, world_with(1)); // unsettled, which nobody should do
  EXPECT_EQ(cluster.at(2).view(number).lease, 0);
}

// What runtime::settled does, between calls and mail in any order: all say so, the mail that was
// there then is taken, and all say so again.
class number_run {
 public:
  explicit number_run(std::uint32_t seed)
      : random_(seed), cluster(workers, 2 + seed % 7, world_with(0)) {}

  void steps(int count) {
    for (int i = 0; i < count; ++i)
      step();
  }
  void adopt_everywhere(const shared_world& world) {
    const worker_id first = any_worker();
    for (worker_id i = 0; i < workers; ++i) {
      cluster.adopt(static_cast<worker_id>((first + i) % workers), world);
      steps(static_cast<int>(below(4)));
    }
  }
  bool settled() {
    if (!all_say_so()) return false;
    std::array<std::size_t, workers * workers> there{};
    for (worker_id from = 0; from < workers; ++from)
      for (worker_id to = 0; to < workers; ++to)
        there[from * workers + to] = cluster.mails(from, to);
    for (worker_id from = 0; from < workers; ++from)
      for (worker_id to = 0; to < workers; ++to)
        for (std::size_t n = there[from * workers + to]; n > 0 && cluster.can_deliver(from, to);
             --n)
          cluster.deliver(from, to);
    return all_say_so();
  }
  void end_all() {
    for (std::uint32_t c = 0; c < cluster.calls().size(); ++c)
      if (cluster.calls()[c].at == stage::held) cluster.end(c);
  }
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  worker_id any_worker() { return static_cast<worker_id>(below(workers)); }

 private:
  bool all_say_so() {
    bool all = true;
    const worker_id first = any_worker();
    for (worker_id i = 0; all && i < workers; ++i) {
      all = cluster.at(static_cast<worker_id>((first + i) % workers)).settled(number);
      steps(static_cast<int>(below(4)));
    }
    return all;
  }
  void step() {
    const std::uint32_t what = below(20);
    const worker_id w = any_worker(), from = any_worker();
    if (what < 3) {
      (void)call_for_number(cluster, w, 1 + below(2));
    } else if (what == 3) {
      cluster_call call;
      call.worker = w;
      call.resources = {1};
      cluster.count(cluster.add_call(call), below(2));
    } else if (what < 8) {
      const auto count = static_cast<std::uint32_t>(cluster.calls().size());
      const std::uint32_t c = count == 0 ? 0 : below(count);
      if (count != 0 && cluster.calls()[c].at == stage::held) cluster.end(c);
    } else if (what < 12) {
      cluster.flush(w);
    } else if (cluster.can_deliver(from, w)) {
      cluster.deliver(from, w);
    }
  }
  std::mt19937 random_;

 public:
  ledger_cluster cluster;
};

TEST(ledger_number, goes_on_from_home_to_home_in_any_order) {
  std::size_t at_once = 0;
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    number_run run(seed);
    for (destination_index owner = 0; owner < 8; ++owner) {
      run.steps(60);
      run.adopt_everywhere(world_with(no_index));
      run.end_all();
      int tries = 0;
      for (; !run.settled(); ++tries) {
        ASSERT_LT(tries, 2000) << "never settled";
        run.steps(5);
        run.end_all();
      }
      at_once += tries == 0 ? 1u : 0u;
      // Nothing of it is left: its next owner has all lines, and nobody says a load of it.
      for (worker_id w = 0; w < workers; ++w) {
        const load_ledger::slot_view v = run.cluster.at(w).view(number);
        ASSERT_EQ(v.lease, 0);
        ASSERT_EQ(v.remote, 0);
        ASSERT_EQ(v.pool, 0);
      }
      const shared_world next = world_with((owner + 1) % 2);
      run.adopt_everywhere(next);
      ASSERT_TRUE(run.cluster.settle());
      ASSERT_EQ(run.cluster.broken_at_rest(), "");
    }
  }
  EXPECT_LT(at_once, 150u * 8) << "there was never anything to wait for";
}

} // namespace
} // namespace linehunt::ledger_number_test
