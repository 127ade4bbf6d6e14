// SPDX-License-Identifier: Apache-2.0
// See engine_prices.h. Everything the engines do is timed: datagrams, timers, mail; not what makes
// the messages, and not the rings.
#include "engine_prices.h"

#include "engine_messages.h"
#include "measure.h"
#include "sipparse/scan.h"
#include "tests/models/models.h"
#include "tests/unit/dataplane/allocation_count.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <stdexcept>
#include <unistd.h>

namespace linehunt::bench {
namespace {

using models::at;

struct variant {
  const char* name;
  worker_id workers = 1;
  bool failover = false; // the rule has a policy
  unsigned failures = 0; // so many destinations answer 503 first
  bool session_timer = false;
  bool ping = false;              // the rule asks for signs of life
  unsigned rounds = 0;            // so often are they due
  std::int32_t lines = 1'000'000; // of each destination
};

constexpr std::size_t batch = 240; // calls at a time
constexpr std::array<variant, 14> variants{{
    {.name = "basic call"},
    {.name = "failover rule, not needed", .failover = true},
    {.name = "failover, 2nd attempt", .failover = true, .failures = 1},
    {.name = "failover, 3rd attempt", .failover = true, .failures = 2},
    {.name = "session timer", .session_timer = true},
    {.name = "ping on, none due", .ping = true},
    {.name = "ping on, once both", .ping = true, .rounds = 1},
    {.name = "ping on, 4 times both", .ping = true, .rounds = 4},
    {.name = "2 workers", .workers = 2},
    {.name = "4 workers", .workers = 4},
    {.name = "1 worker, lines scarce", .workers = 1, .lines = batch / 4 + 8},
    {.name = "2 workers, lines scarce", .workers = 2, .lines = batch / 4 + 8},
    {.name = "4 workers, lines scarce", .workers = 4, .lines = batch / 4 + 8},
    {.name = "4 workers, all of it",
     .workers = 4,
     .failover = true,
     .failures = 1,
     .session_timer = true,
     .ping = true,
     .rounds = 1},
}};

// Of this thread: what it waits for a processor on a busy machine is no price.
double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::unique_ptr<const snapshot> world_of(const variant& v, index_book& book) {
  snapshot_model model;
  model.workers = v.workers;
  for (std::uint32_t id = 1; id <= 4; ++id)
    model.destinations.push_back(models::machine(id, "pstn=" + std::to_string(v.lines)));
  model.listeners = {models::listening_at("192.0.2.1")};
  model.routes = {route{}};
  model.rules = {models::balancing("^VM_", {"pstn"}), models::balancing("^[0-9]+$", {"pstn"})};
  for (rule_model& rule : model.rules) {
    if (!v.failover) rule.failover = {};
    rule.ping.caller = rule.ping.callee = v.ping;
  }
  return models::build(model, book);
}

// What leaves the engines, in memory that is there before anything is timed.
class arena_sink final : public action_sink {
 public:
  struct output {
    std::size_t begin, len;
    endpoint to;
  };
  using ring = std::deque<linehunt::mail>;

  explicit arena_sink(std::vector<ring>& rings) : rings_(rings) { outputs_.reserve(16 * batch); }
  void forward(const sip::edit_list& edits, const outbound& where) override {
    note(edits.apply_to(at_hand, std::span{bytes_}.subspan(used_)), where);
  }
  void send(std::string_view text, const outbound& where) override {
    std::memcpy(&bytes_.at(used_ + text.size()) - text.size(), text.data(), text.size());
    note(text.size(), where);
  }
  bool mail(worker_id to, const linehunt::mail& what) override {
    // A deque takes memory as it likes, which is no matter of the engine.
    rings_[to].push_back(what);
    return true;
  }
  bool raise(const event&) override { return true; }

  void clear() {
    used_ = 0;
    outputs_.clear();
  }
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const output& o : outputs_)
      visit(std::string_view{bytes_.data() + o.begin, o.len}, o.to);
  }
  std::string_view at_hand;

