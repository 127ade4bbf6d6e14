// SPDX-License-Identifier: Apache-2.0
// Leases between workers: random orders of calls, mail and flushes, with every invariant checked
// after every step.
#include "ledger_cluster.h"
#include "ledger_world.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace linehunt::ledger_lease_test {
namespace {

using test::add_destination;
using test::cluster_call;
using test::ledger_cluster;
using stage = cluster_call::stage;

struct mix {
  worker_id workers = 2;
  std::size_t ring_depth = 2;
  std::uint32_t seed = 1;
};

class random_run {
 public:
  explicit random_run(const mix& m)
      : mix_(m), random_(m.seed), world_(make_world()), cluster(m.workers, m.ring_depth, world_) {}

  // Some steps; stops at the first broken invariant.
  std::string run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      if (std::string text = cluster.broken(); !text.empty())
        return "step " + std::to_string(i) + ": " + text;
    }
    return {};
  }
  std::string rest() {
    if (!cluster.settle()) return "never comes to rest";
    return cluster.broken_at_rest();
  }
  void end_all() {
    for (const std::uint32_t c : std::exchange(live_, {}))
      if (cluster.calls()[c].at == stage::held) cluster.end(c);
  }
  std::uint32_t below(std::size_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

 private:
  std::shared_ptr<const snapshot> make_world() {
    auto world = std::make_shared<snapshot>();
    const auto destinations = 1 + below(3);
    for (std::uint32_t d = 0; d < destinations; ++d) {
      std::vector<std::pair<resource_id, int>> resources;
      for (resource_id name = 0; name < 3; ++name)
        if (name == 0 || below(2) == 0)
          resources.emplace_back(name, static_cast<int>(below(4) == 0 ? below(40) : below(4)));
      add_destination(*world, 1, resources, static_cast<worker_id>(below(mix_.workers)));
    }
    return world;
  }
  std::uint32_t pick(stage at) {
    std::erase_if(live_, [&](std::uint32_t c) {
      const stage now = cluster.calls()[c].at;
      return now != stage::pending && now != stage::held;
    });
    std::vector<std::uint32_t> fit;
    for (const std::uint32_t c : live_)
      if (cluster.calls()[c].at == at) fit.push_back(c);
    return fit.empty() ? no_index : fit[below(fit.size())];
  }
  cluster_call random_call() {
    cluster_call call;
    call.worker = static_cast<worker_id>(below(mix_.workers));
    for (resource_id name = 0; name < 3; ++name)
      if (below(2) == 0) call.resources.push_back(name);
    call.flags.relative = below(8) == 0;
    call.flags.random_tie = below(8) == 0;
    call.flags.negative = below(40) == 0;
    if (below(8) == 0)
      call.preferred = static_cast<destination_index>(below(world_->destinations.size()));
    return call;
  }
  void step() {
    const std::uint32_t what = below(100);
    const auto worker = static_cast<worker_id>(below(mix_.workers));
    const auto d = below(world_->destinations.size());
    if (what < 12) {
      live_.push_back(cluster.add_call(random_call()));
      cluster.start(live_.back());
    } else if (what < 14) {
      live_.push_back(cluster.add_call(random_call()));
      cluster.count(live_.back(), d);
    } else if (what < 27) {
      if (const std::uint32_t c = pick(stage::held); c != no_index) cluster.end(c);
    } else if (what < 29) {
      if (const std::uint32_t c = pick(stage::pending); c != no_index) cluster.withdraw(c);
    } else if (what == 29) {
      const auto resource = below(world_->destinations[d].resources.size());
      cluster.resize(d, resource, static_cast<std::int32_t>(below(6)));
    } else if (what == 30) {
      cluster.set_enabled(d, below(3) != 0);
    } else if (what < 70) {
      const auto from = static_cast<worker_id>(below(mix_.workers));
      if (cluster.can_deliver(from, worker)) cluster.deliver(from, worker);
    } else {
      cluster.flush(worker);
    }
  }

  mix mix_;
  std::mt19937 random_;
  std::shared_ptr<const snapshot> world_;
  std::vector<std::uint32_t> live_;

 public:
  ledger_cluster cluster;
};

