// SPDX-License-Identifier: Apache-2.0
// Where large tables come from, and an array of plain records out of there. Knows nothing of what
// the records mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace linehunt {

// Where the engine's large tables come from: aligned, zeroed or not, never null (throws
// std::bad_alloc at start). The runtime gives memory of the worker's NUMA node.
class memory_source {
 public:
  virtual ~memory_source() = default;
  [[nodiscard]] virtual void* take(std::size_t size_bytes, std::size_t alignment) = 0;
  virtual void give_back(void* memory, std::size_t size_bytes) noexcept = 0;
};
[[nodiscard]] memory_source& heap_memory() noexcept; // operator new, for tests and tools

// `count` value-initialised records, aligned to a cache line, for the life of the array.
template <class Record>
class record_array {
 public:
  static_assert(std::is_trivially_destructible_v<Record>);
  record_array(std::size_t count, memory_source& source)
      : source_(source), count_(count),
        records_(static_cast<Record*>(source.take(size_bytes(), alignment))) {
    std::uninitialized_value_construct_n(records_, count);
  }
  ~record_array() { source_.give_back(records_, size_bytes()); }
  record_array(const record_array&) = delete;
  record_array& operator=(const record_array&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] Record& operator[](std::size_t i) noexcept { return records_[i]; }
  [[nodiscard]] const Record& operator[](std::size_t i) const noexcept { return records_[i]; }

 private:
  static constexpr std::size_t alignment = alignof(Record) > 64 ? alignof(Record) : 64;
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return (count_ == 0 ? 1 : count_) * sizeof(Record);
  }
  memory_source& source_;
  std::size_t count_;
  Record* records_;
};

} // namespace linehunt
