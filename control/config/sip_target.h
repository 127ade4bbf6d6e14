// SPDX-License-Identifier: Apache-2.0
// From a SIP URI in the configuration to the address and port that packets go to.
#pragma once

#include "dataplane/address.h"

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace linehunt::config {

// A SIP URI with an IP address as host; port 5060 where none is written (RFC 3261 19.1.2). The
// error says what is wrong and what to write instead.
[[nodiscard]] tl::expected<endpoint, std::string> sip_target(std::string_view uri);

} // namespace linehunt::config
