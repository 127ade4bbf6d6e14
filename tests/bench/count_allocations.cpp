// SPDX-License-Identifier: Apache-2.0
// To be preloaded: counts the allocations of each thread of a program that knows nothing of it,
// into a file that others read meanwhile. ALLOCATION_COUNTS names the file; in it are pairs of 64
// bits, thread id and count, one for each thread in the order of their first allocation.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

// The allocator underneath, by the names under which glibc exports it for this purpose.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

struct slot {
  std::atomic<std::uint64_t> thread, count; // written by that thread, read by other processes
};
constexpr std::size_t slot_count = 256; // the last is shared by all further threads

std::array<slot, slot_count> unseen; // until the file is there
std::atomic<slot*> slots{unseen.data()};
std::atomic<std::size_t> threads{0};
thread_local std::size_t mine = slot_count;

void count() noexcept {
  if (mine == slot_count) {
    mine = threads.fetch_add(1, std::memory_order_relaxed);
    if (mine >= slot_count) mine = slot_count - 1;
  }
  slot& s = slots.load(std::memory_order_acquire)[mine];
  if (s.thread.load(std::memory_order_relaxed) == 0)
    s.thread.store(static_cast<std::uint64_t>(gettid()), std::memory_order_relaxed);
  s.count.fetch_add(1, std::memory_order_relaxed);
}

// Before main, while there is one thread.
[[gnu::constructor]] void open_file() {
  const char* const name = std::getenv("ALLOCATION_COUNTS");
  if (name == nullptr) return;
  const int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  constexpr std::size_t size = slot_count * sizeof(slot);
  if (file < 0 || ftruncate(file, size) != 0) std::abort();
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) std::abort();
  close(file);
  slots.store(static_cast<slot*>(memory), std::memory_order_release);
}

} // namespace

extern "C" {

void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) {
  count();
  return __libc_calloc(n, size);
}
void* realloc(void* memory, std::size_t size) {
  count();
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  count();
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  if (memory != nullptr) count();
  __libc_free(memory);
}

} // extern "C"
