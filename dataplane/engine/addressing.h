// SPDX-License-Identifier: Apache-2.0
// Where a message goes next, by what it says itself: Via for responses, Route and Request-URI for
// requests. Numeric addresses only; names are never resolved on the packet path.
#pragma once

#include "dataplane/address.h"
#include "dataplane/snapshot.h"
#include "sipparse/fields.h"
#include "sipparse/uri.h"

#include <optional>
#include <string_view>

namespace linehunt::calls {

inline constexpr std::uint16_t sip_port = 5060;

// The replies to a request that came from `source` with this topmost Via (RFC 3261 18.2.2,
// RFC 3581 4): never elsewhere than to that address. `maddr` is for multicast, which is not sent
// (is_sendable); otherwise whoever names somebody else in it has us send replies and their
// repetitions there.
[[nodiscard]] endpoint reply_target(const sip::via_field& via, const endpoint& source) noexcept;

// The next hop of a response whose topmost Via, ours removed, is this one. nullopt where it has no
// numeric address. That Via was the topmost of the request that we have passed on, so `received`
// and `rport` in it are ours wherever sent-by is not the source: this is the address of
// reply_target, and `maddr` is not needed here either.
[[nodiscard]] std::optional<endpoint> via_target(const sip::via_field& via) noexcept;

// Where a SIP URI is reached: maddr or host, port or 5060. nullopt for names and other schemes;
// sips is one, whose port (5061 by default, RFC 3261 19.1.2) is one of TLS, as is that of a sip URI
// with ";transport=tls" and the like.
[[nodiscard]] std::optional<endpoint> uri_target(std::string_view uri) noexcept;
[[nodiscard]] std::optional<endpoint> uri_target(const sip::field_result<sip::uri>& uri) noexcept;

// The address alone, of a URI for TLS as well: whoever is there may well speak UDP.
[[nodiscard]] std::optional<ip_address> uri_address(std::string_view uri) noexcept;

// True where host and port are those of a listener of ours.
[[nodiscard]] bool names_us(const snapshot& world, std::string_view uri) noexcept;
// Whether a request with that URI would come to us; `target` is the URI's.
[[nodiscard]] bool leads_to_us(const snapshot& world, std::string_view uri,
                               const std::optional<endpoint>& target) noexcept;
[[nodiscard]] bool sent_by_is_ours(const snapshot& world, const sip::via_field& via) noexcept;

// A Record-Route of ours, exactly as we write it (own_headers.h): its handle. The quick way; what a
// peer has rewritten is left to names_us.
[[nodiscard]] std::optional<std::uint64_t> own_route_handle(const snapshot& world,
                                                            std::string_view uri) noexcept;

// No multicast, broadcast or unspecified address, no port 0. One of our own addresses is: who asks
// for it looks at snapshot::is_local as well where a message must not come back to us.
[[nodiscard]] bool is_sendable(const endpoint& to) noexcept;

} // namespace linehunt::calls
