// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/eal.h"

#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/hugepage_check.h"
#include "dataplane/dpdk/mbuf.h"
#include "dataplane/dpdk/runtime_folder.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <string_view>
#include <thread>

namespace linehunt::dpdk {

namespace {

enum class eal_state : std::uint8_t { unused, running, over };
eal_state stage = eal_state::unused; // control thread only
std::optional<runtime_folder> folder;

// Does the operator say by arguments which devices EAL shall look for?
bool names_devices(const std::vector<std::string>& arguments) {
  return std::ranges::any_of(arguments, [](std::string_view a) {
    return a.starts_with("-a") || a.starts_with("-b") || a.starts_with("--allow") ||
           a.starts_with("--block");
  });
}

// Of several folders of a service systemd makes one variable, with colons between them. DPDK takes
// it for one folder, and goes on in /tmp, where anybody can be in the way of the next start.
void one_runtime_directory() noexcept {
  const char* const all = ::getenv("RUNTIME_DIRECTORY");
  if (all != nullptr && std::strchr(all, ':') != nullptr) ::unsetenv("RUNTIME_DIRECTORY");
}

} // namespace

bool may_run_on(unsigned core) {
  if (core >= CPU_SETSIZE) return false;
  bool may = false;
  std::thread([&] {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(core, &only);
    may = sched_setaffinity(0, sizeof only, &only) == 0;
  }).join();
  return may;
}

std::optional<error> check_cores(unsigned control_core, const std::vector<unsigned>& cores) {
  const auto wrong = [](const char* key, unsigned core) {
    return error{std::string(key) + ": this process may not run on processor " +
                 std::to_string(core) +
                 "; name another that is online (`lscpu -e`), or see the cpuset of the service"};
  };
  if (!may_run_on(control_core)) return wrong("control_core", control_core);
  for (const unsigned core : cores)
    if (!may_run_on(core)) return wrong("cores", core);
  return std::nullopt;
}

tl::expected<std::vector<unsigned>, error> worker_cores(const runtime_setup& setup) {
  if (setup.workers == 0 || setup.workers > max_workers)
    return tl::unexpected(error{"workers = " + std::to_string(setup.workers) + " is not in 1 to " +
                                std::to_string(max_workers)});
  std::vector<unsigned> cores = setup.cores;
  const unsigned count = std::max(1u, std::thread::hardware_concurrency());
  if (cores.empty())
    for (worker_id w = 0; w < setup.workers; ++w)
      cores.push_back((w + 1u) % count);
  if (cores.size() != setup.workers)
    return tl::unexpected(error{"cores names " + std::to_string(cores.size()) +
                                " processors for workers = " + std::to_string(setup.workers) +
                                "; name one for each worker, or none"});
  return cores;
}

std::vector<std::string> eal_arguments(const runtime_setup& setup,
                                       const std::vector<unsigned>& cores) {
  std::string lcores = "0@" + std::to_string(setup.control_core);
  for (std::size_t w = 0; w < cores.size(); ++w)
    lcores.append(",").append(std::to_string(w + 1)).append("@").append(std::to_string(cores[w]));

  std::vector<std::string> out{"linehunt",        "--lcores", lcores,
                               "--main-lcore",    "0",        "--file-prefix",
                               setup.file_prefix, "-m",       std::to_string(setup.memory_mb)};
  const auto is_memif = [](const port_setup& p) { return p.device.starts_with("net_memif"); };
  // Nothing is left behind in the file system; but memif wants DPDK's channel between processes,
  // and its peer maps hugepages by their files.
  const bool any_memif = std::ranges::any_of(setup.ports, is_memif);
  if (!setup.hugepages) out.emplace_back("--no-huge");
  if (!any_memif) out.emplace_back(setup.hugepages ? "--in-memory" : "--no-shconf");
  std::vector<std::string> cards;
  for (const port_setup& p : setup.ports) {
    if (is_pci_address(p.device))
      cards.push_back(p.device);
    else
      std::ranges::move(pci_members(p.device), std::back_inserter(cards));
  }
  for (const std::string& card : cards)
    out.insert(out.end(), {"-a", card});
  if (cards.empty() && !names_devices(setup.eal_arguments)) out.emplace_back("--no-pci");
  out.emplace_back("--log-level=*:warning");
  out.insert(out.end(), setup.eal_arguments.begin(), setup.eal_arguments.end());
  return out;
}

tl::expected<void, error> start_eal(const runtime_setup& setup) {
  if (stage != eal_state::unused)
    return tl::unexpected(error{"DPDK can be started only once in a process"});
  const auto cores = worker_cores(setup);
  if (!cores) return tl::unexpected(cores.error());
  if (auto wrong = check_cores(setup.control_core, *cores)) return tl::unexpected(*wrong);
  if (auto missing = check_hugepages(setup, *cores)) return tl::unexpected(*missing);
  one_runtime_directory();
  // DPDK would put its sockets into /tmp, or go on without; what is left of them there, or
  // anybody's file, is in the way of the next start.
  if (const std::string place = forbidden_place(setup.file_prefix); !place.empty())
    return tl::unexpected(error{"DPDK cannot start: its folder dpdk/" + setup.file_prefix +
                                " cannot be made; see that " + place +
                                " is there and may be written to"});

  static std::vector<std::string> arguments; // EAL keeps pointers into them
  arguments = eal_arguments(setup, *cores);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& a : arguments)
    argv.push_back(a.data());
  argv.push_back(nullptr);
  stage = eal_state::over;
  const runtime_folder_hold hold(setup.file_prefix);
  if (rte_eal_init(static_cast<int>(argv.size() - 1), argv.data()) < 0) {
    std::string line;
    for (const std::string& a : arguments)
      line += " " + a;
    const std::string advice = setup.hugepages
                                   ? "; are as many hugepages free as memory_mb (" +
                                         std::to_string(setup.memory_mb) +
                                         ") says (`dpdk-hugepages.py --show`)?"
                                   : "; does the process have the rights, and memory_mb the room?";
    return tl::unexpected(error{std::string("DPDK cannot start: ") + rte_strerror(rte_errno) +
                                advice + " Arguments:" + line});
  }
  stage = eal_state::running;
  // What a secondary process shares with others is not ours.
  if (rte_eal_process_type() == RTE_PROC_PRIMARY) folder.emplace(rte_eal_get_runtime_dir());
  if (!register_arrival()) {
    stop_eal();
    return tl::unexpected(error{"no room in the mbuf for a field of ours; do eal_arguments load a "
                                "driver that takes it?"});
  }
  return {};
}

bool eal_is_running() noexcept {
  return stage == eal_state::running;
}

void stop_eal() noexcept {
  if (stage != eal_state::running) return;
  (void)rte_eal_cleanup();
  folder.reset();
  stage = eal_state::over;
}

} // namespace linehunt::dpdk