 private:
  void note(std::size_t len, const outbound& where) {
    if (outputs_.size() == outputs_.capacity()) throw std::runtime_error("too many messages");
    outputs_.push_back({used_, len, where.to});
    used_ += len;
  }
  std::vector<ring>& rings_;
  std::vector<char> bytes_ = std::vector<char>(16 * batch * 1024);
  std::vector<output> outputs_;
  std::size_t used_ = 0;
};

class node {
 public:
  explicit node(const variant& v) : v_(v), world_(world_of(v, book_)), rings_(v.workers) {
    engine_limits limits;
    limits.max_calls = 8 * batch;
    limits.max_transactions = 4 * batch;
    for (worker_id w = 0; w < v.workers; ++w) {
      sinks_.push_back(std::make_unique<arena_sink>(rings_));
      engines_.push_back(models::make_engine(*world_, limits, w, v.workers));
    }
  }

  // The calls of one batch from INVITE to the end, and all that is left of them.
  void whole_calls() {
    calls_.assign(batch, {});
    for (one_call& c : calls_)
      c.names = names_of_call(++number_);
    const std::string timer =
        v_.session_timer ? "Session-Expires: 1800;refresher=uac\r\n" : std::string{};
    give_all([&](const one_call& c) { return request(c.names, "INVITE", 1, {}, {}, sdp, timer); },
             true);
    expect(&one_call::invites, 1, "INVITEs");
    for (unsigned n = 0; n < v_.failures; ++n) {
      give_all([&](const one_call& c) { return reply(c.invite, 503, {}); }, false);
      expect(&one_call::invites, n + 2, "INVITEs");
    }
    give_all([&](const one_call& c) { return reply(c.invite, 180, {}); }, false);
    give_all([&](const one_call& c) { return reply(c.invite, 200, sdp, timer); }, false);
    const auto within = [&](const one_call& c, std::string_view method, unsigned cseq) {
      return request(c.names, method, cseq, "gw7f3a", line_of(c.ok, "Record-Route"), {});
    };
    give_all([&](const one_call& c) { return within(c, "ACK", 1); }, true);
    for (unsigned round = 0; round < v_.rounds; ++round)
      ping_all(round);
    give_all([&](const one_call& c) { return within(c, "BYE", 2); }, true);
    give_all([&](const one_call& c) { return reply(c.bye, 200, {}); }, false);
    let_pass(33'000'000); // 64*T1 later nothing of them is left
    for (const auto& e : engines_) {
      const engine_counters& counted = e->counters();
      if (counted.calls_live != 0 || counted.transactions_live != 0)
        throw std::runtime_error(std::string{v_.name} + ": calls are left");
    }
    const std::uint64_t answered = sum(&engine_counters::calls_answered);
    if (answered != number_ || sum(&engine_counters::failovers) != number_ * v_.failures)
      throw std::runtime_error(std::string{v_.name} + ": not every call was answered as it should");
  }

  std::uint64_t datagrams = 0;
  double spent_ns = 0;
  std::size_t allocated = 0;

 private:
  struct one_call {
    call_names names;
    std::string invite, ok, bye;
    endpoint callee;
    unsigned invites = 0;
  };

  [[nodiscard]] std::uint64_t sum(std::atomic<std::uint64_t> engine_counters::*field) const {
    std::uint64_t total = 0;
    for (const auto& e : engines_)
      total += (e->counters().*field).load();
    return total;
  }

  struct input {
    std::string bytes;
    endpoint from;
    worker_id owner;
  };
  [[nodiscard]] input input_of(std::string bytes, const endpoint& from, std::string_view call_id) {
    return {std::move(bytes), from, owner_of(call_hash(call_id, models::secret), v_.workers)};
  }

  template <class Make>
  void give_all(const Make& make, bool by_caller) {
    inputs_.clear();
    for (const one_call& c : calls_)
      inputs_.push_back(input_of(make(c), by_caller ? caller_ : c.callee, c.names.call_id));
    give_inputs();
  }

