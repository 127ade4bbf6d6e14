// SPDX-License-Identifier: Apache-2.0
// libFuzzer over requests to the admin interface, with and without the framing of the FIFO.
#include "tests/fuzz/admin_invariants.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto violated =
      linehunt::violated_admin_invariant({reinterpret_cast<const char*>(data), size});
  if (!violated.empty()) {
    std::fprintf(stderr, "violated: %s\n", violated.c_str());
    std::abort();
  }
  return 0;
}
