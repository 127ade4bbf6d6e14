// SPDX-License-Identifier: Apache-2.0
// See allocation_count.h. A file of its own, so that the compiler cannot pair these with the
// operators it knows.
#include "tests/unit/dataplane/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocations{0};

void* take(std::size_t size_bytes, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (size_bytes + alignment - 1) / alignment * alignment;
  if (void* memory = std::aligned_alloc(alignment, rounded ? rounded : alignment)) return memory;
  throw std::bad_alloc();
}

void* counted_or_null(std::size_t size_bytes) noexcept {
  ++allocations;
  return std::malloc(size_bytes ? size_bytes : 1);
}

} // namespace

namespace linehunt {

std::size_t allocations_so_far() noexcept {
  return allocations;
}

void* counted_malloc(std::size_t size_bytes) {
  ++allocations;
  return std::malloc(size_bytes);
}

} // namespace linehunt

void* operator new(std::size_t size) {
  return take(size, alignof(std::max_align_t));
}
void* operator new[](std::size_t size) {
  return take(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return take(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return take(size, static_cast<std::size_t>(alignment));
}
// Libraries use these too, and what they took comes back through the operators below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted_or_null(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return counted_or_null(size);
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
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
