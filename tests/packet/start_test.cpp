// SPDX-License-Identifier: Apache-2.0
// Starting: what an operator reads where a port cannot be opened, EAL's arguments, and vdevs that
// need no rights.
#include "dataplane/dpdk/address_claim.h"
#include "dataplane/dpdk/device_check.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/hugepage_check.h"
#include "dataplane/dpdk/mbuf_pools.h"
#include "dataplane/dpdk/memif_socket.h"
#include "dataplane/dpdk/numa_memory.h"
#include "dataplane/dpdk/port.h"
#include "running_balancer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <numa.h>
#include <numaif.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <sched.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Of DPDK's headers for drivers, which are not always installed.
struct rte_eth_dev;
extern "C" {
rte_eth_dev* rte_eth_dev_allocated(const char* name);
int rte_eth_dev_callback_process(rte_eth_dev* dev, rte_eth_event_type event, void* result);
}

// In place of DPDK's, since no device here has such a list.
static std::vector<rte_ether_addr> groups_named;
int rte_eth_dev_set_mc_addr_list(std::uint16_t, rte_ether_addr* groups, std::uint32_t count) {
  groups_named.assign(groups, groups + count);
  return 0;
}

namespace linehunt::test {
namespace {

std::string error_for(const std::string& device, std::uint16_t mtu = 1500) {
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  port.name = "wan";
  port.device = device;
  port.mtu_bytes = mtu;
  setup.ports = {port};
  setup.mbufs = 1024;
  auto started = dpdk::runtime::start(setup, std::make_unique<snapshot>());
  return started ? "" : started.error().message;
}

testing::AssertionResult says(const std::string& message,
                              std::initializer_list<const char*> words) {
  for (const char* w : words)
    if (message.find(w) == std::string::npos)
      return testing::AssertionFailure() << "no '" << w << "' in: " << message;
  return testing::AssertionSuccess();
}

TEST(start, says_what_is_wrong_with_a_device) {
  EXPECT_TRUE(says(error_for(""), {"wan", "device"}));
  EXPECT_TRUE(says(error_for("net_af_packet0"), {"wan", "iface="}));
  EXPECT_TRUE(says(error_for("net_af_packet0,iface=nosuch0"), {"wan", "nosuch0", "ip link"}));
  EXPECT_TRUE(says(error_for("net_af_packet0,iface=lo", 9000), {"wan", "9000", "framesz"}));
  EXPECT_TRUE(says(error_for("net_af_xdp0,iface=nosuch0"), {"wan", "nosuch0"}));
  EXPECT_TRUE(says(error_for("ffff:ff:1f.7"), {"wan", "ffff:ff:1f.7", "dpdk-devbind"}));
  EXPECT_TRUE(says(error_for("net_bonding0,mode=1,slave=net_null3,slave=ffff:ff:1f.6"),
                   {"wan", "ffff:ff:1f.6", "dpdk-devbind"}));
  EXPECT_TRUE(says(error_for("net_pcap0,rx_pcap=/nonexistent.pcap"), {"wan", "/nonexistent.pcap"}));
  EXPECT_TRUE(says(error_for("net_nosuchdriver0"), {"wan", "net_nosuchdriver0", "driver"}));
  EXPECT_TRUE(says(error_for("net_null0", 10), {"wan", "mtu 10"}));
}

std::string lost_on(const std::string& device, dpdk::rx_channels there) {
  dpdk::port_setup port;
  port.name = "wan";
  port.device = device;
  const auto lost = dpdk::check_queues(port, there);
  return lost ? lost->message : "";
}

TEST(start, says_which_queues_of_an_interface_af_xdp_does_not_poll) {
  const dpdk::rx_channels card{.combined = 4}, veth{.rx = 2};
  const std::string one = "net_af_xdp0,iface=eth1";
  EXPECT_TRUE(says(lost_on(one, card), {"wan", "eth1", "on 4 queues", "polls 1;",
                                        "`ethtool -L eth1 combined 1`", "queue_count=4"}));
  EXPECT_TRUE(says(lost_on(one, veth), {"`ethtool -L eth1 rx 1`", "queue_count=2"}));
  EXPECT_TRUE(says(lost_on(one + ",queue_count=2", card),
                   {"polls 2;", "`ethtool -L eth1 combined 2`", "queue_count=4"}));
  EXPECT_TRUE(says(lost_on(one + ",start_queue=2,queue_count=2", card),
                   {"polls 2;", "`ethtool -X eth1 start 2 equal 2`", "start_queue=0"}));
  EXPECT_EQ(lost_on(one + ",start_queue=0,queue_count=4", card), "");
  EXPECT_EQ(lost_on(one, {.combined = 1}), "");
  EXPECT_EQ(lost_on(one, {}), "") << "its driver does not say";
  EXPECT_EQ(lost_on("net_af_packet0,iface=eth1", card), "") << "hears all of them";
  EXPECT_EQ(lost_on("0000:3b:00.0", card), "");
}

class memif_socket : public testing::Test {
 protected:
  memif_socket() {
    std::string name = testing::TempDir() + "memif-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path = folder_ + "/memif.sock";
    server = "net_memif0,role=server,id=0,socket-abstract=no,socket=" + path;
  }
  ~memif_socket() override {
    if (listening_ >= 0) ::close(listening_);
    ::unlink(path.c_str());
    ::rmdir(folder_.c_str());
  }
  void listen_there() {
    listening_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* const at = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    ASSERT_EQ(::bind(listening_, at, sizeof address), 0);
    ASSERT_EQ(::listen(listening_, 1), 0);
  }
  void leave_it() { // as a kill does
    ::close(listening_);
    listening_ = -1;
  }
  [[nodiscard]] int listening() const { return listening_; }
  [[nodiscard]] bool there() const { return ::access(path.c_str(), F_OK) == 0; }
  std::string path, server;

