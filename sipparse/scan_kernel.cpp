// SPDX-License-Identifier: Apache-2.0
// Which kernel scans: asked of the processor once, before main.
#include "sipparse/kernels/kernel.h"
#include "sipparse/scan.h"

#include <array>
#include <cstdlib>

namespace linehunt::sip {
namespace {

using namespace std::string_view_literals;

constexpr std::array kernel_names{"scalar"sv, "sse42"sv, "avx2"sv, "avx512"sv};
constexpr std::array kernel_functions{&kernels::scalar, &kernels::sse42, &kernels::avx2,
                                      &kernels::avx512};

// The scalar kernel serves whatever scans before `chosen_at_start` below is initialised. Written
// before main and by use_kernel, read by every thread that scans.
constinit kernel active = kernel::scalar;
constinit const kernels::functions* active_functions = &kernels::scalar;

// A name that is unknown, or that this processor cannot run, leaves the best kernel in place: a
// library has nobody to tell. name_of(current_kernel()) shows what came of it.
kernel chosen_kernel() noexcept {
  if (const char* forced = std::getenv("LINEHUNT_KERNEL")) {
    const auto named = kernel_named(forced);
    if (named && kernel_supported(*named)) return *named;
  }
  return best_kernel();
}

[[maybe_unused]] const bool chosen_at_start = use_kernel(chosen_kernel());

} // namespace

namespace kernels {
const functions& current() noexcept {
  return *active_functions;
}
} // namespace kernels

std::string_view name_of(kernel k) noexcept {
  return kernel_names[static_cast<std::size_t>(k)];
}

std::optional<kernel> kernel_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kernel_names.size(); ++i)
    if (kernel_names[i] == name) return static_cast<kernel>(i);
  return std::nullopt;
}

bool kernel_supported(kernel k) noexcept {
  __builtin_cpu_init();
  switch (k) {
  case kernel::scalar:
    return true;
  case kernel::sse42:
    return __builtin_cpu_supports("sse4.2");
  case kernel::avx2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
  case kernel::avx512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
  }
  return false;
}

kernel best_kernel() noexcept {
  for (const auto k : {kernel::avx512, kernel::avx2, kernel::sse42})
    if (kernel_supported(k)) return k;
  return kernel::scalar;
}

kernel current_kernel() noexcept {
  return active;
}

bool use_kernel(kernel k) noexcept {
  if (!kernel_supported(k)) return false;
  active = k;
  active_functions = kernel_functions[static_cast<std::size_t>(k)];
  return true;
}

} // namespace linehunt::sip
