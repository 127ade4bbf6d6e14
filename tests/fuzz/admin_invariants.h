// SPDX-License-Identifier: Apache-2.0
// What must hold for any bytes that reach the admin interface: as a JSON-RPC request, and as what
// is read from the FIFO.
#pragma once

#include <string>
#include <string_view>

namespace linehunt {

// Empty where all holds, else what does not.
[[nodiscard]] std::string violated_admin_invariant(std::string_view bytes);

} // namespace linehunt
