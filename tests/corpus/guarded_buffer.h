// SPDX-License-Identifier: Apache-2.0
// A message whose last byte is the last readable one: behind it lies a page without access, so that
// a read past the datagram is a fault and not a habit.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <string_view>

namespace linehunt::corpus {

class guarded_buffer {
 public:
  explicit guarded_buffer(std::size_t capacity) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    readable_ = (capacity + page - 1) / page * page;
    mapped_ = readable_ + page;
    void* const at =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc{};
    base_ = static_cast<char*>(at);
    if (mprotect(base_ + readable_, page, PROT_NONE) != 0) throw std::bad_alloc{};
  }
  ~guarded_buffer() { munmap(base_, mapped_); }
  guarded_buffer(const guarded_buffer&) = delete;
  guarded_buffer& operator=(const guarded_buffer&) = delete;

  // Copies the message so that it ends at the guard page.
  [[nodiscard]] std::string_view hold(std::string_view message) noexcept {
    char* const at = base_ + readable_ - message.size();
    if (!message.empty()) std::memcpy(at, message.data(), message.size());
    return {at, message.size()};
  }

 private:
  char* base_ = nullptr;
  std::size_t readable_ = 0;
  std::size_t mapped_ = 0;
};

} // namespace linehunt::corpus
