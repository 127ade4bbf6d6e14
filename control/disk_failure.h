// SPDX-License-Identifier: Apache-2.0
// What tells a disk that has failed from a configuration that is wrong: linehunt serves without the
// first, and does not start with the second.
#pragma once

#include <cerrno>

namespace linehunt {

// Of `errno`. A file system that an error has made read-only is among them, one that is full, and
// one whose server or program has gone.
[[nodiscard]] constexpr bool is_disk_failure(int error) noexcept {
  switch (error) {
  case EDQUOT:
  case EIO:
  case ENOSPC:
  case ENOTCONN:
  case EROFS:
  case ESTALE:
  case EUCLEAN:
    return true;
  default:
    return false;
  }
}

} // namespace linehunt
