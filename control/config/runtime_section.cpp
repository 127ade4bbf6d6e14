// SPDX-License-Identifier: Apache-2.0
// [runtime] and [limits]: workers, cores, memory, table sizes.
#include "control/config/sections.h"
#include "dataplane/printable.h"
#include "sipparse/scan.h"

#include <algorithm>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr unsigned max_core = 1023;
constexpr std::size_t max_user_agent_bytes = 128;

void check_cores(table_reader& section, const dpdk::runtime_setup& setup) {
  if (setup.cores.empty()) return;
  if (setup.cores.size() != setup.workers) {
    section.error("cores", fmt::format("'cores' lists {} processors for {} workers; list one for "
                                       "each worker or leave 'cores' out",
                                       setup.cores.size(), setup.workers));
  }
}

void check_file_prefix(table_reader& section, const std::string& prefix) {
  // It becomes part of a path below /var/run/dpdk.
  const bool fine =
      !prefix.empty() && prefix.size() <= 64 && std::ranges::all_of(prefix, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-';
      });
  if (!fine)
    section.error("file_prefix",
                  "'file_prefix' must be 1 to 64 letters, digits, '-' or '_'; mend it");
}

} // namespace

void read_runtime(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("runtime");
  if (!table) return;
  table_reader section(*table, "[runtime]", out);
  dpdk::runtime_setup& setup = into.runtime;
  section.read("workers", setup.workers, 1, max_workers);
  section.read("cores", setup.cores, max_core);
  section.read("control_core", setup.control_core, 0, max_core);
  section.read("hugepages", setup.hugepages);
  section.read("memory_mb", setup.memory_mb, 64, 1 << 20);
  section.read("mbufs", setup.mbufs, 1024, 1 << 22);
  if (section.read("file_prefix", setup.file_prefix)) check_file_prefix(section, setup.file_prefix);
  std::vector<placed_text> arguments;
  section.read("eal_arguments", arguments);
  for (placed_text& argument : arguments)
    setup.eal_arguments.push_back(std::move(argument.text));
  section.read("yield_when_idle", setup.yield_when_idle);
  if (section.read("kernel", into.kernel) && into.kernel != "auto") {
    const auto kernel = sip::kernel_named(into.kernel);
    if (!kernel)
      section.error("kernel", fmt::format("kernel '{}' is unknown; write auto, scalar, sse42, avx2 "
                                          "or avx512",
                                          into.kernel));
    else if (!sip::kernel_supported(*kernel))
      section.error("kernel",
                    fmt::format("this processor cannot run kernel '{}'; write auto", into.kernel));
  }
  section.read("user_agent", into.user_agent);
  // It becomes a line of each reply of ours.
  if (has_control_character(into.user_agent))
    section.error("user_agent", "'user_agent' holds a control character; take it out");
  if (into.user_agent.size() > max_user_agent_bytes)
    section.error("user_agent", fmt::format("'user_agent' has {} bytes; shorten it to {}",
                                            into.user_agent.size(), max_user_agent_bytes));
  if (!into.user_agent.empty() && into.user_agent.find_first_not_of(' ') == std::string::npos)
    section.error("user_agent",
                  "'user_agent' is blank; write a name, or \"\" for no Server header");
  static const std::vector<std::string_view> levels{"trace", "debug", "info", "warn", "error"};
  if (section.read("log_level", into.log_level) &&
      std::ranges::find(levels, into.log_level) == levels.end())
    section.error("log_level", fmt::format("log_level '{}' is unknown; write trace, debug, info, "
                                           "warn or error",
                                           into.log_level));
  if (section.finish()) check_cores(section, setup);
}

void read_limits(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("limits");
  if (!table) return;
  table_reader section(*table, "[limits]", out);
  engine_limits& limits = into.runtime.limits;
  section.read("calls_per_worker", limits.max_calls, 1, 20'000'000);
  section.read("call_text_bytes", limits.call_text_bytes, 0, 4096);
  section.read("transactions_per_worker", limits.max_transactions, 1, 4'000'000);
  section.read("slots", limits.max_slots, 1, 1 << 16);
  section.read("destinations", limits.max_destinations, 1, 1 << 16);
  section.read("parked", limits.max_parked, 1, 1 << 20);
  section.read("parked_deadline_ms", limits.parked_deadline_ms, 1, 32'000);
  section.finish();
}

} // namespace linehunt::config
