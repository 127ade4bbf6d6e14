// SPDX-License-Identifier: Apache-2.0
// On which core a worker's memory is asked for and filled first, hence on which NUMA node it is:
// the kernel takes it from that of the core that touches it first.
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/neighbour_table.h"
#include "running_balancer.h"
#include "sipparse/message_view.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>
#include <rte_lcore.h>
#include <vector>

namespace {

constexpr std::size_t large_bytes = 32 << 10;

struct piece {
  std::size_t bytes = 0;
  unsigned lcore = LCORE_ID_ANY; // of the thread that has asked for it
};
std::array<piece, 4096> large;
std::atomic<std::size_t> large_count{0};

void* taken(std::size_t size_bytes) {
  if (size_bytes >= large_bytes)
    if (const std::size_t at = large_count++; at < large.size())
      large[at] = {size_bytes, rte_lcore_id()};
  if (void* const memory = std::malloc(size_bytes != 0 ? size_bytes : 1)) return memory;
  throw std::bad_alloc();
}

} // namespace

void* operator new(std::size_t size) {
  return taken(size);
}
void* operator new[](std::size_t size) {
  return taken(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace linehunt::test {
namespace {

std::vector<unsigned> who_has_asked_for(std::size_t bytes) {
  std::vector<unsigned> lcores;
  for (std::size_t i = 0; i < std::min(large_count.load(), large.size()); ++i)
    if (large[i].bytes == bytes) lcores.push_back(large[i].lcore);
  return lcores;
}

TEST(memory_of_a_worker, is_asked_for_on_its_core) {
  (void)pool();
  large_count = 0;
  const running_balancer lb({.workers = 2});
  ASSERT_LT(large_count, large.size());
  const std::vector workers{dpdk::lcore_of(0), dpdk::lcore_of(1)};
  EXPECT_EQ(who_has_asked_for(dpdk::neighbour_table::size * sizeof(dpdk::neighbour)), workers);
  // Of each: datagrams that lie in several segments, and those that it has put together.
  const std::vector twice{workers[0], workers[0], workers[1], workers[1]};
  EXPECT_EQ(who_has_asked_for(sip::max_message_bytes), twice);
}

} // namespace
} // namespace linehunt::test