 private:
  std::string folder_;
  int listening_ = -1;
};

TEST_F(memif_socket, that_nobody_listens_on_is_removed) {
  listen_there();
  dpdk::remove_left_memif_socket(server);
  EXPECT_TRUE(there()) << "somebody does";
  EXPECT_EQ(::accept(listening(), nullptr, nullptr), -1) << "and is not bothered";
  EXPECT_EQ(errno, EAGAIN);
  leave_it();
  dpdk::remove_left_memif_socket("net_memif0,role=client,socket-abstract=no,socket=" + path);
  EXPECT_TRUE(there()) << "a client makes none";
  dpdk::remove_left_memif_socket("net_memif0,role=server,socket=" + path);
  EXPECT_TRUE(there()) << "an abstract one is no file";
  dpdk::remove_left_memif_socket(server);
  EXPECT_FALSE(there());
}

TEST_F(memif_socket, that_is_another_kind_of_file_stays) {
  std::ofstream(path) << "of somebody else";
  dpdk::remove_left_memif_socket(server);
  EXPECT_TRUE(there());
}

TEST(start, looks_for_the_cards_that_are_named_and_for_no_others) {
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  const auto arguments = [&](const std::string& device) {
    port.device = device;
    setup.ports = {port};
    std::string all;
    for (const std::string& a : dpdk::eal_arguments(setup, {1}))
      all += a + " ";
    return all;
  };
  EXPECT_TRUE(says(arguments("net_af_packet0,iface=eth1"), {"--no-pci"}));
  EXPECT_TRUE(says(arguments("0000:3b:00.0"), {"-a 0000:3b:00.0"}));
  const auto bond = arguments("net_bonding0,mode=4,slave=0000:3b:00.0,slave=3b:00.1");
  EXPECT_TRUE(says(bond, {"-a 0000:3b:00.0", "-a 3b:00.1"}));
  EXPECT_EQ(bond.find("--no-pci"), std::string::npos);
  const auto failsafe =
      arguments("net_failsafe0,dev(0000:84:00.0),dev(84:00.1,arg=1),dev(net_tap0)");
  EXPECT_TRUE(says(failsafe, {"-a 0000:84:00.0 -a 84:00.1 --log"}));
  EXPECT_EQ(failsafe.find("--no-pci"), std::string::npos);
  setup.eal_arguments = {"-a", "0000:5e:00.0"};
  EXPECT_EQ(arguments("net_failsafe0").find("--no-pci"), std::string::npos);
}

TEST(start, has_as_many_mbufs_as_the_queues_of_cards_keep) {
  dpdk::runtime_setup setup;
  setup.workers = 4;
  setup.mbufs = 16384;
  EXPECT_EQ(dpdk::mbufs_for(setup, 0), 16384u);
  EXPECT_EQ(dpdk::mbufs_for(setup, 4096), 16384u);
  // Four queues each way on two cards, of 1024 each, and 2048 for each worker.
  EXPECT_EQ(dpdk::mbufs_for(setup, 2 * 2 * 4 * 1024), 16384u + 8192u);
}

// A service is started by somebody whose own mask need not have the processors of its workers.
TEST(start, may_have_processors_outside_of_its_own_mask) {
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "one processor";
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_TRUE(dpdk::may_run_on(1));
  EXPECT_FALSE(dpdk::may_run_on(CPU_SETSIZE - 1));
  EXPECT_FALSE(dpdk::may_run_on(CPU_SETSIZE));
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(start, checks_cores_and_workers) {
  dpdk::runtime_setup setup;
  setup.workers = 0;
  EXPECT_FALSE(dpdk::worker_cores(setup));
  setup.workers = max_workers + 1;
  EXPECT_FALSE(dpdk::worker_cores(setup));
  setup.workers = 3;
  setup.cores = {1, 2};
  EXPECT_TRUE(says(dpdk::worker_cores(setup).error().message, {"cores", "2", "3"}));
  setup.cores.clear();
  EXPECT_EQ(dpdk::worker_cores(setup)->size(), 3u);
}

std::string missing_for(const std::vector<dpdk::memory_user>& users) {
  const auto missing = dpdk::check_hugepages(users, [](int node) {
    constexpr std::uint64_t page = std::uint64_t{1} << 30;
    std::optional<dpdk::node_memory> there;
    if (node < 3) there = {.usable = node != 2, .hugepage_bytes = node == 0 ? page : 0};
    return there;
  });
  return missing ? missing->message : "";
}

TEST(start, says_on_which_numa_node_hugepages_are_missing) {
  EXPECT_EQ(missing_for({{"control_core: processor 0", 0}, {"cores: processor 1", 0}}), "");
  EXPECT_TRUE(says(missing_for({{"control_core: processor 0", 0}, {"cores: processor 9", 1}}),
                   {"cores: processor 9 is on NUMA node 1, where there are no hugepages",
                    "`dpdk-hugepages.py --node 1 --reserve 1G`", "of another node"}));
  const auto without_memory = missing_for({{"control_core: processor 5", 2}});
  EXPECT_TRUE(says(without_memory, {"control_core: processor 5", "node 2", "no memory", "cpuset",
                                    "of another node"}));
  EXPECT_EQ(without_memory.find("--reserve"), std::string::npos);
  const auto card = missing_for({{"port 'wan': 0000:3b:00.0", 1, true}});
  EXPECT_TRUE(says(card, {"port 'wan'", "node 1", "--reserve"}));
  EXPECT_EQ(card.find("of another node"), std::string::npos) << "it stays where it is";
  EXPECT_EQ(missing_for({{"cores: processor 1", -1}, {"cores: processor 2", 3}}), "")
      << "the machine does not tell";
}

TEST(start, knows_the_memory_of_a_node) {
  EXPECT_FALSE(dpdk::memory_of_node(-1));
  const std::string node = "/sys/devices/system/node/node0";
  const auto there = dpdk::memory_of_node(0);
  if (!there) GTEST_SKIP() << "no NUMA in this kernel, or hugepages on demand";
  EXPECT_TRUE(there->usable);
  std::uint64_t bytes = 0;
  for (const char* kilobytes : {"2048", "1048576"}) {
    std::uint64_t pages = 0;
    std::ifstream(node + "/hugepages/hugepages-" + kilobytes + "kB/nr_hugepages") >> pages;
    bytes += pages * std::strtoull(kilobytes, nullptr, 10) * 1024;
  }
  EXPECT_EQ(there->hugepage_bytes, bytes);
}

TEST(start, needs_hugepages_where_it_takes_them) {
  dpdk::runtime_setup setup;
  setup.control_core = 0;
  EXPECT_FALSE(dpdk::check_hugepages(setup, {0}));
  const auto there = dpdk::memory_of_node(0);
  if (!there) GTEST_SKIP() << "no NUMA in this kernel, or hugepages on demand";
  if (there->hugepage_bytes != 0) GTEST_SKIP() << "there are hugepages";
  setup.hugepages = true;
  const auto missing = dpdk::check_hugepages(setup, {0});
  ASSERT_TRUE(missing);
  EXPECT_TRUE(says(missing->message, {"control_core: processor 0", "NUMA node 0"}));
  setup.eal_arguments = {"--proc-type=secondary"};
  EXPECT_FALSE(dpdk::check_hugepages(setup, {0})) << "those of another process are used";
  setup.eal_arguments = {"--no-huge"};
  EXPECT_FALSE(dpdk::check_hugepages(setup, {0}));
}

// A process that is bound to a node is killed when that has no more.
TEST(start, tables_prefer_the_node_of_their_worker) {
  if (numa_available() < 0) GTEST_SKIP() << "no NUMA in this kernel";
  dpdk::numa_memory memory(0, false);
  constexpr std::size_t size = 4096;
  void* const table = memory.take(size, 64);
  int policy = -1;
  ASSERT_EQ(get_mempolicy(&policy, nullptr, 0, table, MPOL_F_ADDR), 0);
  EXPECT_EQ(policy, MPOL_PREFERRED);
  memory.give_back(table, size);
}

TEST(start, asks_for_what_gives_more_memory) {
  EXPECT_EQ(dpdk::how_to_get_more(false, 1), "raise memory_mb");
  EXPECT_TRUE(says(dpdk::how_to_get_more(true, 1), {"hugepages on NUMA node 1", "--node 1"}));
  EXPECT_EQ(dpdk::how_to_get_more(true, -1).find("node"), std::string::npos);
}

TEST(start, eal_arguments) {
  dpdk::runtime_setup setup;
  setup.ports.resize(1);
  setup.ports[0].device = "net_af_packet0,iface=eth1";
  setup.workers = 2;
  setup.control_core = 3;
  const auto line = [&] {
    std::string out;
    for (const std::string& a : dpdk::eal_arguments(setup, {1, 2}))
      out += a + " ";
    return out;
  };
  EXPECT_TRUE(says(line(), {"--lcores 0@3,1@1,2@2 ", "--no-huge ", "--no-pci ", "-m 512 ",
                            "--file-prefix linehunt "}));
  setup.hugepages = true;
  EXPECT_TRUE(says(line(), {"--in-memory "}));
  EXPECT_FALSE(says(line(), {"--no-huge"}));
  setup.ports[0].device = "net_memif0,role=client";
  EXPECT_FALSE(says(line(), {"--in-memory"})); // its peer maps our memory
  setup.ports[0].device = "0000:01:00.0";
  setup.eal_arguments = {"--iova-mode=pa"};
  EXPECT_TRUE(says(line(), {"-a 0000:01:00.0 ", "--iova-mode=pa "}));
  EXPECT_FALSE(says(line(), {"--no-pci"}));
}

// As of two linehunts, in their network namespace. The address is ours alone among the tests that
// run there.
TEST(start, an_address_of_an_interface_has_one_owner) {
  const auto pid = static_cast<unsigned>(::getpid());
  const std::string own = "10." + std::to_string(pid >> 16 & 255) + '.' +
                          std::to_string(pid >> 8 & 255) + '.' + std::to_string(pid & 255);
  const auto claims_of = [](const char* device, const std::string& address, int vlan) {
    dpdk::port_setup port;
    port.name = "wan";
    port.device = device;
    port.vlan = static_cast<std::uint16_t>(vlan);
    port.addresses = {{ip(address), 24}};
    return dpdk::address_claims::make({port});
  };
  const char* const device = "net_af_packet0,iface=lo";
  auto first = claims_of(device, own, 0);
  ASSERT_TRUE(first) << first.error().message;
  for (int time = 0; time < 2; ++time) {
    const auto second = claims_of("net_af_xdp3,iface=lo", own, 0);
    ASSERT_FALSE(second);
    EXPECT_TRUE(
        says(second.error().message,
             {"port 'wan'", own.c_str(), "'lo'", "another linehunt",
              (", process " + std::to_string(pid) + " of user ").c_str(), "; end that one"}));
  }
  // As of a service that is started again for hours.
  for (int time = 0; time < 4200; ++time) {
    ASSERT_FALSE(claims_of(device, own, 0)) << time;
    if (time % 50 == 0) first->let_askers_go();
  }
  EXPECT_TRUE(claims_of(device, own, 7)) << "another VLAN";
  EXPECT_TRUE(claims_of(device, "2001:db8::" + std::to_string(pid % 9999), 0));
  for (const char* other : {"net_null0", "net_ring0", "net_memif0,role=client", "0000:01:00.0"})
    EXPECT_TRUE(claims_of(other, own, 0)) << other;
  {
    const dpdk::address_claims moved = std::move(*first);
    EXPECT_FALSE(claims_of(device, own, 0));
  }
  EXPECT_TRUE(claims_of(device, own, 0));
}

TEST(start, pci_addresses) {
  EXPECT_TRUE(dpdk::is_pci_address("0000:01:00.0"));
  EXPECT_TRUE(dpdk::is_pci_address("01:00.0,class=rxq"));
  EXPECT_FALSE(dpdk::is_pci_address("net_tap0"));
  EXPECT_FALSE(dpdk::is_pci_address("0000:01:00"));
}

TEST(start, says_where_the_kernel_has_an_address_of_a_port) {
  dpdk::port_setup port;
  port.name = "access";
  port.device = "net_af_packet0,iface=lo";
  port.addresses = {{*parse_ip("192.0.2.10"), 24}};
  EXPECT_FALSE(dpdk::check_kernel_addresses(port));
  port.addresses.push_back({*parse_ip("127.0.0.1"), 24});
  const auto wrong = dpdk::check_kernel_addresses(port);
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->message.find("the kernel has 127.0.0.1 itself, on interface 'lo'"),
            std::string::npos)
      << wrong->message;
  EXPECT_NE(wrong->message.find("`ip address del 127.0.0.1/8 dev lo`"), std::string::npos);
  port.device = "net_tap0,iface=t0"; // whose other side it may be
  EXPECT_FALSE(dpdk::check_kernel_addresses(port));
}

TEST(start, knows_how_much_an_rx_queue_holds) {
  using dpdk::packets_in_rx_queue;
  EXPECT_EQ(packets_in_rx_queue("net_ixgbe", "0000:01:00.0", 1024), 1024u);
  EXPECT_EQ(packets_in_rx_queue("net_af_packet", "net_af_packet0,iface=a", 1024), 512u);
  EXPECT_EQ(packets_in_rx_queue("net_af_packet", "net_af_packet0,framecnt=64", 1024), 64u);
  EXPECT_EQ(packets_in_rx_queue("net_memif", "net_memif0,rsize=8", 1024), 256u);
  EXPECT_EQ(packets_in_rx_queue("net_virtio", "0000:01:00.0", 1024), 256u);
  EXPECT_EQ(packets_in_rx_queue("net_virtio", "0000:01:00.0", 128), 128u);
  EXPECT_EQ(packets_in_rx_queue("net_vhost", "net_vhost0,iface=/s", 1024), 256u);
  const char* const user = "net_virtio_user0,path=/s";
  EXPECT_EQ(packets_in_rx_queue("net_virtio_user", user, 1024), 256u);
  const char* const longer = "net_virtio_user0,path=/s,queue_size=512";
  EXPECT_EQ(packets_in_rx_queue("net_virtio_user", longer, 1024), 512u);
  EXPECT_EQ(packets_in_rx_queue("net_virtio_user", longer, 256), 256u);
  const char* const hexadecimal = "net_virtio_user0,path=/s,queue_size=0x200";
  EXPECT_EQ(packets_in_rx_queue("net_virtio_user", hexadecimal, 1024), 512u) << "as its driver";
}

TEST(start, null_device_runs_and_stops) {
  const std::string message = error_for("net_null0,size=64");
  EXPECT_EQ(message, "");
}

// The one before it is filling its tables by then, in a thread of its own.
TEST(start, says_for_which_worker_there_is_no_memory) {
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  port.name = "wan";
  port.device = "net_null0,size=64";
  setup.ports = {port};
  setup.workers = 2;
  setup.cores = {0, 0};
  setup.mbufs = 1024;
  std::vector<void*> taken;
  while (void* const piece = rte_malloc(nullptr, 64 << 10, 0))
    taken.push_back(piece);
  std::string message;
  while (message.find("worker 1") == std::string::npos && !taken.empty()) {
    rte_free(taken.back());
    taken.pop_back();
    const auto started = dpdk::runtime::start(setup, std::make_unique<snapshot>());
    ASSERT_FALSE(started) << "one worker more or less takes more than a piece";
    message = started.error().message;
  }
  EXPECT_TRUE(says(message, {"no memory for worker 1", "raise memory_mb"}));
  for (void* const piece : taken)
    rte_free(piece);
}

TEST(start, reports_a_device_that_is_lost) {
  wire link("lost", 1);
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  port.name = "wan";
  port.device = link.device();
  setup.ports = {port};
  setup.cores = {0};
  setup.mbufs = 1024;
  const auto started = dpdk::runtime::start(setup, std::make_unique<snapshot>());
  ASSERT_TRUE(started) << started.error().message;
  rte_eth_dev* const device = rte_eth_dev_allocated(link.device().c_str());
  const auto state = [&] { return (*started)->ports().front().device; };
  EXPECT_EQ(state(), dpdk::device_state::present);
  (void)rte_eth_dev_callback_process(device, RTE_ETH_EVENT_INTR_RESET, nullptr);
  EXPECT_EQ(state(), dpdk::device_state::needs_reset);
  (void)rte_eth_dev_callback_process(device, RTE_ETH_EVENT_INTR_RMV, nullptr);
  EXPECT_EQ(state(), dpdk::device_state::removed);
  (void)rte_eth_dev_callback_process(device, RTE_ETH_EVENT_INTR_RESET, nullptr);
  EXPECT_EQ(state(), dpdk::device_state::removed);
}

TEST(start, names_the_groups_of_ipv6_and_takes_all_where_there_are_many) {
  wire link("groups", 1);
  dpdk::port_setup setup;
  setup.name = "wan";
  setup.device = link.device();
  // Whether all groups are taken with so many addresses of IPv6, and one more whose group is that
  // of the first of them.
  const auto takes_all = [&](unsigned addresses) {
    setup.addresses = {{ip("192.0.2.1"), 24}, {ip("2001:db8:1::1"), 64}};
    for (unsigned i = 1; i <= addresses; ++i)
      setup.addresses.push_back({ip("2001:db8::" + std::to_string(i)), 64});
    auto port = dpdk::port::probe(setup, 1);
    if (!port) throw std::runtime_error(port.error().message);
    (void)rte_eth_allmulticast_disable(port->device()); // net_ring begins with it
    if (!port->start({&pool()}, false)) throw std::runtime_error("no start");
    return rte_eth_allmulticast_get(port->device()) == 1;
  };
  EXPECT_FALSE(takes_all(26));
  ASSERT_EQ(groups_named.size(), 28u);
  const auto named = [](std::size_t at) {
    const auto& bytes = groups_named[at].addr_bytes;
    return std::vector<int>(std::begin(bytes), std::end(bytes));
  };
  EXPECT_EQ(named(0), (std::vector<int>{0x33, 0x33, 0, 0, 0, 1})) << "all nodes";
  const auto port = dpdk::port::probe(setup, 1);
  const auto& mac = port->us().mac.addr_bytes;
  EXPECT_EQ(named(1), (std::vector<int>{0x33, 0x33, 0xff, mac[3], mac[4], mac[5]}));
  EXPECT_EQ(named(2), (std::vector<int>{0x33, 0x33, 0xff, 0, 0, 1}));
  EXPECT_EQ(named(27), (std::vector<int>{0x33, 0x33, 0xff, 0, 0, 0x26}));
  EXPECT_TRUE(takes_all(27));
  EXPECT_EQ(groups_named.size(), 29u);
}

// A capture with one ARP request; the answer is in the other capture afterwards.
TEST(start, pcap_in_pcap_out) {
  const std::string base = testing::TempDir() + "packet_start_" + std::to_string(getpid());
  const std::string in = base + "_in.pcap", out = base + "_out.pcap";
  // An ARP request goes to everybody: nobody knows beforehand which MAC net_pcap gives itself.
  const std::string frame =
      arp_frame(1, peer_mac, ip("192.0.2.10"), {}, ip("192.0.2.1"), {broadcast_mac, peer_mac, 0});
  {
    std::ofstream file(in, std::ios::binary);
    const auto le32 = [&](std::uint32_t v) {
      for (int i = 0; i < 4; ++i)
        file.put(static_cast<char>(v >> (8 * i)));
    };
    le32(0xa1b2c3d4);
    le32(0x00040002); // version 2.4
    le32(0), le32(0), le32(65535), le32(1);
    le32(0), le32(0), le32(static_cast<std::uint32_t>(frame.size()));
    le32(static_cast<std::uint32_t>(frame.size()));
    file << frame;
  }
  {
    dpdk::runtime_setup setup;
    dpdk::port_setup port;
    port.name = "capture";
    port.device = "net_pcap1,rx_pcap=" + in + ",tx_pcap=" + out;
    port.addresses = {{ip("192.0.2.1"), 24}};
    setup.ports = {port};
    setup.mbufs = 1024;
    auto started = dpdk::runtime::start(setup, std::make_unique<snapshot>());
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_TRUE(eventually([&] {
      const auto r = (*started)->report(0);
      return r.verdicts[static_cast<std::size_t>(verdict::arp_handled)] == 1 && r.tx_packets >= 2;
    }));
  }
  std::ifstream file(out, std::ios::binary);
  const std::string captured((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(captured.find(raw(ip("192.0.2.1")) + raw(peer_mac) + raw(ip("192.0.2.10"))),
            std::string::npos); // sender and target of the ARP reply
  std::remove(in.c_str());
  std::remove(out.c_str());
}

} // namespace
} // namespace linehunt::test
