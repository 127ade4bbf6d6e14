// SPDX-License-Identifier: Apache-2.0
// Standard input, output and error of a program whose starter has closed them: what it opened next
// would get their numbers, and what it says would be written there, to a socket of its own, say.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace linehunt {

// Before anything else is opened. What is written to those that were closed fails as before.
inline void hold_standard_files() noexcept {
  for (int file = 0; file >= 0 && file <= STDERR_FILENO;) {
    file = ::open("/dev/null", O_RDONLY);
    if (file > STDERR_FILENO) ::close(file);
  }
}

} // namespace linehunt
