// SPDX-License-Identifier: Apache-2.0
// The order that NAPTR and SRV records ask for. Pure; knows no sockets.
#pragma once

#include "control/resolver/dns_answer.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::dns {

inline constexpr std::size_t most_targets = 16; // of SRV records that are looked at

struct srv_target {
  std::string host;
  std::uint16_t port = 0;
  std::uint16_t rank = 0;  // 0, 1, ... by rising priority
  std::uint32_t share = 1; // of its rank
};

// RFC 2782: the lower priority first. In the same priority the weights say the shares; a weight of
// 0 beside others is rare but not never, and weights that are all 0 are equal shares.
[[nodiscard]] std::vector<srv_target> in_order(std::vector<dns_record> srv);

// The names to ask for SRV, the best first: those of NAPTR records for SIP over UDP (RFC 3263 4.1),
// then the plain one.
[[nodiscard]] std::vector<std::string> srv_names(std::vector<dns_record> naptr,
                                                 std::string_view host);

} // namespace linehunt::dns