  void give_inputs() {
    for (const auto& sink : sinks_)
      sink->clear();
    const auto before = allocations_so_far();
    const double begin = cpu_ns();
    std::size_t given = 0;
    for (const input& i : inputs_) {
      sinks_[i.owner]->at_hand = i.bytes;
      (void)engines_[i.owner]->on_datagram({i.bytes, i.from, 0}, now_, *sinks_[i.owner]);
      // A worker's loop takes up to 32 packets.
      if (++given % 32 == 0) loop();
    }
    loop();
    while (mail_waits())
      loop();
    spent_ns += cpu_ns() - begin;
    if (v_.workers == 1) allocated += allocations_so_far() - before;
    datagrams += inputs_.size();
    note_outputs();
  }

  void loop() {
    for (worker_id w = 0; w < v_.workers; ++w) {
      for (std::size_t n = rings_[w].size(); n > 0; --n) {
        engines_[w]->on_mail(rings_[w].front(), now_, *sinks_[w]);
        rings_[w].pop_front();
      }
      engines_[w]->advance(now_, *sinks_[w]);
    }
  }
  [[nodiscard]] bool mail_waits() const {
    for (const auto& ring : rings_)
      if (!ring.empty()) return true;
    return false;
  }

  void let_pass(time_us how_long) {
    for (const auto& sink : sinks_)
      sink->clear();
    const double begin = cpu_ns();
    now_ += how_long;
    loop();
    while (mail_waits())
      loop();
    spent_ns += cpu_ns() - begin;
  }

  // Every answered call gets an OPTIONS to both sides, and both answer.
  void ping_all(unsigned round) {
    let_pass((round == 0 ? 31 : 30) * 1'000'000ull);
    inputs_.clear();
    for (const auto& sink : sinks_)
      sink->for_each([&](std::string_view bytes, const endpoint& to) {
        if (!bytes.starts_with("OPTIONS ")) throw std::runtime_error("no OPTIONS");
        inputs_.push_back(input_of(reply(bytes, 200, {}), to, line_of(bytes, "Call-ID")));
      });
    if (inputs_.size() != 2 * batch) throw std::runtime_error("not two pings for each call");
    give_inputs();
  }

  void note_outputs() {
    const std::uint64_t first = number_ - batch + 1;
    for (const auto& sink : sinks_)
      sink->for_each([&](std::string_view bytes, const endpoint& to) {
        const bool invite = bytes.starts_with("INVITE "), bye = bytes.starts_with("BYE ");
        if (!invite && !bye && !bytes.starts_with("SIP/2.0 200 ")) return;
        one_call& c = calls_.at(number_of_call(bytes) - first);
        if (invite) {
          c.invite = bytes;
          c.callee = to;
          ++c.invites;
        } else if (bye) {
          c.bye = bytes;
        } else if (line_of(bytes, "CSeq") == "1 INVITE") {
          c.ok = bytes;
        }
      });
  }

  void expect(unsigned one_call::*field, unsigned wanted, const char* what) const {
    for (const one_call& c : calls_)
      if (c.*field != wanted)
        throw std::runtime_error(std::string{v_.name} + ": " + std::to_string(c.*field) + " " +
                                 what + ", not " + std::to_string(wanted));
  }

  variant v_;
  index_book book_{1024, 4096};
  std::unique_ptr<const snapshot> world_;
  std::vector<arena_sink::ring> rings_;
  std::vector<std::unique_ptr<arena_sink>> sinks_;
  std::vector<std::unique_ptr<engine>> engines_;
  std::vector<one_call> calls_;
  std::vector<input> inputs_;
  endpoint caller_ = at("198.51.100.7");
  time_us now_ = 1'000'000;
  std::uint64_t number_ = 0;
};

