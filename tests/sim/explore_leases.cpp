// SPDX-License-Identifier: Apache-2.0
// Every interleaving of a few calls over real ledgers: what can happen between two steps, happens.
// States that were seen before are not followed again, so it ends. In every state all invariants of
// the lease protocol are checked, in every state of rest also that nobody waits for ever and that
// all loads are known everywhere.
#include "ledger_cluster.h"
#include "ledger_world.h"

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace linehunt::test {
namespace {

using stage = cluster_call::stage;

struct scenario {
  std::string name;
  worker_id workers = 2;
  std::vector<std::pair<worker_id, std::vector<int>>> destinations; // home, capacities
  std::vector<std::pair<worker_id, std::vector<resource_id>>> calls;
  std::uint32_t can_withdraw = 0; // so many of the first calls may give up
  std::uint32_t counted = 0;      // so many of the last calls are counted on the first destination
};

struct action {
  enum class kind : std::uint8_t { start, end, withdraw, flush, deliver };
  kind what = kind::start;
  std::uint32_t a = 0, b = 0;
};

std::string text_of(const action& x) {
  const char* const names[] = {"start call ", "end call ", "withdraw call ", "flush worker ",
                               "deliver "};
  std::string text = names[static_cast<int>(x.what)] + std::to_string(x.a);
  if (x.what == action::kind::deliver) text += " to " + std::to_string(x.b);
  return text;
}

struct state_hash {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const state_hash&, const state_hash&) = default;
};
struct low_half {
  std::size_t operator()(const state_hash& h) const noexcept { return h.low; }
};

// Two independent 64-bit mixes: 10^7 states meet by chance with a probability below 10^-24.
state_hash hash_of(const ledger_cluster& cluster, std::vector<std::uint64_t>& row) {
  row.clear();
  cluster.append_state(row);
  state_hash h{.high = 0x243f6a8885a308d3, .low = 0x13198a2e03707344};
  for (const std::uint64_t word : row) {
    h.high = (h.high ^ word) * 0x9e3779b97f4a7c15;
    h.high ^= h.high >> 29;
    h.low = (h.low + word) * 0xbf58476d1ce4e5b9;
    h.low ^= h.low >> 32;
  }
  return h;
}

class exploration {
 public:
  exploration(const scenario& s, std::function<int(const mail&)> copies)
      : scenario_(s), copies_(std::move(copies)) {}

  // False: an invariant is broken; the way there is printed.
  bool run() {
    auto world = std::make_shared<snapshot>();
    for (const auto& [home, capacities] : scenario_.destinations) {
      std::vector<std::pair<resource_id, int>> resources;
      for (const int capacity : capacities)
        resources.emplace_back(static_cast<resource_id>(resources.size()), capacity);
      add_destination(*world, 1, resources, home);
    }
    ledger_cluster first(scenario_.workers, 2, world, 4);
    for (const auto& [worker, resources] : scenario_.calls) {
      cluster_call call;
      call.worker = worker;
      call.resources = resources;
      first.add_call(call);
    }
    first.copies = copies_;
    const state_hash hash = hash_of(first, row_);
    (void)seen_.insert(hash);
    open_.push_back({first, actions_of(first), 0, hash, false});
    while (!open_.empty()) {
      frame& top = open_.back();
      if (top.next == top.actions.size()) {
        if (!top.moved) {
          ++at_rest;
          if (std::string text = top.cluster.broken_at_rest(); !text.empty()) return report(text);
        }
        open_.pop_back();
        continue;
      }
      const action x = top.actions[top.next++];
      ledger_cluster after = top.cluster;
      take(after, x);
      ++transitions;
      if (std::string text = after.broken(); !text.empty()) return report(text);
      const state_hash hash_after = hash_of(after, row_);
      top.moved = top.moved || (hash_after != top.hash && is_mail(x));
      if (!seen_.insert(hash_after).second) continue;
      // From any state on, mail alone must bring the system to rest: tried from some of them.
      if (hash_after.high % 16 == 0) {
        ledger_cluster copy = after;
        if (!copy.settle(200)) return report("mail goes round for ever");
        if (std::string text = copy.broken_at_rest(); !text.empty())
          return report("when mail has been: " + text);
      }
      std::vector<action> actions = actions_of(after);
      open_.push_back({std::move(after), std::move(actions), 0, hash_after, false});
      depth = std::max(depth, open_.size());
    }
    return true;
  }

  [[nodiscard]] std::size_t states() const { return seen_.size(); }
  std::size_t transitions = 0, at_rest = 0, depth = 0;

 private:
  struct frame {
    ledger_cluster cluster;
    std::vector<action> actions;
    std::size_t next = 0;
    state_hash hash;
    bool moved = false; // a mail or a flush leads on from here
  };

  [[nodiscard]] static bool is_mail(const action& x) {
    return x.what == action::kind::flush || x.what == action::kind::deliver;
  }

  [[nodiscard]] bool counted(std::uint32_t call) const {
    return call + scenario_.counted >= scenario_.calls.size();
  }

  std::vector<action> actions_of(const ledger_cluster& cluster) const {
    std::vector<action> out;
    const auto& calls = cluster.calls();
    for (std::uint32_t c = 0; c < calls.size(); ++c) {
      if (calls[c].at == stage::idle) {
        // Of calls that are alike, the first one starts first.
        bool first_of_its_kind = true;
        for (std::uint32_t b = 0; b < c; ++b)
          if (calls[b].at == stage::idle && calls[b].worker == calls[c].worker &&
              calls[b].resources == calls[c].resources && counted(b) == counted(c))
            first_of_its_kind = false;
        if (first_of_its_kind) out.push_back({action::kind::start, c, 0});
      }
      if (calls[c].at == stage::held) out.push_back({action::kind::end, c, 0});
      if (calls[c].at == stage::pending && c < scenario_.can_withdraw)
        out.push_back({action::kind::withdraw, c, 0});
    }
    for (std::uint32_t w = 0; w < scenario_.workers; ++w) {
      out.push_back({action::kind::flush, w, 0});
      for (std::uint32_t from = 0; from < scenario_.workers; ++from)
        if (cluster.can_deliver(static_cast<worker_id>(from), static_cast<worker_id>(w)))
          out.push_back({action::kind::deliver, from, w});
    }
    return out;
  }

  void take(ledger_cluster& cluster, const action& x) const {
    switch (x.what) {
    case action::kind::start:
      if (counted(x.a))
        cluster.count(x.a, 0);
      else
        cluster.start(x.a);
      break;
    case action::kind::end:
      cluster.end(x.a);
      break;
    case action::kind::withdraw:
      cluster.withdraw(x.a);
      break;
    case action::kind::flush:
      cluster.flush(static_cast<worker_id>(x.a));
      break;
    case action::kind::deliver:
      cluster.deliver(static_cast<worker_id>(x.a), static_cast<worker_id>(x.b));
      break;
    }
  }

  bool report(const std::string& text) const {
    std::printf("%s: %s\n", scenario_.name.c_str(), text.c_str());
    if (copies_) return false; // as it should be; the way there is of no interest
    for (const frame& f : open_)
      if (f.next > 0) std::printf("  %s\n", text_of(f.actions[f.next - 1]).c_str());
    return false;
  }

  const scenario& scenario_;
  std::function<int(const mail&)> copies_;
  std::unordered_set<state_hash, low_half> seen_;
  std::vector<frame> open_;
  std::vector<std::uint64_t> row_;
};

std::vector<scenario> scenarios() {
  return {
      {"one line, two workers", 2, {{0, {1}}}, {{0, {0}}, {1, {0}}, {1, {0}}}},
      {"two lines, two workers", 2, {{0, {2}}}, {{0, {0}}, {1, {0}}, {1, {0}}}},
      {"three lines, two workers", 2, {{0, {3}}}, {{0, {0}}, {1, {0}}, {1, {0}}, {0, {0}}}},
      {"two boxes of one line", 2, {{0, {1}}, {1, {1}}}, {{0, {0}}, {1, {0}}, {1, {0}}}},
      {"both lines of one box", 2, {{0, {1, 1}}}, {{0, {0, 1}}, {1, {0, 1}}}},
      {"one line each, then both", 2, {{0, {1, 1}}}, {{1, {0}}, {0, {1}}, {1, {0, 1}}}},
      {"one line, three workers", 3, {{0, {1}}}, {{0, {0}}, {1, {0}}, {2, {0}}}},
      {"two boxes, three workers", 3, {{0, {1}}, {1, {1}}}, {{0, {0}}, {2, {0}}}},
      {"a call that gives up", 2, {{0, {1}}}, {{1, {0}}, {1, {0}}, {0, {0}}}, 2},
      {"a call that needs no line", 2, {{0, {1}}}, {{1, {0}}, {0, {}}, {1, {0}}, {1, {}}}},
      {"a call that is counted", 2, {{0, {1}}}, {{1, {0}}, {0, {0}}, {1, {0}}}, 0, 1},
  };
}

// Some minutes each.
std::vector<scenario> large_scenarios() {
  return {
      {"two lines, three workers", 3, {{0, {2}}}, {{0, {0}}, {1, {0}}, {2, {0}}}},
      {"both lines of one box, or one",
       2,
       {{0, {1, 1}}, {1, {1}}},
       {{0, {0, 1}}, {1, {0}}, {1, {0, 1}}}},
  };
}

} // namespace
} // namespace linehunt::test

