// SPDX-License-Identifier: Apache-2.0
// bench_engine: what one message of the basic call costs in the call engine, without I/O: scan,
// rules, selection, tables, timers, and the edits applied into a buffer, as a worker does into an
// mbuf. Calls run in batches, so that each step is timed over many calls whose records have gone
// cold in between, and every output is checked before its time counts.
//
// Instructions are counted by the kernel where it lets us (perf_event_open); elsewhere
//   valgrind --tool=callgrind --toggle-collect='linehunt::engine::on_datagram*' bench_engine
//   --quick
// counts them, to be divided by the messages that bench_engine prints.
#include "dataplane/engine.h"
#include "dataplane/snapshot_builder.h"
#include "engine_messages.h"
#include "engine_prices.h"
#include "measure.h"
#include "tests/models/models.h"
#include "tests/unit/dataplane/allocation_count.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <linux/perf_event.h>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>
#include <x86intrin.h>

namespace {

using namespace linehunt;
using namespace linehunt::bench;

// Takes what the engine sends into buffers of its own.
class buffer_sink final : public action_sink {
 public:
  void forward(const sip::edit_list& edits, const outbound& where) override {
    len = edits.apply_to(at_hand, bytes);
    to = where.to;
    ++forwarded;
  }
  void send(std::string_view text, const outbound&) override {
    std::memcpy(other.data(), text.data(), text.size());
    ++sent;
  }
  bool mail(worker_id, const linehunt::mail&) override { return true; }
  bool raise(const event&) override { return true; }

  std::string_view at_hand;
  std::array<char, 66'000> bytes, other;
  std::size_t len = 0;
  endpoint to;
  std::uint64_t forwarded = 0, sent = 0;
};

// Instructions of this thread in user space; -1 where the kernel refuses.
class instruction_counter {
 public:
  instruction_counter() {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    file_ = static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
  }
  ~instruction_counter() {
    if (file_ >= 0) close(file_);
  }
  instruction_counter(const instruction_counter&) = delete;
  instruction_counter& operator=(const instruction_counter&) = delete;
  [[nodiscard]] std::int64_t read_count() const {
    std::int64_t value = -1;
    if (file_ < 0 || ::read(file_, &value, sizeof value) != sizeof value) return -1;
    return value;
  }

 private:
  int file_ = -1;
};

struct step {
  std::string name;
  verdict expected = verdict::request_forwarded;
  std::size_t bytes = 0;
  // Of one message, one entry for each batch: the median, which a worker that is put off the
  // processor in mid-batch does not move.
  std::vector<double> ns{}, tsc{}, instructions{};
};

struct running {
  call_names names;
  std::string invite_there, ok, bye_there;
};

std::unique_ptr<const snapshot> four_destinations(index_book& book) {
  snapshot_model model;
  for (std::uint32_t id = 1; id <= 4; ++id)
    model.destinations.push_back(models::machine(id, "pstn=1000000; transc=1000000"));
  model.listeners = {models::listening_at("192.0.2.1")};
  model.routes = {route{}};
  model.rules = {models::balancing("^VM_", {"transc"}), models::balancing("^[0-9]+$", {"pstn"})};
  for (rule_model& rule : model.rules)
    rule.failover = {};
  return models::build(model, book);
}

class basic_call {
 public:
  basic_call(std::size_t batch, std::size_t standing) : world_(four_destinations(book_)) {
    engine_limits limits;
    limits.max_calls = static_cast<std::uint32_t>(standing + 4 * batch);
    limits.max_transactions = static_cast<std::uint32_t>(2 * batch);
    engine_ = models::make_engine(*world_, limits);
    for (std::size_t made = 0; made < standing; made += batch) {
      start(batch);
      run(batch, 4); // up to the ACK: they stay
    }
    for (step& s : steps)
      s.ns.clear(), s.tsc.clear(), s.instructions.clear();
  }

  void whole_calls(std::size_t batch) {
    start(batch);
    run(batch, steps.size());
    // 64*T1 later nothing of them is left.
    engine_->advance(now_ += 33'000'000, *sink_);
  }

