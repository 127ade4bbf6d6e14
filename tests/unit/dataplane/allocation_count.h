// SPDX-License-Identifier: Apache-2.0
// Counts what goes through operator new in this program, to prove that a path allocates nothing.
// Link allocation_count.cpp into the test.
#pragma once

#include <cstddef>

namespace linehunt {

[[nodiscard]] std::size_t allocations_so_far() noexcept;
// malloc that counts as well, for libraries that can be given an allocator.
void* counted_malloc(std::size_t size_bytes);

} // namespace linehunt
