// SPDX-License-Identifier: Apache-2.0
// Calls over a network that loses, doubles, delays and corrupts, between parties that answer at
// random and die. After every event the counters add up and every line that is held belongs to a
// live call; once all timers have run nothing is left. A failing seed says so and replays exactly.
#include "engine_world.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace linehunt::test::engine_chaos_test {
namespace {

struct in_flight {
  std::string bytes;
  endpoint from;
};

class chaos {
 public:
  explicit chaos(std::uint32_t seed) : random_(seed), world_(model(seed)) {}

  void run(int calls) {
    for (int i = 0; i < calls; ++i) {
      call_parts parts;
      parts.call_id = std::to_string(i) + "@chaos";
      parts.from_tag = std::to_string(i);
      parts.branch = std::string("z9hG4bKc").append(std::to_string(i));
      post(invite(parts), caller_address);
      if (chance(10)) post(hop_request("CANCEL", parts), caller_address);
      if (chance(10)) post(invite(parts), caller_address);
      pass_time();
      if (testing::Test::HasFatalFailure()) return;
    }
    // Nobody says anything more.
    for (int i = 0; i < 2000 && !network_.empty(); ++i)
      pass_time();
    silent_ = true;
    network_.clear();
    for (int i = 0; i < 14 * 60; ++i) {
      step(60'000'000);
      if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_EQ(world_.total_load(), 0);
    EXPECT_EQ(world_.counters().calls_live, 0u);
    EXPECT_EQ(world_.counters().transactions_live, 0u);
    EXPECT_TRUE(world_.handles().empty());
    EXPECT_EQ(world_.engine().next_timer(), timer_wheel::never);
  }
  std::map<std::string, std::uint64_t> totals() const {
    std::map<std::string, std::uint64_t> all;
    for (std::size_t i = 0; i < verdict_count; ++i)
      all[std::string{name_of(static_cast<verdict>(i))}] += world_.counters().verdicts[i];
    return all;
  }

 private:
  static snapshot_model model(std::uint32_t seed) {
    snapshot_model m = study_case();
    for (auto& d : m.destinations) {
      for (auto& r : d.resources)
        r.capacity = 6;
    }
    for (auto& rule : m.rules)
      rule.failover.disable = seed % 3 == 0;
    return m;
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  // Into the network, which may lose it, double it, spoil it, and delivers it some time.
  void post(std::string bytes, const endpoint& from) {
    if (chance(8)) return;
    if (chance(4) && !bytes.empty()) {
      for (unsigned i = 0; i < 1 + random_() % 3; ++i)
        bytes[random_() % bytes.size()] = static_cast<char>(random_() % 256);
    }
    const auto at = [&] {
      return world_.now + 1'000 + random_() % (chance(10) ? 900'000 : 30'000);
    };
    if (chance(8)) network_.emplace(at(), in_flight{bytes, from});
    network_.emplace(at(), in_flight{std::move(bytes), from});
  }

  void pass_time() {
    const time_us until = world_.now + 20'000 + random_() % 200'000;
    while (world_.now < until && !testing::Test::HasFatalFailure())
      step(10'000);
  }

  void step(time_us by) {
    const time_us until = world_.now + by;
    while (!network_.empty() && network_.begin()->first <= until) {
      const auto [at, what] = *network_.begin();
      network_.erase(network_.begin());
      world_.now = std::max(world_.now, at);
      (void)world_.give(what.bytes, what.from);
      check();
      react();
    }
    world_.now = until;
    world_.engine().advance(world_.now, world_.sink);
    check();
    react();
  }

  void check() {
    const engine_counters& c = world_.counters();
    std::uint64_t sum = 0;
    for (const auto& v : c.verdicts)
      sum += v;
    ASSERT_EQ(sum, world_.given);
    ASSERT_EQ(c.calls_started - c.calls_ended, c.calls_live);
    // Every rule here wants one line for a call.
    ASSERT_EQ(world_.total_load(), static_cast<std::int64_t>(c.calls_live));
  }

  void react() {
    for (const auto& m : world_.take()) {
      if (silent_) continue;
      const bool at_caller = m.to == caller_address;
      if (status_of(m.bytes) == 0)
        request(m, at_caller);
      else
        reply(m, at_caller);
    }
  }

  // A party gets a request and answers it, more or less.
  void request(const sent_message& m, bool at_caller) {
    const endpoint me = at_caller ? caller_address : m.to;
    const std::string tag = at_caller ? "caller" : "machine";
    if (chance(3)) return; // dead for a moment
    if (m.bytes.starts_with("INVITE ")) {
      const bool fresh = header(m.bytes, "To").find(";tag=") == std::string::npos;
      if (!fresh) {
        post(response(m.bytes, 200, ""), me);
        return;
      }
      if (chance(15)) return; // silence
      if (chance(80)) post(response(m.bytes, 180, tag), me);
      if (chance(50)) {
        post(response(m.bytes, 200, tag), me);
        if (chance(10)) post(response(m.bytes, 200, "fork"), me);
      } else if (chance(60)) {
        const int codes[] = {486, 404, 500, 503, 603, 302};
        post(response(m.bytes, codes[random_() % 6], tag), me);
      } else {
        rings_[header(m.bytes, "Call-ID")] = m;
      }
    } else if (m.bytes.starts_with("CANCEL ")) {
      post(response(m.bytes, 200, tag), me);
      const auto ringing = rings_.find(header(m.bytes, "Call-ID"));
      if (ringing != rings_.end())
        post(response(ringing->second.bytes, chance(20) ? 200 : 487, tag), me);
    } else if (!m.bytes.starts_with("ACK ")) {
      post(response(m.bytes, chance(5) ? 481 : 200, ""), me);
    }
  }

  // The caller gets the answer to its INVITE; whoever gets another answer leaves it at that.
  void reply(const sent_message& m, bool at_caller) {
    const int status = status_of(m.bytes);
    const std::string cseq = header(m.bytes, "CSeq");
    if (!at_caller || !cseq.ends_with(" INVITE") || status < 200) return;
    const std::string call_id = header(m.bytes, "Call-ID");
    call_parts parts;
    parts.call_id = call_id;
    parts.from_tag = call_id.substr(0, call_id.find('@'));
    parts.branch = std::string("z9hG4bKc").append(parts.from_tag);
    const std::string to = header(m.bytes, "To");
    const auto tag_at = to.find(";tag=");
    const std::string tag = tag_at == std::string::npos ? "" : to.substr(tag_at + 5);
    if (status >= 300) {
      if (chance(95)) post(hop_request("ACK", parts, tag), caller_address);
      return;
    }
    dialog_request what;
    what.method = "ACK";
    what.cseq = 1;
    if (chance(92)) post(within(m.bytes, what), caller_address);
    what.cseq = 2;
    const char* methods[] = {"BYE", "BYE", "BYE", "INVITE", "UPDATE", "OPTIONS"};
    for (int i = 0; i < 3; ++i) {
      if (chance(30)) continue;
      what.method = methods[random_() % 6];
      what.from_caller = chance(60);
      what.with_route = chance(90);
      what.branch = std::string("z9hG4bKd").append(std::to_string(random_() % 1000));
      ++what.cseq;
      post(within(m.bytes, what), what.from_caller ? caller_address : at("192.0.2.99:5070"));
    }
  }

  std::mt19937 random_;
  engine_world world_;
  std::multimap<time_us, in_flight> network_;
  std::map<std::string, sent_message> rings_;
  bool silent_ = false;
};

TEST(engine_chaos, nothing_leaks_whatever_happens) {
  std::map<std::string, std::uint64_t> totals;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    chaos world(seed);
    world.run(120);
    if (HasFailure()) return;
    for (const auto& [name, n] : world.totals())
      totals[name] += n;
  }
  // The net is no net where nothing swims in it.
  for (const auto* name :
       {"request_forwarded", "response_forwarded", "retransmission_absorbed",
        "retransmission_answered", "response_consumed", "ack_absorbed", "rejected_malformed",
        "rejected_no_capacity", "rejected_no_dialog", "dropped_foreign_via", "dropped_malformed",
        "dropped_stray_ack", "dropped_stray_response"})
    EXPECT_GT(totals[name], 0u) << name;
}

} // namespace
} // namespace linehunt::test::engine_chaos_test
