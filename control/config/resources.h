// SPDX-License-Identifier: Apache-2.0
// The text form of resources, "vm=50; pstn=32", as OpenSIPS writes it in its table and as the
// configuration file writes it.
#pragma once

#include "control/config/configuration.h"

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::config {

// The error says what is wrong and what to write instead.
[[nodiscard]] tl::expected<std::vector<resource_entry>, std::string>
parse_resources(std::string_view text);

// The name that calls ask for: without the suffix /b or /s, which only says how OpenSIPS shares the
// resource in a cluster.
[[nodiscard]] std::string_view bare_name(std::string_view name) noexcept;

// [A-Za-z0-9_-]+, optionally with the suffix /b or /s.
[[nodiscard]] bool is_resource_name(std::string_view text) noexcept;

} // namespace linehunt::config
