// SPDX-License-Identifier: Apache-2.0
// What has to be looked up to reach a SIP URI whose host is a name (RFC 3263 4). A value, and a
// key.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace linehunt::dns {

struct sip_name {
  std::string host;       // in lower case, without a final dot
  std::uint16_t port = 0; // as written: then there is no NAPTR and no SRV; 0: not written
  bool names_udp = false; // ";transport=udp": no NAPTR
  friend bool operator==(const sip_name&, const sip_name&) = default;
  friend auto operator<=>(const sip_name&, const sip_name&) = default;
};

} // namespace linehunt::dns