// The sequential rule: the first of the usable destinations with the most lines free, or no_index.
// All of them offer resource 0, and it stands first.
destination_index best_by_rule(ledger_cluster& cluster) {
  destination_index best = no_index;
  std::int64_t most = 0;
  for (const destination& d : cluster.world().destinations) {
    const std::int64_t free = cluster.free_lines(d.resources[0].slot);
    if (!cluster.at(0).candidates().usable(d.index) || free <= most) continue;
    best = d.index;
    most = free;
  }
  return best;
}

// Selection when nothing is on its way must be the sequential rule itself, on every worker. A third
// of the calls stay, so that the loads differ.
std::string exact_at_rest(random_run& run, worker_id workers) {
  std::vector<std::uint32_t> stay;
  for (int i = 0; i < 20; ++i) {
    cluster_call call;
    call.worker = static_cast<worker_id>(run.below(workers));
    call.resources = {0};
    const destination_index best = best_by_rule(run.cluster);
    const std::uint32_t c = run.cluster.add_call(call);
    run.cluster.start(c);
    if (std::string text = run.rest(); !text.empty()) return text;
    const bool admitted = run.cluster.calls()[c].at == stage::held;
    if (admitted != (best != no_index))
      return admitted ? "admitted where no line is free" : "refused while a line is free";
    if (admitted && run.cluster.calls()[c].lines.destination != best)
      return "destination " + std::to_string(run.cluster.calls()[c].lines.destination) +
             " was chosen, and " + std::to_string(best) + " is the first with the most lines free";
    if (admitted && run.below(3) == 0)
      stay.push_back(c);
    else if (admitted)
      run.cluster.end(c);
    if (std::string text = run.rest(); !text.empty()) return text;
  }
  for (const std::uint32_t c : stay)
    run.cluster.end(c);
  return run.rest();
}

TEST(ledger_lease, invariants_hold_in_any_order) {
  std::size_t calls = 0, held = 0, refused = 0;
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    const mix m{.workers = static_cast<worker_id>(2 + seed % 4),
                .ring_depth = seed % 3 == 0 ? 2u : 2u + seed % 30,
                .seed = seed};
    random_run run(m);
    SCOPED_TRACE("seed " + std::to_string(seed));
    for (int part = 0; part < 4; ++part) {
      ASSERT_EQ(run.run(500), "");
      ASSERT_EQ(run.rest(), "");
      ASSERT_EQ(exact_at_rest(run, m.workers), "");
    }
    for (const cluster_call& c : run.cluster.calls()) {
      ++calls;
      held += c.outcome == selection_outcome::selected ? 1u : 0u;
      refused += c.outcome == selection_outcome::no_capacity ? 1u : 0u;
    }
    run.end_all();
    ASSERT_EQ(run.rest(), "");
    for (const destination& d : run.cluster.world().destinations)
      for (const resource& r : d.resources)
        ASSERT_EQ(run.cluster.used(r.slot), 0);
  }
  EXPECT_GT(held, calls / 10);
  EXPECT_GT(refused, calls / 100);
}

