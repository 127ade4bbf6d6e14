// SPDX-License-Identifier: Apache-2.0
// A piece of a copy of the calls, between the worker that fills it and the thread that writes it
// away. All room is there beforehand, since a worker must not allocate.
#pragma once

#include "dataplane/kept_call.h"

#include <cstddef>
#include <span>
#include <vector>

namespace linehunt {

class kept_copies {
 public:
  // Any call fits where there is none yet: its texts come from a few datagrams.
  kept_copies(std::size_t calls, std::size_t text_bytes) : calls_(calls), texts_(text_bytes) {}

  // In the worker's thread. False: there is no room for it.
  [[nodiscard]] bool take(const kept_call& call) noexcept;

  [[nodiscard]] std::span<const kept_call> calls() const noexcept { return {calls_.data(), used_}; }
  void clear() noexcept { used_ = used_bytes_ = 0; }

 private:
  std::vector<kept_call> calls_;
  std::vector<char> texts_;
  std::size_t used_ = 0, used_bytes_ = 0;
};

} // namespace linehunt
