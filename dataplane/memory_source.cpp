// SPDX-License-Identifier: Apache-2.0
// Tables from the heap. The alignment is the same for all of them, so that giving back needs no
// record of it.
#include "dataplane/memory_source.h"

#include <algorithm>
#include <new>

namespace linehunt {
namespace {

class heap final : public memory_source {
 public:
  void* take(std::size_t size_bytes, std::size_t alignment) override {
    if (alignment > table_alignment) throw std::bad_alloc();
    return ::operator new (size_bytes, std::align_val_t{table_alignment});
  }
  void give_back(void* memory, std::size_t /*size_bytes*/) noexcept override {
    // Without the size: clang offers sized deallocation only by a flag.
    ::operator delete (memory, std::align_val_t{table_alignment});
  }

 private:
  static constexpr std::size_t table_alignment = 4096;
};

} // namespace

memory_source& heap_memory() noexcept {
  static heap instance;
  return instance;
}

} // namespace linehunt