TEST(ledger_lease, thirty_lines_thirty_calls_at_a_time) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 30}}, 2);
  ledger_cluster cluster(4, 8, world);
  std::mt19937 random(30);
  std::vector<std::uint32_t> held;
  int admitted = 0, refused = 0;
  const auto offer = [&] {
    cluster_call call;
    call.worker = static_cast<worker_id>(random() % 4);
    call.resources = {0};
    const std::uint32_t c = cluster.add_call(call);
    cluster.start(c);
    ASSERT_TRUE(cluster.settle());
    ASSERT_EQ(cluster.broken_at_rest(), "");
    if (cluster.calls()[c].at == stage::held) {
      held.push_back(c);
      ++admitted;
    } else {
      ++refused;
    }
  };
  for (int i = 0; i < 10'000; ++i) {
    if (held.size() == 30 && i % 10 == 0) { // one ends: the next offer is admitted, one more is not
      std::swap(held[random() % held.size()], held.back());
      cluster.end(held.back());
      held.pop_back();
      const int before = admitted;
      offer();
      ASSERT_EQ(admitted, before + 1) << "offer " << i;
    } else {
      const int before = admitted;
      const bool room = held.size() < 30;
      offer();
      ASSERT_EQ(admitted, before + (room ? 1 : 0)) << "offer " << i;
    }
    ASSERT_LE(held.size(), 30u);
    ASSERT_EQ(cluster.used(0), static_cast<std::int64_t>(held.size()));
    cluster.forget_ended();
    for (std::uint32_t c = 0; c < held.size(); ++c)
      held[c] = c;
  }
  EXPECT_EQ(held.size(), 30u);
  EXPECT_EQ(admitted + refused, 10'000);
}

TEST(ledger_lease, a_worker_goes_by_the_load_of_the_others) {
  for (const bool relative : {false, true}) {
    auto world = std::make_shared<snapshot>();
    add_destination(*world, 1, {{0, 10}}, 0);
    add_destination(*world, 1, {{0, 9}}, 0);
    ledger_cluster cluster(2, 4, world);
    cluster_call call;
    call.resources = {0};
    call.flags.relative = relative;
    const auto chosen = [&](worker_id w) {
      call.worker = w;
      const std::uint32_t c = cluster.add_call(call);
      cluster.start(c);
      EXPECT_TRUE(cluster.settle());
      EXPECT_EQ(cluster.broken_at_rest(), "");
      EXPECT_EQ(cluster.calls()[c].at, stage::held);
      return cluster.calls()[c].lines.destination;
    };
    // Worker 0 alone: 10 against 9, then 9 against 9; by shares, 100 against 100, then 90.
    ASSERT_EQ(chosen(0), 0u);
    ASSERT_EQ(chosen(0), relative ? 1u : 0u);
    // Now it is 8 against 9, or 90 against 89, and worker 1 holds nothing itself.
    EXPECT_EQ(chosen(1), relative ? 0u : 1u);
    EXPECT_EQ(chosen(1), relative ? 1u : 0u) << "8 against 8, or 80 against 89";
    EXPECT_EQ(chosen(0), relative ? 0u : 1u) << "7 against 8, or 80 against 78";
  }
}

// Two calls, each on a worker that has one of the two lines and lacks the other.
TEST(ledger_lease, nobody_holds_one_line_while_waiting_for_another) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 1}, {1, 1}}, 2);
  ledger_cluster cluster(3, 2, world);
  // Each worker comes to have one free line: a call for it, which ends.
  for (const worker_id w : {worker_id{0}, worker_id{1}}) {
    cluster_call first;
    first.worker = w;
    first.resources = {w};
    const std::uint32_t c = cluster.add_call(first);
    cluster.start(c);
    ASSERT_TRUE(cluster.settle());
    ASSERT_EQ(cluster.calls()[c].at, stage::held);
    cluster.end(c);
    ASSERT_TRUE(cluster.settle());
    ASSERT_EQ(cluster.at(w).view(w).lease, 1);
  }
  cluster_call both;
  both.resources = {0, 1};
  const std::uint32_t a = cluster.add_call(both);
  both.worker = 1;
  const std::uint32_t b = cluster.add_call(both);
  cluster.start(a);
  cluster.start(b);
  ASSERT_TRUE(cluster.settle());
  ASSERT_EQ(cluster.broken_at_rest(), "");
  EXPECT_EQ(cluster.calls()[a].at == stage::held, cluster.calls()[b].at == stage::refused)
      << "one of them, and only one";
}