// explore_leases                    every scenario; fails at the first broken invariant
// explore_leases large              larger scenarios, for some minutes
// explore_leases lost|doubled KIND  the same with mail of a kind lost or doubled: fails unless a
//                                   broken invariant is found
int main(int argc, char** argv) {
  using namespace linehunt;
  using namespace linehunt::test;
  std::function<int(const mail&)> copies;
  if (argc == 3) {
    const std::string_view name = argv[2];
    const mail_kind kind = name == "request"  ? mail_kind::lease_request
                           : name == "grant"  ? mail_kind::lease_grant
                           : name == "refuse" ? mail_kind::lease_refuse
                           : name == "recall" ? mail_kind::lease_recall
                                              : mail_kind::lease_return;
    const int times = std::string_view(argv[1]) == "lost" ? 0 : 2;
    copies = [=](const mail& m) { return m.kind == kind ? times : 1; };
  }
  std::size_t states = 0, transitions = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const bool large = argc == 2 && std::string_view(argv[1]) == "large";
  for (const scenario& s : large ? large_scenarios() : scenarios()) {
    exploration e(s, copies);
    const bool holds = e.run();
    std::printf("%-28s %9zu states %9zu steps %7zu at rest, depth %zu, %.1f s\n", s.name.c_str(),
                e.states(), e.transitions, e.at_rest, e.depth, seconds());
    std::fflush(stdout);
    if (!holds) return copies ? 0 : 1;
    states += e.states();
    transitions += e.transitions;
  }
  if (copies) {
    std::printf("mail was tampered with and nothing was noticed\n");
    return 1;
  }
  std::printf("%zu states, %zu steps: no admission above capacity, no refusal while a line was "
              "free, nobody waits for ever\n",
              states, transitions);
  return 0;
}
