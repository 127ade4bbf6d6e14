// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/numa_memory.h"

#include <algorithm>
#include <bit>
#include <new>
#include <numa.h>
#include <numaif.h>
#include <rte_malloc.h>
#include <sys/mman.h>

namespace linehunt::dpdk {

namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

std::size_t whole_pages(std::size_t size_bytes) noexcept {
  const std::size_t page = size_bytes >= huge_page_bytes ? huge_page_bytes : 4096;
  return (size_bytes + page - 1) & ~(page - 1);
}

// Preferred, not bound: where the node has no memory, or not enough, that of another is slower; a
// bound process would be killed there. numa_tonode_memory would say on stderr what does not matter.
void prefer_node(void* memory, std::size_t size_bytes, int node) noexcept {
  bitmask* const nodes = numa_allocate_nodemask();
  numa_bitmask_setbit(nodes, static_cast<unsigned>(node));
  (void)mbind(memory, size_bytes, MPOL_PREFERRED, nodes->maskp, nodes->size + 1, 0);
  numa_free_nodemask(nodes);
}

} // namespace

int numa_node_of(unsigned core) noexcept {
  return numa_available() < 0 ? -1 : numa_node_of_cpu(static_cast<int>(core));
}

void* numa_memory::take(std::size_t size_bytes, std::size_t alignment) {
  if (hugepages_) {
    void* const memory = rte_zmalloc_socket(
        "engine", size_bytes,
        static_cast<unsigned>(std::bit_ceil(std::max<std::size_t>(64, alignment))),
        node_ < 0 ? SOCKET_ID_ANY : node_);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  // mmap aligns to 4 KiB only; the surplus around an aligned range is unmapped again.
  const std::size_t size = whole_pages(std::max<std::size_t>(size_bytes, 1));
  const std::size_t align = std::max(alignment, size >= huge_page_bytes ? huge_page_bytes : 4096);
  void* const raw =
      mmap(nullptr, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(raw);
  const std::size_t skew = reinterpret_cast<std::uintptr_t>(begin) % align;
  const std::size_t before = skew == 0 ? 0 : align - skew;
  if (before != 0) munmap(begin, before);
  if (align > before) munmap(begin + before + size, align - before);
  void* const memory = begin + before;
  if (node_ >= 0 && numa_available() >= 0) prefer_node(memory, size, node_);
  (void)madvise(memory, size, MADV_HUGEPAGE); // an improvement where it works
  return memory;
}

void numa_memory::give_back(void* memory, std::size_t size_bytes) noexcept {
  if (memory == nullptr) return;
  if (hugepages_)
    rte_free(memory);
  else
    munmap(memory, whole_pages(std::max<std::size_t>(size_bytes, 1)));
}

} // namespace linehunt::dpdk