TEST(ledger_lease, the_home_does_not_overtake_one_who_waits_for_two_lines) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 1}, {1, 1}}, 0);
  ledger_cluster cluster(3, 4, world);
  cluster_call call;
  call.worker = 2;
  call.resources = {1};
  const std::uint32_t last_of_b = cluster.add_call(call);
  cluster.start(last_of_b);
  ASSERT_TRUE(cluster.settle());
  ASSERT_EQ(cluster.calls()[last_of_b].at, stage::held);
  call.worker = 1;
  call.resources = {0, 1};
  const std::uint32_t both = cluster.add_call(call);
  cluster.start(both);
  cluster.flush(1);
  while (cluster.can_deliver(1, 0))
    cluster.deliver(1, 0);
  ASSERT_EQ(cluster.at(0).view(0).pool, 1) << "the line that the other call waits for";
  call.worker = 0;
  call.resources = {0};
  const std::uint32_t later = cluster.add_call(call);
  cluster.start(later);
  cluster.flush(0);
  EXPECT_EQ(cluster.calls()[later].at, stage::pending);
  cluster.end(last_of_b);
  ASSERT_TRUE(cluster.settle());
  ASSERT_EQ(cluster.broken_at_rest(), "");
  EXPECT_EQ(cluster.calls()[both].at, stage::held);
  EXPECT_EQ(cluster.calls()[later].outcome, selection_outcome::no_capacity);
}

TEST(ledger_lease, a_call_that_needs_no_line_waits_for_nobody) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 1}}, 0);
  ledger_cluster cluster(3, 4, world);
  const auto start = [&](worker_id w, std::vector<resource_id> resources) {
    cluster_call call;
    call.worker = w;
    call.resources = std::move(resources);
    const std::uint32_t c = cluster.add_call(call);
    cluster.start(c);
    return c;
  };
  const std::uint32_t first = start(1, {0});
  ASSERT_TRUE(cluster.settle());
  const std::uint32_t second = start(2, {0});
  cluster.flush(2);
  cluster.deliver(2, 0);
  ASSERT_EQ(cluster.calls()[second].at, stage::pending) << "and its request waits at home";
  for (const worker_id w : {worker_id{0}, worker_id{1}, worker_id{2}}) {
    const std::uint32_t c = start(w, {});
    EXPECT_EQ(cluster.calls()[c].at, stage::held) << "worker " << w;
    EXPECT_EQ(cluster.calls()[c].lines.destination, 0u);
  }
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.broken_at_rest(), "");
  EXPECT_EQ(cluster.calls()[second].at, stage::refused);
  cluster.end(first);
  const std::uint32_t later = start(0, {0}); // the home still serves its own
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.calls()[later].at, stage::held);
  EXPECT_EQ(cluster.broken_at_rest(), "");
}

TEST(ledger_lease, a_forced_line_is_paid_back_once) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 16}}, 0);
  ledger_cluster cluster(2, 4, world);
  cluster_call call;
  call.worker = 1;
  call.resources = {0};
  std::vector<std::uint32_t> leased;
  do { // the first asks, the others use up its spare lines
    leased.push_back(cluster.add_call(call));
    cluster.start(leased.back());
    ASSERT_TRUE(cluster.settle());
    ASSERT_EQ(cluster.calls()[leased.back()].at, stage::held);
  } while (cluster.at(1).view(0).lease > cluster.at(1).view(0).used);
  const auto lease = cluster.at(1).view(0).lease;
  const auto pool = cluster.at(0).view(0).pool;
  ASSERT_GT(lease, 1) << "no spare lines";
  const std::uint32_t forced = cluster.add_call(call);
  cluster.count(forced, 0);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.at(1).view(0).lease, lease + 1);
  EXPECT_EQ(cluster.at(0).view(0).pool, pool - 1);
  cluster.end(forced);
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.at(1).view(0).lease, lease) << "has gone home";
  EXPECT_EQ(cluster.at(0).view(0).pool, pool);
  cluster.end(leased.front());
  ASSERT_TRUE(cluster.settle());
  EXPECT_EQ(cluster.at(1).view(0).lease, lease) << "stays";
  EXPECT_EQ(cluster.at(0).view(0).pool, pool);
  EXPECT_EQ(cluster.broken_at_rest(), "");
}

