// SPDX-License-Identifier: Apache-2.0
// Memory of the kernel in large pages where it gives them, touched at once, so that a call's first
// use of its record is no page fault.
#pragma once

#include "dataplane/memory_source.h"

namespace linehunt::pktgen {

class big_pages final : public memory_source {
 public:
  [[nodiscard]] void* take(std::size_t size_bytes, std::size_t alignment) override;
  void give_back(void* memory, std::size_t size_bytes) noexcept override;
};

} // namespace linehunt::pktgen
