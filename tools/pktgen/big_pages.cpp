// SPDX-License-Identifier: Apache-2.0
#include "tools/pktgen/big_pages.h"

#include <new>
#include <sys/mman.h>

namespace linehunt::pktgen {

namespace {

constexpr std::size_t large_page_bytes = std::size_t{2} << 20;

std::size_t whole_pages(std::size_t size_bytes) noexcept {
  return (size_bytes + large_page_bytes - 1) & ~(large_page_bytes - 1);
}

} // namespace

void* big_pages::take(std::size_t size_bytes, std::size_t) {
  void* const memory = mmap(nullptr, whole_pages(size_bytes), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  (void)madvise(memory, whole_pages(size_bytes), MADV_HUGEPAGE);
  if (madvise(memory, whole_pages(size_bytes), MADV_POPULATE_WRITE) != 0) {
    // An older kernel; the records' constructors touch the pages instead.
  }
  return memory;
}

void big_pages::give_back(void* memory, std::size_t size_bytes) noexcept {
  munmap(memory, whole_pages(size_bytes));
}

} // namespace linehunt::pktgen