TEST(ledger_lease, after_a_refusal_the_next_candidate_is_tried) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 2}}, 0);
  add_destination(*world, 1, {{0, 1}}, 0);
  ledger_cluster cluster(2, 2, world);
  cluster_call call;
  call.resources = {0};
  for (int i = 0; i < 2; ++i) // both lines of the first, one of them by a choice of its home
    cluster.start(cluster.add_call(call));
  call.worker = 1;
  const std::uint32_t c = cluster.add_call(call);
  cluster.start(c); // worker 1 has not heard of anything yet and asks for the first
  ASSERT_TRUE(cluster.settle());
  ASSERT_EQ(cluster.calls()[c].at, stage::held);
  ASSERT_EQ(cluster.broken_at_rest(), "");
  EXPECT_EQ(cluster.used(0) + cluster.used(1), 3);
}

TEST(ledger_lease, after_a_refusal_of_the_last_candidate_there_is_no_capacity) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 1}}, 0);
  add_destination(*world, 1, {{0, 1}}, 0);
  ledger_cluster cluster(2, 2, world);
  cluster_call call;
  call.resources = {0};
  for (int i = 0; i < 2; ++i)
    cluster.start(cluster.add_call(call));
  call.worker = 1; // has not heard of anything yet
  const std::uint32_t c = cluster.add_call(call);
  cluster.start(c);
  ASSERT_EQ(cluster.calls()[c].at, stage::pending);
  ASSERT_TRUE(cluster.settle());
  ASSERT_EQ(cluster.broken_at_rest(), "");
  EXPECT_EQ(cluster.calls()[c].outcome, selection_outcome::no_capacity);
}

TEST(ledger_lease, a_queued_call_does_not_follow_its_destination_to_another_group) {
  auto world = std::make_shared<snapshot>();
  auto moved = std::make_shared<snapshot>();
  for (snapshot* const each : {world.get(), moved.get()}) {
    add_destination(*each, each == world.get() ? 1 : 2, {{0, 8}}, 0);
    add_destination(*each, 1, {{0, 4}}, 0);
  }
  ledger_cluster cluster(2, 4, world);
  cluster_call call;
  call.worker = 1;
  call.resources = {0};
  const std::uint32_t asked = cluster.add_call(call);
  cluster.start_unchecked(asked);
  cluster.flush(1); // the request is on its way: the next call comes too late for it
  const std::uint32_t queued = cluster.add_call(call);
  cluster.start_unchecked(queued);
  ASSERT_EQ(cluster.calls()[queued].at, stage::pending);
  for (const worker_id w : {worker_id{0}, worker_id{1}})
    cluster.adopt(w, moved);
  ASSERT_TRUE(cluster.settle());
  ASSERT_EQ(cluster.broken_at_rest(), "");
  for (const std::uint32_t c : {asked, queued}) {
    ASSERT_EQ(cluster.calls()[c].at, stage::held);
    EXPECT_EQ(cluster.calls()[c].lines.destination, 1u);
  }
  EXPECT_EQ(cluster.used(0), 0);
}