// Instructions for a datagram by callgrind, with all that the engines do; -1 where it is not there.
double instructions_of(const variant& v) {
  std::array<char, 4096> self{};
  if (readlink("/proc/self/exe", self.data(), self.size() - 1) <= 0) return -1;
  std::string command = "valgrind --tool=callgrind --callgrind-out-file=/dev/null";
  for (const char* name : {"on_datagram", "on_mail", "advance"})
    command += " --toggle-collect='linehunt::engine::" + std::string{name} + "*'";
  command += " '" + std::string{self.data()} + "' --row '" + v.name + "' 2>&1";
  FILE* const told = popen(command.c_str(), "r");
  if (told == nullptr) return -1;
  double datagrams = 0, collected = 0;
  std::array<char, 512> line{};
  while (std::fgets(line.data(), line.size(), told) != nullptr) {
    unsigned long long number = 0;
    if (std::sscanf(line.data(), "datagrams %llu", &number) == 1)
      datagrams = static_cast<double>(number);
    const char* const at = std::strstr(line.data(), "Collected : ");
    if (at != nullptr && std::sscanf(at, "Collected : %llu", &number) == 1)
      collected = static_cast<double>(number);
  }
  if (pclose(told) != 0 || datagrams == 0 || collected == 0) return -1;
  return collected / datagrams;
}

} // namespace

void run_price(const std::string& name, int turns) {
  for (const variant& v : variants) {
    if (name != v.name) continue;
    node one(v);
    for (int i = 0; i < turns; ++i)
      one.whole_calls();
    const std::string_view kernel = sip::name_of(sip::current_kernel());
    std::printf("kernel %.*s\ndatagrams %llu\n%.0f ns each\n", static_cast<int>(kernel.size()),
                kernel.data(), static_cast<unsigned long long>(one.datagrams),
                one.spent_ns / static_cast<double>(one.datagrams));
    return;
  }
  throw std::runtime_error("no row '" + name + "'");
}

nlohmann::json print_prices(bool quick) {
  std::vector<std::unique_ptr<node>> nodes;
  for (const variant& v : variants)
    nodes.push_back(std::make_unique<node>(v));
  std::vector<std::vector<double>> ns(variants.size());
  std::vector<double> datagrams(variants.size());
  const int turns = quick ? 5 : 31;
  for (int turn = -1; turn < turns; ++turn) { // one to warm up
    for (std::size_t i = 0; i < variants.size(); ++i) {
      node& n = *nodes[i];
      n.spent_ns = 0;
      n.datagrams = 0;
      n.allocated = 0;
      n.whole_calls();
      if (turn < 0) continue;
      if (n.allocated != 0) throw std::runtime_error("allocations on the packet path");
      ns[i].push_back(n.spent_ns / batch);
      datagrams[i] = static_cast<double>(n.datagrams) / batch;
    }
  }
  std::printf("\nprice of each part in processor time, whole calls with timers and mail; x: "
              "against the basic call\n\n"
              "%-26s %9s %8s %6s %8s %9s %6s %10s %6s\n",
              "", "datagrams", "ns/msg", "x", "ns/call", "p10-p90", "x", "instr/msg", "x");
  nlohmann::json rows = nlohmann::json::array();
  double first_ns = 0, first_call = 0, first_instructions = 0;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const double per_call = quantile(ns[i], 0.5), per_message = per_call / datagrams[i];
    const double spread = (quantile(ns[i], 0.9) - quantile(ns[i], 0.1)) / per_call;
    const double instructions = instructions_of(variants[i]);
    if (i == 0) {
      first_ns = per_message;
      first_call = per_call;
      first_instructions = instructions;
    }
    std::printf("%-26s %9.0f %8.0f %6.2f %8.0f %8.0f%% %6.2f", variants[i].name, datagrams[i],
                per_message, per_message / first_ns, per_call, 100 * spread, per_call / first_call);
    if (instructions > 0 && first_instructions > 0)
      std::printf(" %10.0f %6.2f\n", instructions, instructions / first_instructions);
    else
      std::printf(" %10s %6s\n", "-", "-");
    std::fflush(stdout);
    rows.push_back({{"row", variants[i].name},
                    {"datagrams_per_call", datagrams[i]},
                    {"ns_per_message", per_message},
                    {"ns_per_call", per_call},
                    {"instructions_per_message", instructions}});
  }
  return rows;
}

} // namespace linehunt::bench
