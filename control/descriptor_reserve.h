// SPDX-License-Identifier: Apache-2.0
// A file descriptor that is opened for nothing but to be given up when there is no other.
#pragma once

#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace linehunt {

class descriptor_reserve {
 public:
  descriptor_reserve() { fill(); }
  ~descriptor_reserve() { (void)give_up(); }
  descriptor_reserve(const descriptor_reserve&) = delete;
  descriptor_reserve& operator=(const descriptor_reserve&) = delete;
  void fill() noexcept {
    if (kept_ < 0) kept_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  // False: there is none.
  [[nodiscard]] bool give_up() noexcept {
    return kept_ >= 0 && ::close(std::exchange(kept_, -1)) == 0;
  }

 private:
  int kept_ = -1;
};

} // namespace linehunt
