// SPDX-License-Identifier: Apache-2.0
// What one decision costs: select and release, by the number of destinations, the resources asked
// and the flags. The first choice of each case is checked before it is timed. Three of four lines
// are in use, at random, so that the values differ.
#include "dataplane/load_ledger.h"
#include "dataplane/rules.h"
#include "measure.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace linehunt;

namespace {

constexpr resource_id resources_each = 4; // of every destination

void run(std::uint32_t destinations, bool quick, nlohmann::json& rows) {
  snapshot world;
  std::uint32_t random = 1;
  const auto below = [&random](std::uint32_t bound) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % bound;
  };
  for (std::uint32_t d = 0; d < destinations; ++d) {
    destination box;
    box.index = d;
    box.id = d + 1;
    box.group = 1;
    box.addresses.push_back({});
    for (resource_id name = 0; name < resources_each; ++name)
      box.resources.push_back({.name = name, .slot = d * resources_each + name, .capacity = 1000});
    world.destinations.push_back(std::move(box));
  }
  load_ledger ledger({.max_slots = destinations * resources_each,
                      .max_destinations = destinations,
                      .max_waiters = 16},
                     1);
  ledger.adopt(world);
  std::vector<std::int64_t> free(destinations);
  for (std::uint32_t d = 0; d < destinations; ++d) {
    const std::uint32_t load = 500 + below(500);
    free[d] = 1000 - load;
    for (std::uint32_t i = 0; i < load; ++i) {
      const std::array<resource_id, resources_each> all{0, 1, 2, 3};
      holding held;
      ledger.count(d, all, held);
    }
  }
  const auto expected =
      static_cast<destination_index>(std::ranges::max_element(free) - free.begin());
  const std::vector<resource_id> one{1}, two{0, 1}, three{0, 1, 2}, four{0, 1, 2, 3};
  const struct {
    const char* name;
    const std::vector<resource_id>& resources;
    balance_flags flags;
  } cases[] = {
      {"one resource", one, {}},
      {"two resources", two, {}},
      {"three resources", three, {}},
      {"four resources", four, {}},
      {"two, relative", two, {.relative = true}},
      {"two, random tie", two, {.random_tie = true}},
  };
  for (const auto& c : cases) {
    const selection_request request{
        .group = 1, .resources = c.resources, .flags = c.flags, .excluded_ids = {}};
    holding held;
    if (ledger.select(request, 1, held) != selection_outcome::selected ||
        (!c.flags.relative && !c.flags.random_tie && held.destination != expected)) {
      std::printf("wrong choice\n");
      std::exit(1);
    }
    ledger.release(held);
    // A hundred calls at a time, so that what is selected and what is released are far apart.
    std::vector<holding> calls(100);
    std::size_t oldest = 0;
    const bench::contender decide{[] {},
                                  [&](std::uint64_t times) {
                                    for (std::uint64_t i = 0; i < times; ++i) {
                                      ledger.release(calls[oldest]);
                                      bench::keep(ledger.select(request, 1, calls[oldest]));
                                      oldest = (oldest + 1) % calls.size();
                                    }
                                  }};
    const bench::timing t = bench::measure({decide}, quick).front();
    std::printf("%7u destinations  %-16s median %9.1f ns   10%% %9.1f   90%% %9.1f\n", destinations,
                c.name, t.median_ns, t.p10_ns, t.p90_ns);
    rows.push_back({{"destinations", destinations},
                    {"case", c.name},
                    {"median_ns", t.median_ns},
                    {"p10_ns", t.p10_ns},
                    {"p90_ns", t.p90_ns}});
    for (holding& call : calls)
      ledger.release(call);
  }
}

} // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::string json_file;
  CLI::App app("Cost of choosing a destination and of giving it back", "bench_selection");
  app.add_flag("--quick", quick, "fewer samples, wider spread");
  app.add_option("--json", json_file, "write the figures to this file as JSON, too");
  CLI11_PARSE(app, argc, argv);

  std::printf("select and release, one worker, %u resources a destination\n",
              unsigned{resources_each});
  nlohmann::json rows = nlohmann::json::array();
  for (const std::uint32_t destinations : {4u, 16u, 100u, 1000u, 10'000u})
    run(destinations, quick, rows);
  if (json_file.empty()) return 0;
  std::ofstream out(json_file);
  out << nlohmann::json{{"rows", rows}}.dump(1) << '\n';
  if (out.flush()) return 0;
  std::fprintf(stderr, "bench_selection: cannot write %s\n", json_file.c_str());
  return 1;
}