  std::vector<step> steps{
      {"INVITE", verdict::request_forwarded},      {"180", verdict::response_forwarded},
      {"200 INVITE", verdict::response_forwarded}, {"ACK", verdict::request_forwarded},
      {"BYE", verdict::request_forwarded},         {"200 BYE", verdict::response_forwarded}};
  std::size_t allocated = 0;
  std::uint64_t messages = 0;
  [[nodiscard]] const engine_counters& counters() const { return engine_->counters(); }

 private:
  void start(std::size_t batch) {
    calls_.assign(batch, {});
    callee_of_.resize(batch);
    kept_.resize(batch * kept_bytes);
    for (running& c : calls_)
      c.names = names_of_call(++number_);
  }
  [[nodiscard]] std::string message(const running& c, std::size_t which) const {
    const auto route = [&] { return line_of(c.ok, "Record-Route"); };
    switch (which) {
    case 0:
      return request(c.names, "INVITE", 1, {}, {}, sdp);
    case 1:
      return reply(c.invite_there, 180, {});
    case 2:
      return reply(c.invite_there, 200, sdp);
    case 3:
      return request(c.names, "ACK", 1, "gw7f3a", route(), {});
    case 4:
      return request(c.names, "BYE", 2, "gw7f3a", route(), {});
    default:
      return reply(c.bye_there, 200, {});
    }
  }
  void run(std::size_t batch, std::size_t until) {
    for (std::size_t which = 0; which < until; ++which) {
      step& s = steps[which];
      std::vector<std::string> inputs;
      for (const running& c : calls_)
        inputs.push_back(message(c, which));
      s.bytes = inputs.front().size();
      const bool from_callee = s.expected == verdict::response_forwarded;
      const auto instructions = counter_.read_count();
      std::vector<double> ns(batch), tsc(batch);
      const auto before = allocations_so_far();
      for (std::size_t i = 0; i < batch; ++i) {
        sink_->at_hand = inputs[i];
        const datagram in{inputs[i], from_callee ? callee_of_[i] : caller_, 0};
        const auto begin = std::chrono::steady_clock::now();
        const auto tsc_begin = __rdtsc();
        const verdict v = engine_->on_datagram(in, now_, *sink_);
        const auto tsc_end = __rdtsc();
        ns[i] = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin)
                    .count();
        tsc[i] = static_cast<double>(tsc_end - tsc_begin);
        if (v != s.expected) throw std::runtime_error(s.name + " gave " + std::string{name_of(v)});
        if (which == 0) callee_of_[i] = sink_->to;
        if (sink_->len > kept_bytes) throw std::runtime_error("output too long");
        std::memcpy(&kept_[i * kept_bytes], sink_->bytes.data(), sink_->len);
        lens_[i] = sink_->len;
      }
      const auto spent = counter_.read_count();
      allocated += allocations_so_far() - before;
      messages += batch;
      const double n = static_cast<double>(batch);
      s.ns.push_back(quantile(ns, 0.5));
      s.tsc.push_back(quantile(tsc, 0.5));
      if (spent >= 0) s.instructions.push_back(static_cast<double>(spent - instructions) / n);
      for (std::size_t i = 0; i < batch; ++i) {
        const std::string_view out{&kept_[i * kept_bytes], lens_[i]};
        if (which == 0) calls_[i].invite_there = out;
        if (which == 2) calls_[i].ok = out;
        if (which == 4) calls_[i].bye_there = out;
      }
    }
  }

  static constexpr std::size_t kept_bytes = 4096;
  index_book book_{1024, 4096};
  std::unique_ptr<const snapshot> world_;
  std::unique_ptr<engine> engine_;
  std::unique_ptr<buffer_sink> sink_ = std::make_unique<buffer_sink>();
  instruction_counter counter_;
  std::vector<running> calls_;
  std::vector<endpoint> callee_of_;
  std::vector<char> kept_;
  std::array<std::size_t, 65'536> lens_{};
  time_us now_ = 1'000'000;
  std::uint64_t number_ = 0;
  endpoint caller_ = *parse_endpoint("198.51.100.7", 5060);
};

