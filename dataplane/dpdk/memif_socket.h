// SPDX-License-Identifier: Apache-2.0
// The socket that a memif of role server listens on, where it is a file. A process that was killed
// leaves it behind, and the driver then cannot make it.
#pragma once

#include <string_view>

namespace linehunt::dpdk {

// Removes what `device` would listen on, where it is a socket that nobody listens on any more.
// Nothing that fails here matters: the driver says what is wrong.
void remove_left_memif_socket(std::string_view device);

} // namespace linehunt::dpdk
