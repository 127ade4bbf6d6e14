// SPDX-License-Identifier: Apache-2.0
// The hash that decides which worker owns a call. Knows only the Call-ID and the node's secret.
#include "dataplane/engine.h"
#include "dataplane/siphash.h"

namespace linehunt {

std::uint64_t call_hash(std::string_view call_id, const node_secret& secret) noexcept {
  return siphash13(call_id, secret.hash_key);
}

} // namespace linehunt