// What two readings of both clocks cost by themselves.
double clock_ns() {
  std::vector<double> values;
  for (int i = 0; i < 2001; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    (void)__rdtsc();
    (void)__rdtsc();
    values.push_back(
        std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
  }
  return quantile(values, 0.5);
}

} // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::string json_file, row;
  std::size_t standing = 0;
  CLI::App app("Cost of a message of the basic call in the engine, without I/O", "bench_engine");
  app.add_flag("--quick", quick, "fewer batches, wider spread");
  app.add_option("--json", json_file, "write the figures to this file as JSON, too");
  app.add_option("--standing", standing, "answered calls that are there already");
  app.add_option("--row", row, "one row of the table of prices alone, for callgrind and perf");
  int turns = 2;
  app.add_option("--turns", turns, "with --row: batches of calls")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  const std::size_t batch = 1000;
  const std::size_t batches = quick ? 7 : 41;
  try {
    if (!row.empty()) {
      run_price(row, turns);
      return 0;
    }
    basic_call b(batch, standing);
    b.whole_calls(batch); // warms up
    for (step& s : b.steps)
      s.ns.clear(), s.tsc.clear(), s.instructions.clear();
    b.allocated = 0;
    b.messages = 0;
    for (std::size_t i = 0; i < batches; ++i)
      b.whole_calls(batch);
    if (b.allocated != 0) {
      std::fprintf(stderr, "bench_engine: %zu allocations on the packet path\n", b.allocated);
      return 1;
    }
    const auto live = b.counters().calls_live.load();
    if (live != (standing + batch - 1) / batch * batch) {
      std::fprintf(stderr, "bench_engine: %llu calls are left\n",
                   static_cast<unsigned long long>(live));
      return 1;
    }
    const double clocks = clock_ns();
    std::printf("basic call, %zu calls standing, %llu messages; clock %.1f ns, taken off\n\n",
                standing, static_cast<unsigned long long>(b.messages), clocks);
    std::printf("%-12s %6s %9s %8s %9s %13s\n", "message", "bytes", "ns/msg", "p10-p90", "tsc",
                "instructions");
    nlohmann::json rows = nlohmann::json::array();
    double total_ns = 0, total_instructions = 0;
    for (const step& s : b.steps) {
      const double ns = quantile(s.ns, 0.5) - clocks;
      const double spread = (quantile(s.ns, 0.9) - quantile(s.ns, 0.1)) / ns;
      const double instructions = quantile(s.instructions, 0.5);
      total_ns += ns;
      total_instructions += instructions;
      std::printf("%-12s %6zu %9.0f %7.1f%% %9.0f %13.0f\n", s.name.c_str(), s.bytes, ns,
                  100 * spread, quantile(s.tsc, 0.5), instructions);
      rows.push_back({{"message", s.name},
                      {"bytes", s.bytes},
                      {"median_ns", ns},
                      {"p10_ns", quantile(s.ns, 0.1) - clocks},
                      {"p90_ns", quantile(s.ns, 0.9) - clocks},
                      {"tsc_cycles", quantile(s.tsc, 0.5)},
                      {"instructions", instructions}});
    }
    const double n = static_cast<double>(b.steps.size());
    std::printf("%-12s %6s %9.0f\n", "mean", "", total_ns / n);
    std::printf("%-12s %6s %9.0f  -> %.0f calls per second and core\n", "whole call", "", total_ns,
                1e9 / total_ns);
    if (total_instructions < 0)
      std::printf("\ninstructions: the kernel does not let us count (see the head of "
                  "tests/bench/engine.cpp for callgrind)\n");
    std::printf("allocations after start: 0\n");
    const nlohmann::json prices = standing == 0 ? print_prices(quick) : nlohmann::json::array();
    if (!json_file.empty()) {
      std::ofstream out(json_file);
      out << nlohmann::json{{"standing", standing},
                            {"ns_per_message", total_ns / n},
                            {"ns_per_call", total_ns},
                            {"allocations", 0},
                            {"rows", rows},
                            {"prices", prices}}
                 .dump(1)
          << '\n';
      if (!out) {
        std::fprintf(stderr, "bench_engine: cannot write %s\n", json_file.c_str());
        return 1;
      }
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_engine: %s\n", e.what());
    return 1;
  }
  return 0;
}
