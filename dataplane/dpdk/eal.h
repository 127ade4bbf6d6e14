// SPDX-License-Identifier: Apache-2.0
// DPDK's environment. It can be started once in the life of a process; whoever starts it ends it.
#pragma once

#include "dataplane/dpdk/runtime.h"

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::dpdk {

// The processor of each worker: as configured, else 1, 2, ... round the processors there are.
[[nodiscard]] tl::expected<std::vector<unsigned>, error> worker_cores(const runtime_setup& setup);
// Tried, since the mask of the process says nothing: an isolated processor (isolcpus) is in
// nobody's mask, and may be had all the same.
[[nodiscard]] bool may_run_on(unsigned core);
// The first of them on which this process may not run.
[[nodiscard]] std::optional<error> check_cores(unsigned control_core,
                                               const std::vector<unsigned>& cores);
// Worker w runs on lcore w + 1; lcore 0 is the control thread.
[[nodiscard]] inline unsigned lcore_of(worker_id w) noexcept {
  return w + 1u;
}

[[nodiscard]] std::vector<std::string> eal_arguments(const runtime_setup& setup,
                                                     const std::vector<unsigned>& cores);

// The calling thread becomes the main lcore.
[[nodiscard]] tl::expected<void, error> start_eal(const runtime_setup& setup);
[[nodiscard]] bool eal_is_running() noexcept;
void stop_eal() noexcept;

} // namespace linehunt::dpdk
