// SPDX-License-Identifier: Apache-2.0
// The header lines that we put on top of what we send: our Via, and our Record-Route.
#pragma once

#include "dataplane/datagram.h"
#include "dataplane/engine/branch.h"
#include "dataplane/snapshot.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace linehunt::calls {

struct own_headers {
  std::array<char, 768> bytes;
  std::size_t len = 0; // 0: a sent-by is too long
  operator std::string_view() const noexcept { return {bytes.data(), len}; }
};

// `offer_overload`: with the parameters that ask a destination for overload control (RFC 7339 4.1).
[[nodiscard]] own_headers make_via(const snapshot& world, listener_index out,
                                   std::string_view branch, bool offer_overload) noexcept;

// Via and Record-Route of an INVITE. Two Record-Routes where it leaves by another listener than it
// came by (RFC 5658): the upper one is what the callee sees first, so it names the listener that
// the callee reaches.
[[nodiscard]] own_headers make_invite_headers(const snapshot& world, listener_index in,
                                              listener_index out, std::string_view branch,
                                              std::uint64_t handle, bool offer_overload) noexcept;

} // namespace linehunt::calls
