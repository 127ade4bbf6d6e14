// SPDX-License-Identifier: Apache-2.0
// From root to the user of [service], once the ports are open. Knows nothing of what runs.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace linehunt {

struct account {
  std::string name;
  unsigned user = 0, group = 0;
};

// The error says what to do. Asked before anything is started.
[[nodiscard]] tl::expected<account, std::string> account_named(const std::string& name);

// Every thread of the process becomes that user, without supplementary groups but the user's own.
// The calling thread, which is the one that closes the ports, keeps the capabilities for that
// (CAP_NET_ADMIN, CAP_NET_RAW); the workers keep none. Nothing to do where we are that user
// already.
[[nodiscard]] tl::expected<void, std::string> become(const account& whom);

// The file belongs to that user from here on. For files that this process made itself.
void hand_over(const std::string& file, const account& whom) noexcept;

} // namespace linehunt
