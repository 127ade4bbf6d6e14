// SPDX-License-Identifier: Apache-2.0
// With one worker the choices of the whole engine, SIP messages in and out, are those of the rule
// in README.md ("How a destination is chosen"), written down here as plainly as possible: 10,000
// random calls over random destinations, with failover, busy callees and hang-ups in between.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

namespace linehunt::test::engine_reference_test {
namespace {

struct plain_destination {
  std::uint32_t id = 0;
  std::map<std::string, std::pair<int, int>> resources; // capacity, load
};

struct plain_rule {
  std::vector<std::string> resources;
  balance_flags flags;
};

// The id of the winner, or nullopt.
std::optional<std::uint32_t> choose(const std::vector<plain_destination>& all,
                                    const plain_rule& rule, const std::set<std::uint32_t>& tried) {
  std::optional<std::uint32_t> winner;
  long best = 0;
  for (const auto& d : all) {
    if (tried.contains(d.id)) continue;
    std::optional<long> least;
    bool offers_all = true;
    for (const auto& name : rule.resources) {
      const auto r = d.resources.find(name);
      if (r == d.resources.end()) {
        offers_all = false;
        break;
      }
      const auto [capacity, load] = r->second;
      long value = capacity - load;
      if (rule.flags.relative) value = capacity == 0 ? 0 : 100 - 100L * load / capacity;
      least = std::min(least.value_or(value), value);
    }
    if (!offers_all || !least || (*least <= 0 && !rule.flags.negative)) continue;
    if (!winner || *least > best) {
      winner = d.id;
      best = *least;
    }
  }
  return winner;
}

class random_world {
 public:
  explicit random_world(std::uint32_t seed) : random_(seed) {
    snapshot_model model = study_case();
    model.destinations.clear();
    model.rules.clear();
    const auto count = pick(2, 9);
    for (unsigned i = 0; i < count; ++i) {
      plain_destination d;
      d.id = i + 1;
      destination_model m;
      m.id = d.id;
      m.group = 1;
      m.uri = "sip:192.0.2." + std::to_string(10 + d.id);
      m.addresses = {at("192.0.2." + std::to_string(10 + d.id))};
      for (const std::string name : {"a", "b", "c"}) {
        if (pick(0, 3) == 0) continue;
        const int capacity = static_cast<int>(pick(0, 6));
        d.resources[name] = {capacity, 0};
        m.resources.push_back({name, name, capacity, {}});
      }
      if (m.resources.empty()) m.resources.push_back({"other", "other", 1, {}});
      plain_.push_back(d);
      model.destinations.push_back(m);
    }
    for (unsigned i = 0; i < 6; ++i) {
      plain_rule rule;
      for (const std::string name : {"a", "b", "c"}) {
        if (pick(0, 1) == 1) rule.resources.push_back(name);
      }
      if (rule.resources.empty()) rule.resources = {"b"};
      rule.flags.relative = pick(0, 2) == 0;
      rule.flags.negative = pick(0, 3) == 0;
      rule_model m;
      rule_condition c;
      c.field = rule_field::ruri_user;
      c.pattern = std::string("^r").append(std::to_string(i)).append("$");
      m.conditions = {c};
      m.group = 1;
      m.resources = rule.resources;
      m.flags = rule.flags;
      m.failover.code_class[5] = true;
      rules_.push_back(rule);
      model.rules.push_back(m);
    }
    world_.emplace(model);
  }

  void call(unsigned number) {
    const auto which = pick(0, 5);
    const plain_rule& rule = rules_[which];
    call_parts parts;
    parts.user = std::string("r").append(std::to_string(which));
    parts.call_id = std::to_string(number) + "@random";
    const verdict v = world_->give(invite(parts), caller_address);
    auto sent = world_->take();
    std::set<std::uint32_t> tried;
    auto expected = choose(plain_, rule, tried);
    if (!expected) {
      ASSERT_NE(v, verdict::request_forwarded) << "call " << number;
      ASSERT_EQ(status_of(sent.back().bytes), 500);
      return;
    }
    ASSERT_EQ(v, verdict::request_forwarded) << "call " << number;
    sent_message there = sent.back();
    while (true) {
      ASSERT_EQ(there.to, at("192.0.2." + std::to_string(10 + *expected))) << "call " << number;
      change(*expected, rule, +1);
      const auto fate = pick(0, 9);
      if (fate >= 2) break;
      if (fate == 0) { // busy
        ASSERT_EQ(world_->give(response(there.bytes, 486, "t"), there.to),
                  verdict::response_forwarded);
        (void)world_->take();
        change(*expected, rule, -1);
        return;
      }
      change(*expected, rule, -1);
      tried.insert(*expected);
      expected = choose(plain_, rule, tried);
      ASSERT_EQ(world_->give(response(there.bytes, 500, "t"), there.to),
                verdict::response_consumed);
      there = world_->take().back();
      if (!expected || tried.size() == 8) {
        ASSERT_EQ(status_of(there.bytes), 500) << "call " << number;
        return;
      }
    }
    ASSERT_EQ(world_->give(response(there.bytes, 200, "t"), there.to), verdict::response_forwarded);
    running_.push_back({world_->take_one().bytes, *expected, which});
  }

  void hang_up() {
    if (running_.empty()) return;
    const auto i = pick(0, static_cast<unsigned>(running_.size()) - 1);
    const running call = running_[i];
    running_.erase(running_.begin() + i);
    ASSERT_EQ(world_->give(within(call.ok, {}), caller_address), verdict::request_forwarded);
    const auto bye = world_->take_one();
    ASSERT_EQ(world_->give(response(bye.bytes, 200, ""), bye.to), verdict::response_forwarded);
    (void)world_->take();
    change(call.destination, rules_[call.rule], -1);
  }

  void compare_loads() const {
    for (const auto& d : plain_) {
      for (const auto& [name, r] : d.resources)
        ASSERT_EQ(world_->load(d.id, name), r.second) << "destination " << d.id << " " << name;
    }
  }
  void end() {
    while (!running_.empty() && !testing::Test::HasFatalFailure())
      hang_up();
    EXPECT_EQ(world_->total_load(), 0);
  }
  unsigned pick(unsigned from, unsigned to) {
    return from + static_cast<unsigned>(random_() % (to - from + 1));
  }
  void let_time_pass() { world_->wait_ms(40); }

 private:
  void change(std::uint32_t id, const plain_rule& rule, int by) {
    for (const auto& name : rule.resources)
      plain_[id - 1].resources.at(name).second += by;
  }
  struct running {
    std::string ok;
    std::uint32_t destination;
    unsigned rule;
  };
  std::mt19937 random_;
  std::vector<plain_destination> plain_;
  std::vector<plain_rule> rules_;
  std::vector<running> running_;
  std::optional<engine_world> world_;
};

TEST(engine_reference, ten_thousand_random_calls_choose_as_the_plain_rule_does) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_world world(seed);
    for (unsigned number = 0; number < 100; ++number) {
      world.call(number);
      if (HasFatalFailure()) return;
      while (world.pick(0, 2) == 0)
        world.hang_up();
      world.compare_loads();
      if (HasFatalFailure()) return;
    }
    world.end();
    if (HasFailure()) return;
  }
}

} // namespace
} // namespace linehunt::test::engine_reference_test
