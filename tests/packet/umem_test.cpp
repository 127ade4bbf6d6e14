// SPDX-License-Identifier: Apache-2.0
// Mempools for af_xdp: whether the kernel sees all mbufs. Needs no such device.
#include "dataplane/dpdk/mbuf_pools.h"
#include "dataplane/dpdk/umem.h"
#include "packet_bed.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace linehunt::test {
namespace {

struct free_pool {
  void operator()(rte_mempool* p) const noexcept { rte_mempool_free(p); }
};
using pool_ptr = std::unique_ptr<rte_mempool, free_pool>;

pool_ptr made(const char* name, std::uint32_t mbufs, std::size_t buffer_bytes) {
  (void)pool(); // starts EAL
  pool_ptr p(
      rte_pktmbuf_pool_create(name, mbufs, 0, 0, static_cast<std::uint16_t>(buffer_bytes), 0));
  if (!p) throw std::runtime_error("no mempool");
  return p;
}

// What there is to be had, by where it begins.
std::vector<std::uintptr_t> all_of(rte_mempool& p) {
  std::vector<std::uintptr_t> at;
  for (rte_mbuf* m; (m = rte_pktmbuf_alloc(&p)) != nullptr;)
    at.push_back(reinterpret_cast<std::uintptr_t>(m) - p.header_size);
  std::ranges::sort(at);
  return at;
}

// Bytes that the driver shows to the kernel: those of all mbufs without space between.
std::size_t run_of(const rte_mempool& p) {
  return p.populated_size * std::size_t{p.header_size + p.elt_size + p.trailer_size};
}

std::size_t span_of(const rte_mempool& p, const std::vector<std::uintptr_t>& at) {
  return at.back() - reinterpret_cast<std::uintptr_t>(STAILQ_FIRST(&p.mem_list)->addr) +
         p.header_size + p.elt_size + p.trailer_size;
}

TEST(umem, mbufs_behind_it_are_never_given_out) {
  // 2.4 kB each, one to a page of ordinary memory.
  const pool_ptr gaps = made("gaps", 1000, RTE_MBUF_DEFAULT_BUF_SIZE);
  const std::size_t left = dpdk::withhold_behind_umem(*gaps);
  EXPECT_GT(left, 500u);
  EXPECT_LT(left, 600u) << "without gaps this test shows nothing";
  const auto given = all_of(*gaps);
  ASSERT_EQ(given.size(), left);
  EXPECT_LE(span_of(*gaps, given), run_of(*gaps));
  // Not one more than need be: the next page would lie behind it.
  EXPECT_GT(span_of(*gaps, given) + 4096, run_of(*gaps));
}

TEST(umem, buffers_that_fill_pages_waste_hardly_any) {
  (void)pool();
  const std::size_t bytes = dpdk::buffer_bytes_for_umem(RTE_MBUF_DEFAULT_BUF_SIZE);
  EXPECT_GE(bytes, RTE_MBUF_DEFAULT_BUF_SIZE);
  for (const std::uint32_t wanted : {64u, 1000u, 4096u}) {
    const std::uint32_t mbufs = dpdk::mbufs_for_umem(wanted);
    EXPECT_LE(mbufs, wanted + wanted / 20 + 16);
    EXPECT_GE(dpdk::withhold_behind_umem(*made("full", mbufs, bytes)), wanted);
  }
  EXPECT_EQ(dpdk::buffer_bytes_for_umem(9000), 9000u) << "more than fits a page";
}

dpdk::runtime_setup with_port(const std::string& device) {
  dpdk::runtime_setup setup;
  dpdk::port_setup port;
  port.name = "wan";
  port.device = device;
  setup.ports = {port};
  return setup;
}

TEST(umem, the_balancers_pool_has_none_behind_it) {
  (void)pool();
  const auto pools = dpdk::mbuf_pools::make(with_port("net_af_xdp0,iface=eth1"), 2000, {0});
  ASSERT_TRUE(pools) << pools.error().message;
  rte_mempool& p = *pools->of(0);
  const auto given = all_of(p);
  EXPECT_GE(given.size(), 2000u);
  EXPECT_LE(span_of(p, given), run_of(p));
}

TEST(umem, other_devices_have_all_their_mbufs) {
  (void)pool();
  const auto pools = dpdk::mbuf_pools::make(with_port("net_ring0"), 2000, {0});
  ASSERT_TRUE(pools) << pools.error().message;
  EXPECT_EQ(all_of(*pools->of(0)).size(), 2000u);
  EXPECT_EQ(pools->of(0)->size, 2000u);
}

} // namespace
} // namespace linehunt::test