TEST(ledger_lease, a_waiting_call_does_not_take_a_line_of_a_disabled_destination) {
  auto world = std::make_shared<snapshot>();
  add_destination(*world, 1, {{0, 8}}, 0);
  add_destination(*world, 1, {{0, 4}}, 0);
  ledger_cluster cluster(2, 4, world);
  cluster_call call;
  call.worker = 1;
  call.resources = {0};
  const std::uint32_t asked = cluster.add_call(call);
  cluster.start(asked);
  cluster.flush(1); // the request is on its way: the next call comes too late for it
  const std::uint32_t queued = cluster.add_call(call);
  cluster.start(queued);
  ASSERT_EQ(cluster.calls()[queued].at, stage::pending);
  cluster.set_enabled(0, false);
  ASSERT_TRUE(cluster.settle());
  ASSERT_EQ(cluster.broken_at_rest(), "");
  for (const std::uint32_t c : {asked, queued}) {
    ASSERT_EQ(cluster.calls()[c].at, stage::held);
    EXPECT_EQ(cluster.calls()[c].lines.destination, 1u) << (c == asked ? "asked" : "queued");
  }
  EXPECT_EQ(cluster.used(0), 0);
}

TEST(ledger_lease, workers_adopt_at_different_times) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    auto world = std::make_shared<snapshot>();
    add_destination(*world, 1, {{0, 2}}, 0);
    auto larger = std::make_shared<snapshot>();
    add_destination(*larger, 1, {{0, 1}}, 0);
    add_destination(*larger, 1, {{0, 3}, {1, 2}}, 1);
    auto whole = std::make_shared<snapshot>(); // room for the indices of both
    add_destination(*whole, 1, {{0, 2}}, 0);
    add_destination(*whole, 1, {{0, 0}, {1, 0}}, 1);
    ledger_cluster cluster(3, 3, whole);
    std::mt19937 random(seed);
    std::array<int, 3> adopted{};
    const std::array worlds{
        std::shared_ptr<const snapshot>(world), std::shared_ptr<const snapshot>(larger),
        std::shared_ptr<const snapshot>(world), std::shared_ptr<const snapshot>(larger)};
    std::vector<std::uint32_t> live;
    const auto check_lines = [&] {
      for (slot_index s = 0; s < 3; ++s)
        for (worker_id w = 0; w < 3; ++w)
          ASSERT_GE(cluster.at(w).view(s).used, 0);
    };
    for (int i = 0; i < 800; ++i) {
      const auto w = static_cast<worker_id>(random() % 3);
      const auto from = static_cast<worker_id>(random() % 3);
      const auto what = random() % 20;
      if (what < 3) {
        cluster_call call;
        call.worker = w;
        call.resources = {static_cast<resource_id>(what == 0 ? 1 : 0)};
        live.push_back(cluster.add_call(call));
        cluster.start_unchecked(live.back());
      } else if (what < 6 && !live.empty()) {
        const std::uint32_t c = live[random() % live.size()];
        if (cluster.calls()[c].at == stage::held) cluster.end(c);
      } else if (what == 6) {
        const int done = adopted[w];
        const int least = *std::min_element(adopted.begin(), adopted.end());
        if (done < 4 && done == least) {
          cluster.adopt(w, worlds[static_cast<std::size_t>(done)]);
          ++adopted[w];
        }
      } else if (what < 13) {
        cluster.flush(w);
      } else if (cluster.can_deliver(from, w)) {
        cluster.deliver(from, w);
      }
      check_lines();
    }
    for (worker_id w = 0; w < 3; ++w)
      while (adopted[w] < 4)
        cluster.adopt(w, worlds[static_cast<std::size_t>(adopted[w]++)]);
    ASSERT_TRUE(cluster.settle());
    for (const std::uint32_t c : live)
      if (cluster.calls()[c].at == stage::held) cluster.end(c);
    ASSERT_TRUE(cluster.settle());
    EXPECT_EQ(cluster.broken_at_rest(), "") << "seed " << seed;
    for (slot_index s = 0; s < 3; ++s)
      EXPECT_EQ(cluster.used(s), 0);
  }
}

} // namespace
} // namespace linehunt::ledger_lease_test
