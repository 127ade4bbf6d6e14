// SPDX-License-Identifier: Apache-2.0
// libFuzzer over the engine: sequences of datagrams, mail, reloads and timers.
#include "tests/fuzz/engine_script.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto result =
      linehunt::fuzz::run_engine_script({reinterpret_cast<const char*>(data), size});
  if (!result.violated.empty()) {
    std::fprintf(stderr, "violated: %s\n", result.violated.c_str());
    std::abort();
  }
  return 0;
}
