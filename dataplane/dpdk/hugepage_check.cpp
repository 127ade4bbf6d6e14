// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/hugepage_check.h"

#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/numa_memory.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numa.h>
#include <string_view>

namespace linehunt::dpdk {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t unlimited = ~std::uint64_t{0};

template <typename Number>
std::optional<Number> number_in(const fs::path& file) {
  Number n{};
  std::ifstream in(file);
  return in >> n ? std::optional(n) : std::nullopt;
}

// The folder of a page size is called "hugepages-2048kB".
std::uint64_t page_bytes(const fs::path& of_size) {
  constexpr std::string_view before = "hugepages-";
  const std::string name = of_size.filename();
  return name.starts_with(before) ? std::strtoull(name.c_str() + before.size(), nullptr, 10) * 1024
                                  : 0;
}

bool may_have_memory_of(int node) {
  bitmask* const allowed = numa_get_mems_allowed();
  const bool may = numa_bitmask_isbitset(allowed, static_cast<unsigned>(node)) != 0;
  numa_bitmask_free(allowed);
  return may;
}

// DPDK knows the nodes of processors alone.
bool has_processors(int node) {
  bitmask* const of_node = numa_allocate_cpumask();
  const bool some = numa_node_to_cpus(node, of_node) == 0 && numa_bitmask_weight(of_node) != 0;
  numa_free_cpumask(of_node);
  return some;
}

// The kernel makes hugepages when they are asked for, on any node.
bool makes_hugepages_on_demand() {
  std::error_code failure;
  fs::directory_iterator size("/sys/kernel/mm/hugepages", failure);
  for (; !failure && size != fs::directory_iterator(); size.increment(failure))
    if (number_in<std::uint64_t>(size->path() / "nr_overcommit_hugepages").value_or(0) != 0)
      return true;
  return false;
}

// Those of another process, or none whatever the configuration says.
bool takes_no_hugepages(const runtime_setup& setup) {
  return !setup.hugepages || std::ranges::any_of(setup.eal_arguments, [](std::string_view a) {
    return a == "--no-huge" || (a.starts_with("--proc-type") && !a.ends_with("primary"));
  });
}

} // namespace

std::vector<memory_user> users_of_memory(unsigned control_core,
                                         const std::vector<unsigned>& cores) {
  const auto of = [](const char* key, unsigned core) {
    return memory_user{std::string(key) + ": processor " + std::to_string(core),
                       numa_node_of(core)};
  };
  std::vector<memory_user> out{of("control_core", control_core)};
  for (const unsigned core : cores)
    out.push_back(of("cores", core));
  return out;
}

std::vector<memory_user> cards_of(const port_setup& port) {
  std::vector<std::string> cards = pci_members(port.device);
  if (is_pci_address(port.device)) cards.push_back(port.device.substr(0, port.device.find(',')));
  std::vector<memory_user> out;
  for (std::string& card : cards) {
    if (card.size() == 7) card.insert(0, "0000:");
    if (const auto node = number_in<int>("/sys/bus/pci/devices/" + card + "/numa_node"))
      out.push_back({"port '" + port.name + "': " + card, *node, true});
  }
  return out;
}

std::optional<node_memory> memory_of_node(int node) {
  if (node < 0 || numa_available() < 0) return std::nullopt;
  node_memory out{.usable = may_have_memory_of(node) && has_processors(node)};
  if (makes_hugepages_on_demand()) {
    out.hugepage_bytes = unlimited;
    return out;
  }
  std::error_code failure;
  const fs::path sizes = "/sys/devices/system/node/node" + std::to_string(node) + "/hugepages";
  fs::directory_iterator size(sizes, failure);
  if (failure) return std::nullopt;
  for (; size != fs::directory_iterator(); size.increment(failure)) {
    if (failure) return std::nullopt;
    out.hugepage_bytes += page_bytes(size->path()) *
                          number_in<std::uint64_t>(size->path() / "nr_hugepages").value_or(0);
  }
  return out;
}

std::optional<error>
check_hugepages(const std::vector<memory_user>& users,
                const std::function<std::optional<node_memory>(int)>& memory_of) {
  for (const memory_user& user : users) {
    if (user.node < 0) continue;
    const auto there = memory_of(user.node);
    const std::string node = std::to_string(user.node);
    const std::string where = user.who + " is on NUMA node " + node + ", ";
    const std::string another =
        user.is_card ? "" : ", or name a processor of another node (`lscpu -e` lists them)";
    if (there && !there->usable)
      return error{where + "of which DPDK gets no memory" +
                   (user.is_card ? ", and some drivers need it" : "") +
                   "; see the cpuset of the service" + another};
    if (there && there->hugepage_bytes == 0)
      return error{where + "where there are no hugepages; `dpdk-hugepages.py --node " + node +
                   " --reserve 1G`" + another};
  }
  return std::nullopt;
}

std::optional<error> check_hugepages(const runtime_setup& setup,
                                     const std::vector<unsigned>& cores) {
  if (takes_no_hugepages(setup)) return std::nullopt;
  return check_hugepages(users_of_memory(setup.control_core, cores), memory_of_node);
}

std::optional<error> check_all_hugepages(const runtime_setup& setup,
                                         const std::vector<unsigned>& cores) {
  if (takes_no_hugepages(setup)) return std::nullopt;
  std::vector<memory_user> users = users_of_memory(setup.control_core, cores);
  for (const port_setup& port : setup.ports)
    std::ranges::move(cards_of(port), std::back_inserter(users));
  return check_hugepages(users, memory_of_node);
}

std::string how_to_get_more(bool hugepages, int node) {
  if (!hugepages) return "raise memory_mb";
  if (node < 0) return "reserve more hugepages (`dpdk-hugepages.py --show` lists them)";
  return "reserve more hugepages on NUMA node " + std::to_string(node) +
         " (`dpdk-hugepages.py --node " + std::to_string(node) + " --reserve SIZE`)";
}

} // namespace linehunt::dpdk
