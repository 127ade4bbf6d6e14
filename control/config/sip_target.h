// SPDX-License-Identifier: Apache-2.0
// From a SIP URI in the configuration to the address and port that packets go to.
#pragma once

#include "control/resolver/sip_name.h"
#include "dataplane/address.h"

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace linehunt::config {

// The address of a SIP URI whose host is one, at port 5060 where none is written (RFC 3261 19.1.2);
// nothing where the host is a name, which is looked up later. "maddr" stands for the host (RFC 3263
// 4). The error says what is wrong and what to write instead.
[[nodiscard]] tl::expected<std::vector<endpoint>, std::string> sip_target(std::string_view uri);

// The name to look up for such a URI; nullopt where it has an address, or is none.
[[nodiscard]] std::optional<dns::sip_name> name_to_look_up(std::string_view uri);

} // namespace linehunt::config
